"""The tables of the open questions on inversion, depth and wrong graphs, from rows that are known."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import experiments
import questions
import shown
from scmbench.benchmarks.suites import suite as suites

COLUMNS = ["dataset", "model", "variant", "seed", "query", "metric", "node", "score"]


def frame(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def test_inversions_stand_beside_ddim_at_the_same_number_of_steps():
    rows = [
        ("dcm/chain/nlin", f"{name} T={t}", "reference", seed, "counterfactual", "mse_first", "x1", score * (1 + seed))
        for t, scores in ((50, (0.02, 0.01, 0.04)), (100, (0.01, 0.01, 0.01)))
        for name, score in zip(("ddim", "implicit", "belm"), scores, strict=True)
        for seed in range(3)
    ]
    first, second = experiments.inversion(frame(*rows)).splitlines()[2:]
    assert first == "| dcm/chain/nlin | 50 | 4.00 | 0.50 [0.50, 0.50] | 2.00 [2.00, 2.00] |"
    assert second == "| dcm/chain/nlin | 100 | 2.00 | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] |"


def test_depth_has_a_column_a_distance_and_a_dash_where_no_node_is_that_far():
    rows = [
        ("drawn/5/2/mlp/additive", "linear", None, seed, "counterfactual", metric, node, score)
        for metric, score in (("rmse", 0.5), ("rmse_depth1", 0.25))
        for node in ("x1", "x2")
        for seed in range(3)
    ]
    rows += [("drawn/5/2/mlp/additive", "linear", None, 0, "interventional", "energy", "x1", 0.125)]
    (line,) = experiments.depth(frame(*rows)).splitlines()[2:]
    assert line == "| drawn/5/2/mlp/additive | linear | 0.500 | 0.250 | – | – | – | 0.125 |"


def test_confounding_has_a_line_with_and_one_without_adjustment():
    rows = [
        (
            f"confounded/{kind}-{s}",
            "linear",
            None,
            seed,
            "interventional",
            "mean_effect",
            "x",
            0.5 if kind == "open" else 0.25,
        )
        for kind in ("closed", "open")
        for s in ("0", "0.25", "0.5")
        for seed in (0, 1)
    ]
    closed, unclosed = experiments.confounding(frame(*rows)).splitlines()[2:]
    assert closed == "| mean effect | linear | yes | 0.250 | 0.250 | 0.250 | – | – |"
    assert unclosed == "| mean effect | linear | no | 0.500 | 0.500 | 0.500 | – | – |"


def test_proxies_have_a_line_an_error_and_method_and_a_dash_where_nothing_was_answered():
    rows = [
        (f"proxies/{s}", "proxy-flow", None, seed, "counterfactual", "rmse", "x", 0.25 * (1 + seed))
        for s in ("0", "0.9")
        for seed in range(3)
    ]
    rows += [("proxies/0.5", "oracle", None, 0, "interventional", "energy", "x", 0.5)]
    energy, errors = experiments.proxies(frame(*rows)).splitlines()[2:]
    assert energy == "| under do, energy | oracle | – | 0.500 | – |"
    assert errors == "| rows, RMSE | proxy-flow | 0.500 | – | 0.500 |"


def test_a_query_of_proxies_is_the_median_over_seeds(monkeypatch):
    rows = [("proxies/0.5", "linear", None, s, "counterfactual", "rmse", "x", 0.25 * (1 + s)) for s in range(3)]
    monkeypatch.setattr(questions, "run", lambda name: SimpleNamespace(rows={"proxies": frame(*rows)}[name]))
    assert questions.proxied("linear", "0.5") == 0.5


def test_the_suite_of_proxies_runs_what_the_table_has_columns_for():
    assert suites.load("proxies").datasets == [f"proxies/{s}" for s in experiments.WITH_PROXIES]


def test_a_wrong_graph_is_compared_with_the_right_one_where_both_ask_the_same():
    right = [
        ("w", "linear", None, s, "counterfactual", "rmse", node, x)
        for s in (0, 1)
        for node, x in (("a", 0.5), ("b", 8))
    ]
    dropped = [("misspecified/dropped/w", *line[1:-1], 2 * line[-1]) for line in right]
    hidden = [("misspecified/hidden/w", *line[1:-1], 3 * line[-1]) for line in right if line[6] == "a"]
    oracle = [("w", "oracle", None, 0, "counterfactual", "rmse", "a", 0.0)]
    (line,) = experiments.wrong(frame(*right, *dropped, *hidden, *oracle)).splitlines()[2:]
    assert line == "| rows, RMSE | linear | 2.00 | 2.00 [2.00, 2.00] | – | – | 3.00 [3.00, 3.00] |"


def test_intervals_have_a_line_a_world_and_method():
    scores = {"coverage": 0.25, "width": 0.5, "interval_score": 2.0}
    rows = [
        ("check/sine", "flow ensemble", None, seed, "interval", metric, node, score * (1 + seed))
        for metric, score in scores.items()
        for node in ("x1", "x2")
        for seed in range(3)
    ]
    (line,) = experiments.intervals(frame(*rows)).splitlines()[2:]
    assert line == "| check/sine | flow ensemble | 50 % | 1.00 | 4.00 |"


def test_what_pages_say_of_intervals_is_read_from_the_run(monkeypatch):
    rows = [
        (world, model, None, seed, "interval", metric, "x1", score)
        for world, model, metric, score in (
            ("a", "flow ensemble", "coverage", 0.25),
            ("b", "flow ensemble", "coverage", 0.5),
            ("a", "flow ensemble", "interval_score", 3.0),
            ("a", "equally-good", "interval_score", 1.5),
        )
        for seed in range(3)
    ]
    monkeypatch.setattr(questions, "run", lambda name: SimpleNamespace(rows=frame(*rows)))
    assert questions.covered("flow ensemble", "a", "b") == (25.0, 50.0)
    assert questions.interval_ratio("flow ensemble", "equally-good", "a") == 2.0


def test_without_runs_every_table_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shown.committed, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(experiments, "OUT", tmp_path / "tables")
    experiments.main()
    written = {path.stem: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert written == {name: shown.not_run(name) for name in experiments.MADE}


@pytest.mark.parametrize("name", experiments.MADE)
def test_the_suites_are_there_and_ask_what_the_tables_show(name):
    suite = suites.load(name)
    assert suite.protocol == {"inversion": "paper", "intervals": "intervals"}.get(name, "standard")
    labels = {entry.label for entry in suite.models}
    assert name != "inversion" or {f"{x} T=100" for x in ("ddim", "implicit", "belm")} <= labels
