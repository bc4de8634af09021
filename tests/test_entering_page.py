"""The table of the open question on how parents enter a network, from rows that are known."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import entering
import questions
import shown
from scmbench.benchmarks.suites import suite as suites
from scmbench.models.dcm.entries.sizes import ENTRIES, networks

LABELS = {"concat": (1e-3, 0.2), "film": (5e-4, 0.1), "marginal": (None, 1.0)}


def line(world, node, model, seed, query, metric, score):
    key = {"dataset": world, "node": node, "model": model, "variant": None, "seed": seed}
    return {**key, "query": query, "metric": metric, "score": score}


ROWS = pd.DataFrame(
    [
        line(world, node, model, seed, query, metric, score * (1 + seed) if metric != "hsic_p" else score)
        for world in entering.KINDS["additive"]
        for model, (hsic, rmse) in LABELS.items()
        for node in ("x2", "x3")
        for seed in range(3)
        for query, metric, score in (
            *(
                ()
                if hsic is None
                else (("abduction", "hsic", hsic), ("abduction", "hsic_p", 0.01 if seed == 0 else 0.5))
            ),
            ("counterfactual", "rmse", rmse),
        )
    ]
)
PROVENANCE = pd.DataFrame(
    [
        {"dataset": world, "model": model, "variant": None, "parameters": parameters, "fit_cpu_s": 2.0}
        for world in entering.KINDS["additive"]
        for model, parameters in (("concat", 17410), ("film", 17346), ("marginal", None))
    ]
)


def test_entries_stand_beside_concatenation_world_by_world_and_seed_by_seed():
    concat, film, marginal = entering.entries(ROWS, PROVENANCE).splitlines()[2:]
    assert concat == "| additive | concat | 0.00200 | – | 4 of 12 | 0.400 | – | 17,410 | 2.00 |"
    half = "0.50 [0.50, 0.50]"
    assert film == f"| additive | film | 0.00100 | {half} | 4 of 12 | 0.200 | {half} | 17,346 | 2.00 |"
    assert marginal == "| additive | marginal | – | – | – | 2.00 | 5.00 [5.00, 5.00] | – | 2.00 |"


def test_the_page_may_ask_for_both_numbers(monkeypatch):
    monkeypatch.setattr(questions, "run", lambda name: type("Run", (), {"rows": ROWS, "provenance": PROVENANCE}))
    assert questions.entered("film", "additive", "hsic") == pytest.approx(1e-3)
    assert questions.against_concat("film", "additive", "rmse") == pytest.approx((0.5, 0.5, 0.5))
    with pytest.raises(ValueError, match="no mechanism of film in nonadditive worlds"):
        questions.entered("film", "nonadditive", "rmse")


def test_without_a_run_the_table_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shown.committed, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(entering, "OUT", tmp_path / "tables")
    entering.main()
    assert (tmp_path / "tables" / "parents.md").read_text() == shown.not_run("parents")


def test_the_suite_has_every_entry_and_the_worlds_of_the_table():
    suite = suites.load("parents")
    assert sorted(suite.datasets) == sorted(world for worlds in entering.KINDS.values() for world in worlds)
    assert suite.protocol == "theory"
    ours = {entry.label: entry.build() for entry in suite.models if entry.name == "dcm-parents"}
    assert {model.entry for model in ours.values()} == set(ENTRIES)
    assert set(ENTRIES) | {"guidance"} <= set(ours)
    assert {model.width for model in ours.values()} == {"code"}  # of concat: all have as many parameters
    full = {label for label, model in ours.items() if model.epochs == ours["concat"].epochs}
    assert set(ours) - full == {"attention, time of concat", "residual, time of concat"}


def test_what_the_suite_says_of_operations_holds():
    eight = [1] * 6 + [2] * 2  # parents of the networks of a seed: chain and triangle, twice
    once = {e: sum(n.multiplications() for p in eight for n in networks(e, 1, p, 1, (64, 128))) for e in ENTRIES}
    assert once["attention"] / once["concat"] == pytest.approx(1.05, abs=0.01)
    assert all(abs(cost / once["concat"] - 1) < 0.05 for entry, cost in once.items() if entry != "attention")
