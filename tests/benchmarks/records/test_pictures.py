"""Pictures in records, frames and committed runs: they come back, and what is damaged is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
import torch
from scmbench.benchmarks.records import committed
from scmbench.benchmarks.records.committed import CommittedError
from scmbench.benchmarks.records.pictures import LONGEST, MOST
from scmbench.benchmarks.records.record import SCHEMA, CorruptRecord, Identity, Record, digest
from scmbench.benchmarks.records.results import PICTURES, gather
from scmbench.datasets import Picture, Score
from scmbench.datasets.pictures import encode, pictures


def record(model: str = "m", *, truth: bool = True, n: int = 8) -> Record:
    identity = Identity("image/test", 1, 0, model, 1, {}, "image", 1, {})
    x = torch.rand(n, 1, 6, 6, generator=torch.Generator().manual_seed(len(model)))
    kept = pictures("digit", torch.arange(n), "image", factual=x, answer=x**2, truth=x**3 if truth else None)
    where = {"python": "3.11", "packages": "", "commit": "", "dirty": False, "hardware": "", "threads": 1}
    scores = [("", Score("counterfactual", "cf_mse", 0.5, "digit", 1.0))]
    return Record(identity, "ok", scores=scores, pictures=kept, provenance=where)


def edited(text: str, change) -> str:
    """A record's text after a change by somebody who knows how to make the digest fit."""
    content = json.loads(text)
    del content["digest"]
    change(content)
    return json.dumps({**content, "digest": digest(content)})


@pytest.mark.parametrize("truth", [True, False])
def test_pictures_come_back(truth):
    written = record(truth=truth)
    assert list(Record.from_text(written.to_text()).pictures) == list(written.pictures)
    assert len(written.pictures) == 8


def test_a_picture_without_a_single_value_comes_back():
    png = encode(torch.zeros(1, 2, 2))
    one = replace(record(), pictures=[Picture("a", None, 3, "image", png, png, member="subject 1")])
    assert list(Record.from_text(one.to_text()).pictures) == list(one.pictures)


def test_a_record_from_before_pictures_is_read():
    def older(content):
        content["schema"] = SCHEMA - 1
        del content["pictures"]

    assert Record.from_text(edited(record().to_text(), older)).pictures == ()


def column(name: str, value) -> object:
    return lambda content: content["pictures"][name].__setitem__(1, value)


def whole(name: str, value) -> object:
    return lambda content: content["pictures"].__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("pictures"), "the field pictures is missing"),
        (lambda c: c.__setitem__("pictures", []), "the field pictures holds"),
        (lambda c: c["pictures"].pop("answer"), r"the field pictures\.answer is missing"),
        (column("answer", None), r"the field pictures\.answer\[1\] is a NoneType"),
        (column("answer", 7), r"the field pictures\.answer\[1\] is a int"),
        (column("answer", ["x"]), r"the field pictures\.answer\[1\] is a list"),
        (column("answer", "§"), r"pictures\.answer\[1\] is no picture: it is no base64"),
        (column("factual", "aGVsbG8="), r"pictures\.factual\[1\] is no picture: it does not begin as a PNG"),
        (column("truth", "A" * (LONGEST + 4)), r"pictures\.truth\[1\] is no picture: it has 20004 characters"),
        (column("row", -1), r"the field pictures\.row holds '-1'"),
        (column("row", True), r"the field pictures\.row holds 'True'"),
        (column("row", 1e300), r"the field pictures\.row"),
        (column("value", "5"), r"the field pictures\.value"),
        (column("node", 5), r"the field pictures\.node"),
        (lambda c: c["pictures"]["row"].pop(), "the columns of pictures have the lengths"),
        (whole("row", list(range(MOST + 1))), f"pictures holds {MOST + 1} pictures, more than {MOST}"),
    ],
)
def test_what_is_no_picture_is_damage(change, message):
    with pytest.raises(CorruptRecord, match=message) as error:
        Record.from_text(edited(record().to_text(), change))
    assert len(str(error.value).splitlines()) == 1


def test_frames_hold_a_line_a_picture():
    results = gather([(record(), "mine"), (record("other", truth=False), "theirs")], suite="t")
    assert list(results.pictures.columns) == PICTURES
    assert results.pictures.groupby("model").size().to_dict() == {"mine": 8, "theirs": 8}
    assert results.pictures["truth"].isna().sum() == 8
    assert list(gather([], suite="t").pictures.columns) == PICTURES


def test_a_committed_run_keeps_a_few_pictures_of_worlds_of_our_own(tmp_path):
    results = gather([(record(), "mine"), (record("other", truth=False), "theirs")], suite="t")
    committed.write(tmp_path / "t", results, suite="t", note="first")
    again = committed.read(tmp_path / "t").pictures
    expected = results.pictures[(results.pictures["model"] == "mine") & (results.pictures["row"] < 4)]
    pd.testing.assert_frame_equal(again, expected.reset_index(drop=True), check_dtype=False)
    without = gather([(record("other", truth=False), "theirs")], suite="t")
    committed.write(tmp_path / "t", without, suite="t", note="second")
    assert not (tmp_path / "t" / "pictures.csv").exists()
    assert committed.read(tmp_path / "t").pictures.empty


def test_a_damaged_picture_of_a_committed_run_is_named(tmp_path):
    committed.write(tmp_path / "t", gather([(record(), "mine")], suite="t"), suite="t", note="first")
    path = tmp_path / "t" / "pictures.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1], lines[2].replace("iVBOR", "iVBOS")]))
    with pytest.raises(CommittedError, match=r"pictures\.csv, line 3: factual is no picture: "):
        committed.read(tmp_path / "t")
    path.write_text("dataset,model\na,b\n")
    with pytest.raises(CommittedError, match="lacks the column"):
        committed.read(tmp_path / "t")
