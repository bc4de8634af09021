"""The stimulation experiment: its files' format, what training and query hold, and the published numbers' protocol."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import torch
from scmbench.benchmarks.questions import protocols
from scmbench.datasets import DataMissing, ValuesError, fmri, registry
from scmbench.datasets.files import bold, download
from scmbench.datasets.files.sources import SOURCES, File

LABELS = ["Background", "Frontal Pole", bold.REGIONS["CG"], "Insular Cortex", bold.REGIONS["HG"]]
PROTOCOL = protocols.get("standard")


def run_text(volumes, stream):
    """A run of four regions: HG is noise, CG follows it."""
    x = torch.randn(volumes, 4, generator=stream, dtype=torch.float64) * 5 + 400
    x[:, 1] = 0.5 * x[:, 3] + x[:, 1]
    return "".join(",".join(f"{number:.18e}" for number in row) + "\n" for row in x.tolist())


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder of small runs in the experiment's format, which the registry takes for the real ones."""
    folder = tmp_path / "fmri"
    folder.mkdir()
    stream = torch.Generator().manual_seed(0)
    texts = {"labels.txt": "\r\n".join(LABELS) + "\r\n"}
    for patient, run in fmri.STIMULATED.items():
        for number in (1, run):
            texts[f"sub-{patient}run-{number:02d}.txt"] = run_text(30 + number, stream)
    for name, text in texts.items():
        (folder / name).write_text(text, newline="")
    known = tuple(File(n, len(t), hashlib.sha256(t.encode()).hexdigest(), "") for n, t in texts.items())
    monkeypatch.setitem(SOURCES, "fmri", replace(SOURCES["fmri"], files=known))
    monkeypatch.setenv(download.ENV, str(tmp_path))
    return folder


def test_a_problem_a_patient_with_the_runs_standardised_by_themselves(files):
    problems = registry.get("fmri/hg-cg").problems(PROTOCOL, seed=3)
    assert [p.member for p in problems] == [f"sub-{patient}" for patient in fmri.STIMULATED]
    assert list(problems[0].graph.edges) == [("HG", "CG")]
    for p in problems:
        (query,) = p.queries
        for x in (*p.train.values(), query.values, query.measured["CG"]):
            assert float(x.mean()) == pytest.approx(0, abs=1e-9)
            assert float(x.std(correction=0)) == pytest.approx(1)
    assert [len(p.train["HG"]) for p in problems] == [30] * 14  # 31 volumes, the first one lost
    assert len(problems[3].queries[0].values) == 33  # the fourth patient's stimulated run is the fourth


def test_columns_belong_to_the_label_one_line_further(files):
    text = (files / "sub-292run-01.txt").read_text().splitlines()
    volumes = [[float(x) for x in line.split(",")] for line in text]
    train = registry.get("fmri/hg-cg/first-volume").problems(PROTOCOL, seed=0)[0].train
    for node, column in (("CG", 1), ("HG", 3)):
        x = torch.tensor([v[column] for v in volumes], dtype=torch.float64)
        assert torch.allclose(train[node], (x - x.mean()) / x.std(correction=0))


def test_directions_and_variations_are_datasets_of_their_own(files):
    assert registry.resolve("fmri") == [
        f"fmri/{pair}{variation}" for pair in ("cg-hg", "hg-cg") for variation in ("", "/first-volume", "/swapped")
    ]
    reverse = registry.get("fmri/cg-hg").problems(PROTOCOL, seed=0)[0]
    assert list(reverse.graph.edges) == [("CG", "HG")]
    assert reverse.queries[0].node == "CG"
    assert list(reverse.queries[0].measured) == ["HG"]
    kept = registry.get("fmri/hg-cg/first-volume").problems(PROTOCOL, seed=0)[0]
    assert len(kept.train["HG"]) == 31
    plain, swapped = (registry.get(f"fmri/hg-cg{v}").problems(PROTOCOL, seed=0)[3] for v in ("", "/swapped"))
    assert torch.equal(swapped.train["HG"], plain.queries[0].values)
    assert torch.equal(swapped.queries[0].measured["CG"], plain.train["CG"])


def test_every_seed_gives_the_same_problems(files):
    a, b = (registry.get("fmri/hg-cg").problems(PROTOCOL, seed=s)[5] for s in (0, 9))
    assert all(torch.equal(a.train[v], b.train[v]) for v in a.train)


def test_missing_files_are_told_with_the_command_that_gets_them(tmp_path, monkeypatch):
    monkeypatch.setenv(download.ENV, str(tmp_path / "nothing"))
    dataset = registry.get("fmri/hg-cg")
    assert "`scmbench data fetch fmri`" in (dataset.missing() or "")
    with pytest.raises(DataMissing, match="29 files"):
        dataset.problems(PROTOCOL, seed=0)


@pytest.mark.parametrize("damage", [lambda text: text[: len(text) // 2], lambda text: text.replace("4", "5", 1)])
def test_truncated_or_foreign_files_are_refused_before_they_are_read(files, damage):
    path = files / "sub-294run-02.txt"
    path.write_text(damage(path.read_text()))
    with pytest.raises(DataMissing, match=r"sub-294run-02\.txt is not the expected file: sha256"):
        registry.get("fmri/hg-cg").problems(PROTOCOL, seed=0)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1,2,3", "line 2: 3 entries; expected 4"),
        ("1,2,x,4", "line 2: could not convert string to float: 'x'"),
        ("1,2,nan,4", "line 2: NaN or infinity"),
        ("1,2,,4", "line 2: could not convert"),
    ],
)
def test_a_malformed_row_names_file_and_line(tmp_path, line, complaint):
    path = tmp_path / "run.txt"
    path.write_text(f"1,2,3,4\n{line}\n5,6,7,8\n")
    with pytest.raises(ValuesError, match=rf"run\.txt, {complaint}"):
        bold.read_run(path, LABELS[1:])


def test_labels_and_short_or_constant_runs_are_checked(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("Frontal Pole\n")
    with pytest.raises(ValuesError, match=r"labels\.txt, line 1: 'Frontal Pole'; expected 'Background'"):
        bold.read_labels(path)
    path.write_text("1,2,3,4\n")
    with pytest.raises(ValuesError, match="no time series"):
        bold.read_run(path, LABELS[1:])
    with pytest.raises(ValuesError, match=r"no region .*Gyrus.* among the 2 labels"):
        bold.read_run(path, LABELS[1:3])
    with pytest.raises(ValuesError, match="HG is constant"):
        bold.standardise(torch.ones(3).double(), "HG")


@pytest.mark.skipif(bool(download.missing("fmri")), reason=f"the real runs: {download.ENV} has none")
def test_the_real_runs_have_the_correlations_of_the_specification():
    problems = registry.get("fmri/hg-cg").problems(PROTOCOL, seed=0)
    train = torch.tensor([float((p.train["HG"] * p.train["CG"]).mean()) for p in problems])
    asked = torch.tensor([float((p.queries[0].values * p.queries[0].measured["CG"]).mean()) for p in problems])
    assert float(train.mean()) == pytest.approx(0.32, abs=0.005)
    assert float(asked.mean()) == pytest.approx(0.42, abs=0.005)
    assert [len(p.train["HG"]) for p in problems][:3] == [253, 231, 231]
