"""The tables of the page on open questions: made from mechanisms, and a plain sentence without a run."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import entering
import experiments
import orders
import shown
import sizes
import theory
from scmbench.benchmarks.judging.mechanisms import mechanisms
from scmbench.benchmarks.suites import shelf
from scmbench.benchmarks.suites import suite as suites
from scmbench.datasets.registry import catalogue, resolve

PAGE = Path(theory.__file__).with_name("theory.md").read_text(encoding="utf-8")
SEEN = {"hsic": 1e-3, "hsic_p": 0.5, "reconstruction": 1e-3, "monotone_share": 1.0}


def scores(dataset, model, rmse, seen):
    metrics = {**(SEEN if seen else {}), "rmse": rmse}
    key = {"dataset": dataset, "node": "x2", "model": model, "variant": "corrected" if model == "dcm" else None}
    return [{**key, "seed": seed, "metric": name, "score": x} for seed in (0, 1) for name, x in metrics.items()]


ROWS = pd.DataFrame(
    [
        *scores("violations/ctf2", "dcm", 1.5, seen=True),
        *scores("violations/ctf2", "posterior", 0.0, seen=False),
        *scores("violations/ctf2", "monotone", 1.0, seen=False),
        *scores("dcm/chain/nlin", "dcm", 0.1, seen=True),
    ]
)


def test_tables_hold_what_was_measured():
    found = theory.rendered(mechanisms(ROWS))
    lines = found["instrument"].splitlines()
    assert lines[-1] == "| violations/ctf2 | dcm (corrected) | 0.00100 | 0 of 2 | 0.00100 | 1.00 | 1.50 | 2 of 2 |"
    assert len(lines) == 4  # ceilings show no noise
    assert found["counterexamples"].splitlines()[-1] == "| violations/ctf2 | x2 | dcm (corrected) | 2 | 1.50 |"
    assert "| violations/ctf2 | dcm (corrected) | 0 | 1.00 | 1.25 | 2.25 | 0 % |" in found["split"]
    assert "| dcm (corrected) | – | – | 4 | 2 |" in found["law"]  # nothing varies: no slope


def test_a_slope_of_one_world_has_no_interval():
    rows = [
        {**line, "score": line["score"] * 2**k if line["metric"] != "hsic_p" else 0.5, "seed": 2 * k + line["seed"]}
        for k in range(3)
        for line in scores("w", "m", 0.1, seen=True)
    ]
    (slope,) = {line.split("|")[2].strip() for line in theory.laws(mechanisms(pd.DataFrame(rows))).splitlines()[2:3]}
    assert float(slope) == 0.5  # both terms double with the error: each takes half


def test_no_exception_is_said_in_a_sentence():
    found = theory.rendered(mechanisms(ROWS[ROWS["dataset"] == "dcm/chain/nlin"]))
    assert found["counterexamples"] == "No mechanism passes all three and is wrong.\n"


def test_without_a_run_every_table_says_so_and_nothing_is_made_up(tmp_path, monkeypatch):
    monkeypatch.setattr(shown.committed, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(theory, "OUT", tmp_path / "tables")
    theory.main()
    written = {path.stem: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert set(written.values()) == {shown.not_run("theory")}
    on_page = {line.split("/")[-1].removesuffix('.md"') for line in PAGE.splitlines() if "--8<--" in line}
    asked = {sizes.SUITE, entering.SUITE, *orders.SUITES}
    assert on_page == set(written) | set(experiments.MADE) | asked


def test_a_committed_run_fills_them(tmp_path, monkeypatch):
    (tmp_path / "theory").mkdir()
    (tmp_path / "theory" / "scores.csv").touch()
    monkeypatch.setattr(shown.committed, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(theory, "run", lambda name: SimpleNamespace(rows=ROWS, provenance=None))
    assert theory.tables() == theory.rendered(mechanisms(ROWS))


def test_the_page_and_the_tables_name_worlds_and_methods_of_the_suite():
    suite = suites.load("theory")
    assert set(theory.MONOTONE) <= set(suite.datasets)
    known = [dataset for module in catalogue().values() for dataset in module]
    assert all(resolve(name, known) for name in shelf.asks("theory")[1])
    assert {"posterior", "monotone"} <= {entry.name for entry in suite.models}
