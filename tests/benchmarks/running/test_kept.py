"""Kept answers: a new metric is scored from them with nothing trained, and never where anything else differs."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from functools import partial

import pandas as pd
import pytest
import torch
from scmbench import benchmarks
from scmbench.benchmarks.questions import registry
from scmbench.benchmarks.records import merging
from scmbench.benchmarks.records.answers import Answers, DamagedAnswers, Shelf, compact
from scmbench.benchmarks.records.store import Store, StoreError
from scmbench.benchmarks.running import cluster, engine, fingerprint, planner, worker
from scmbench.benchmarks.suites.suite import Entry, parse

CODE = """
from dataclasses import replace
from scmbench.benchmarks.questions import protocols

def short():
    few = dict(n_train=60, n_observational=40, n_values=2, n_interventional=20, n_factual=20)
    return replace(protocols.get("standard"), name="short", **few)
"""
METRICS = """
from scmbench.benchmarks.questions.registry import register_metric

def gap(x, y):
    return (x.mean(-2) - y.mean(-2)).abs().amax(-1)

def ties(x, y):
    return (x[..., None, :, :] == y[..., :, None, :]).all(-1).double().mean((-2, -1))

@register_metric("worst", of="rows")
def worst(x, y):
    return (x - y).abs().amax((-2, -1))
"""
BASE, ADDED = "short_of_mine:short", "+metrics_of_mine:gap+metrics_of_mine:worst"
KEYS = ["dataset", "model", "seed", "query", "metric", "node", "value"]
SINE = ("check/sine", "dcm/triangle/nadd")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path with a protocol and metrics, each in a module of its own; all is forgotten afterwards."""
    (tmp_path / "short_of_mine.py").write_text(CODE)
    (tmp_path / "metrics_of_mine.py").write_text(METRICS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_METRICS", {})
    yield tmp_path
    forget()


def forget():
    for name in ("short_of_mine", "metrics_of_mine"):
        sys.modules.pop(name, None)
    planner.code._of_modules.cache_clear()
    fingerprint._of_files.cache_clear()


def suite_of(protocol, *models, datasets=SINE, seeds=1):
    tables = "\n".join(f'[[models]]\nname = "{name}"\nlabel = "{name.rpartition(":")[2]}"' for name in models)
    return parse(
        f'protocol = "{protocol}"\nseeds = {seeds}\ndatasets = {list(datasets)}\n{tables}\n', name="t", file="t.toml"
    )


def compute(suite, folder, **options):
    results = benchmarks.run(suite, store=folder, engine="inline", **options)
    assert set(results.provenance["status"]) <= {"ok", "unsupported"}, list(results.provenance["message"])
    return results


@pytest.fixture
def no_fits(monkeypatch):
    """No model is fitted any more: whoever tries fails."""

    def refuse(*_):
        raise AssertionError("something is fitted")

    return lambda: monkeypatch.setattr(worker, "_fit_together", refuse)


def table(results):
    return results.rows.set_index(KEYS)["score"].sort_index()


def test_a_new_metric_is_scored_from_kept_answers_and_all_else_is_as_it_was(site, no_fits):
    models = ("linear", "oracle", "identity")
    whole = table(compute(suite_of(BASE + ADDED, *models), site / "b"))
    first = table(compute(suite_of(BASE, *models), site / "a", keep_answers=True))
    no_fits()
    later = compute(suite_of(BASE + ADDED, *models), site / "a")
    pd.testing.assert_series_equal(table(later)[first.index], first, check_exact=True)
    pd.testing.assert_series_equal(table(later), whole, rtol=1e-5, atol=1e-6)
    assert {"gap", "worst"} < set(later.rows["metric"])
    assert set(later.provenance["scored_from"]) == {"kept answers"}
    assert set(later.provenance["kept_answers"]) == {path.stem for path in (site / "a" / "answers").glob("*/*")}
    noted = later.provenance.set_index(["model", "dataset"])["notes"]["identity", "check/sine"]
    assert {(note.query, note.status) for note in noted} == {
        *(("observational", "unsupported"), ("interventional", "unsupported"))
    }
    assert (later.provenance["fit_wall_s"] > 0).any()


def test_answers_kept_under_other_metrics_serve_too_and_an_edited_metric_is_scored_anew(site, no_fits):
    compute(suite_of(BASE + "+metrics_of_mine:gap", "linear"), site / "a", keep_answers=True)
    no_fits()
    before = table(compute(suite_of(BASE + "+metrics_of_mine:worst", "linear"), site / "a"))
    forget()
    (site / "metrics_of_mine.py").write_text(METRICS.replace("(x - y).abs()", "2 * (x - y).abs()"))
    after = table(compute(suite_of(BASE + "+metrics_of_mine:worst", "linear"), site / "a"))
    doubled = before.index.get_level_values("metric") == "worst"
    pd.testing.assert_series_equal(after[doubled], 2 * before[doubled])
    pd.testing.assert_series_equal(after[~doubled], before[~doubled], check_exact=True)


def test_a_metric_that_failed_is_mended_without_training(site, no_fits):
    broken = METRICS.replace("return (x.mean", "return 1 / 0 * (x.mean")
    (site / "metrics_of_mine.py").write_text(broken)
    suite = suite_of(BASE + "+metrics_of_mine:gap", "linear", datasets=SINE[:1])
    failed = benchmarks.run(suite, store=site / "a", engine="inline", keep_answers=True)
    assert set(failed.rows["query"]) == {"counterfactual"}
    forget()
    (site / "metrics_of_mine.py").write_text(METRICS)
    no_fits()
    mended = compute(suite, site / "a")
    assert set(mended.rows["query"]) == {"observational", "interventional", "counterfactual"}
    assert mended.provenance["notes"].tolist() == [()]


def test_records_that_are_gone_come_back_from_their_answers_to_the_last_digit(site, no_fits):
    suite = suite_of(BASE, "linear", seeds=2)
    first = compute(suite, site / "a", keep_answers=True)
    shutil.rmtree(site / "a" / "records")
    no_fits()
    pd.testing.assert_series_equal(table(compute(suite, site / "a")), table(first), check_exact=True)


def test_labels_are_compared_as_they_are(site):
    """Values that recur are kept in float64: equality with the truth would be lost."""
    protocol, datasets = BASE + "+metrics_of_mine:ties", ["check/treatment"]
    whole = table(compute(suite_of(protocol, "marginal", datasets=datasets), site / "b"))
    compute(suite_of(BASE, "marginal", datasets=datasets), site / "a", keep_answers=True)
    later = table(compute(suite_of(protocol, "marginal", datasets=datasets), site / "a"))
    pd.testing.assert_series_equal(later, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("protocol", [BASE, "image-smoke"])
def test_answers_with_images_are_kept(site, no_fits, protocol):
    first = compute(suite_of(protocol, "marginal", datasets=["image/strokes16"]), site / "a", keep_answers=True)
    shutil.rmtree(site / "a" / "records")
    no_fits()
    again = compute(suite_of(protocol, "marginal", datasets=["image/strokes16"]), site / "a")
    pd.testing.assert_series_equal(table(again), table(first), check_exact=True)
    if protocol == BASE:
        more = compute(suite_of(BASE + ADDED, "marginal", datasets=["image/strokes16"]), site / "a")
        assert {"gap", "worst"} < set(more.rows["metric"])


def test_an_outside_model_is_not_even_started_again(site, no_fits):
    suite = suite_of(BASE, "rogues:Draws", datasets=SINE[:1])
    first = table(compute(suite, site / "a", keep_answers=True))
    no_fits()
    later = table(compute(suite_of(BASE + ADDED, "rogues:Draws", datasets=SINE[:1]), site / "a"))
    pd.testing.assert_series_equal(later[first.index], first, check_exact=True)


def trial(protocol, *, model="linear", seed=0, dataset=SINE[0], **options):
    suite = suite_of(protocol, model, datasets=[dataset])
    (one,) = planner.trials(replace(suite, seeds=[seed], models=[Entry(model, model, "", options)]))
    return one


def test_answers_are_known_by_all_that_they_depend_on(site, monkeypatch):
    mine = trial(BASE).answers
    assert trial(BASE + ADDED).answers == mine
    others = [
        trial(BASE, seed=1),
        trial(BASE, dataset=SINE[1]),
        trial(BASE, model="marginal"),
        trial(BASE, ridge=1.0),
        trial("standard"),
    ]
    for part in ("linear", "check", "questions.causal"):  # the code of the method, the world and the questions
        with monkeypatch.context() as edited:
            before = planner.code._of_module
            edited.setattr(
                planner.code, "_of_module", lambda m, p=part, b=before: b(m) + ("x" if m.endswith(p) else "")
            )
            planner.code._of_modules.cache_clear()
            others.append(trial(BASE))
    planner.code._of_modules.cache_clear()
    (site / "short_of_mine.py").write_text(CODE.replace("n_factual=20", "n_factual=21"))
    forget()
    others.append(trial(BASE))
    assert len({mine, *(one.answers for one in others)}) == len(others) + 1


@pytest.mark.parametrize("damage", ["cut", "edited", "another", "empty", "folder", "no numbers"])
def test_a_file_that_is_damaged_or_another_is_told_and_the_model_asked_again(site, damage):
    store = Store(site / "a")
    whole = compute(suite_of(BASE, "linear", seeds=2, datasets=SINE[:1]), store.folder, keep_answers=True)
    a, b = sorted((store.folder / "answers").glob("*/*.safetensors"))
    content = a.read_bytes()
    if damage == "folder":
        a.unlink()
        a.mkdir()
    else:
        bad = {
            "cut": content[:-8],
            "edited": content[:-1] + bytes([content[-1] ^ 1]),
            "another": b.read_bytes(),
            "empty": b"",
            "no numbers": b"\x10\0\0\0\0\0\0\0" + b'{"__metadata__":0}'[:16],
        }
        a.write_bytes(bad[damage])
    more = suite_of(BASE + ADDED, "linear", seeds=2, datasets=SINE[:1])
    with pytest.warns(
        UserWarning, match=f"kept answers that cannot be used, so that models are asked again: .*{a.name}"
    ):
        later = compute(more, store.folder, keep_answers=True)
    assert sorted(later.provenance["scored_from"].fillna("")) == ["", "kept answers"]
    pd.testing.assert_series_equal(table(later)[table(whole).index], table(whole), check_exact=True)
    assert a.is_file()
    assert a.with_suffix(".corrupt").exists()
    assert Shelf(store).read(a.stem)


def test_what_cannot_be_kept_is_not(site, tmp_path):
    """A failed question, or an answer that is no values: its record is as ever, and no answers stand for it."""
    suite = suite_of(BASE, "rogues:Raises", "rogues:Declines", "rogues:Wrong", seeds=1, datasets=SINE[:1])
    suite = suite.narrow(seeds=[1])
    found = benchmarks.run(suite, store=site / "a", engine="inline", keep_answers=True)
    kept = found.provenance.set_index("model")["kept_answers"].fillna("").astype(bool)
    assert not kept["Raises"]
    assert not kept["Declines"]
    assert len(list((site / "a").glob("answers/*/*"))) == kept.sum()


def test_records_of_before_are_told_to_have_no_answers(site):
    suite = suite_of(BASE, "linear", datasets=SINE[:1])
    compute(suite, site / "a")
    with pytest.warns(UserWarning, match="1 record finished before, with no answers kept"):
        compute(suite, site / "a", keep_answers=True)


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_computed(site, no_fits):
    (site / "a").mkdir()
    (site / "a" / "answers").write_text("")
    no_fits()
    with pytest.raises(StoreError, match=r"cannot write in .*answers"):
        compute(suite_of(BASE, "linear"), site / "a", keep_answers=True)


def test_a_full_disk_ends_in_a_line_and_leaves_no_record_without_its_answers(site, monkeypatch):
    def full(*_):
        raise StoreError("cannot write x: No space left on device; nothing half-written is left")

    monkeypatch.setattr(Shelf, "write", full)
    with pytest.raises(StoreError, match="No space left"):
        compute(suite_of(BASE, "linear"), site / "a", keep_answers=True)
    assert list((site / "a" / "records").glob("*/*")) == []


def test_a_merged_store_has_the_answers_too(site, no_fits):
    suite = suite_of(BASE, "linear", datasets=SINE[:1], seeds=2)
    compute(suite, site / "a", keep_answers=True)
    first, second = sorted((site / "a").glob("answers/*/*"))
    second.write_bytes(b"rubbish")
    merged = merging.merge([Store(site / "a")], Store(site / "all"))
    assert (merged.taken, merged.answers) == (2, 1)
    assert str(second) in merged.damaged[0]
    assert [path.name for path in (site / "all").glob("answers/*/*")] == [first.name]
    assert merging.merge([Store(site / "a")], Store(site / "all")).answers == 0


@pytest.mark.parametrize("name", ["pool", "dask"])
def test_other_engines_keep_and_use_them_as_well(site, name, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    run = partial(engine.pool if name == "pool" else cluster.cluster, workers=1)
    store, suite = Store(site / "a"), suite_of(BASE, "linear", datasets=SINE[:1])
    store.keeps_answers = True
    list(run(planner.plan(suite, store).batches, store))
    todo = planner.plan(suite_of(BASE + ADDED, "linear", datasets=SINE[:1]), store)
    assert (todo.kept, todo.to_do) == (1, 1)
    list(run(todo.batches, store))
    record = store.read(todo.trials[0].key)
    assert record is not None
    assert record.provenance["scored_from"] == "kept answers"


def test_numbers_are_rounded_to_float32_where_nothing_hangs_on_more():
    rows = torch.linspace(0.1, 0.9, 100, dtype=torch.float64)
    answer = {
        "measured": rows,
        "label": torch.arange(100) % 3,
        "level": rows[:5].repeat(20),
        "large": rows * 1e300,
        "image": torch.rand(100, 1, 8, 8),
    }
    small = compact(answer)
    assert small is not None
    assert {v: x.dtype for v, x in small.items()} == {
        "measured": torch.float32,
        "label": torch.int64,
        "level": torch.float64,
        "large": torch.float64,
        "image": torch.float32,
    }
    torch.testing.assert_close(small["measured"].double(), rows, rtol=6e-8, atol=0)
    assert compact([rows]) is None
    assert compact({"x": 1.0}) is None
    assert compact({"\ud800": rows}) is None


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0{}", b"\x04\0\0\0\0\0\0\0null"])
def test_a_file_of_something_else_is_a_line(content):
    with pytest.raises(DamagedAnswers, match=r"x\.safetensors: truncated or no file of answers"):
        Answers.from_bytes(content, name="x.safetensors")
