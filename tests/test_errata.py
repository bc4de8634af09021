"""docs/errata.md: by how much each slip moves a number, where no other test says so already."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import networkx as nx
import pytest
import torch
from scmbench import datasets
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.causal import Counterfactual
from scmbench.datasets import get
from scmbench.datasets.files.cytometry import EDGES, MOLECULES
from scmbench.models.carefl.prior import Logistic, Normal

ROOT = Path(__file__).parents[1]


def test_every_test_that_the_page_names_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/errata.md").read_text(encoding="utf-8"))
    assert len(named) >= 10
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {test}"


@pytest.mark.parametrize(("name", "target", "reached", "first"), [
    ("dcm/ladder/nlin", "x01", 27, "x04"), ("dcm/ladder/nlin", "x04", 12, "x10"), ("dcm/chain/nlin", "x1", 2, "x2"),
])  # fmt: skip
def test_one_descendant_of_many_is_summarised(name, target, reached, first):
    """An answer that is right for the first descendant, and the factual row for all others, has no error."""
    few = replace(protocols.get("paper"), n_values=2, n_factual=20)
    queries = datasets.get(name).problems(few, seed=0)[0].queries
    (query,) = [q for q in queries if isinstance(q, Counterfactual) and q.node == target]
    below = sorted(nx.descendants(query.scm.graph, target))
    assert (len(below), below[0]) == (reached, first)
    answer = {**query.factual(), target: query.do[target], first: query.truth()[first]}
    found = {s.metric: s.score for s in query.score(answer)}
    assert found["mse_first"] == 0
    assert found["mse_all"] > 0.01


def test_a_logistic_draw_in_ten_is_outside_the_box_of_the_spline():
    z = torch.linspace(-30, 30, 600_001, dtype=torch.float64)
    outside = {p: float(torch.trapezoid((p.log_prob(z).exp() * (z.abs() > 3)), z)) for p in (Logistic(), Normal())}
    logistic, normal = outside.values()
    assert logistic == pytest.approx(0.0949, abs=1e-3)
    assert normal == pytest.approx(0.0027, abs=1e-4)


def test_what_a_decoder_of_three_steps_does_not_reach():
    graph = get("dcm/ladder/nlin").scm(0).graph
    for target, reached, beyond in (("x01", 27, 9), ("x04", 12, 3)):
        distance = nx.single_source_shortest_path_length(graph, target)
        assert len(distance) - 1 == reached
        assert sum(hops > 3 for hops in distance.values()) == beyond


def test_a_scaler_of_200_rows_costs_0_0075_whatever_the_model():
    """In by a fresh scaler, out by that of training: even the truth comes back moved."""
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(2000, 200, generator=stream, dtype=torch.float64)
    fresh = torch.randn(2000, 200, generator=stream, dtype=torch.float64)
    mean, std = fresh.mean(1, keepdim=True), fresh.std(1, keepdim=True)
    error = ((x - mean) / std - x).square().mean()  # training's scaler is 0 and 1
    assert float(error) == pytest.approx(0.0075, abs=0.0004)


def test_means_over_all_columns_of_sachs_are_4_to_11_times_smaller():
    graph = nx.DiGraph(EDGES)
    named = {molecule: int(node[1:]) for node, molecule in MOLECULES.items()}
    below = {name: len(nx.descendants(graph, named[name])) for name in ("PIP3", "praf", "pmek")}
    assert {name: len(graph) / reached for name, reached in below.items()} == {
        "PIP3": 11,
        "praf": pytest.approx(3.67, abs=0.01),
        "pmek": 5.5,
    }


def test_standardising_by_the_rows_at_hand_takes_the_effect_from_the_mean():
    """x5 = x2 + 2 x4 + u, as in BDCM: its mean under do(x2 = a) is a, and 0 once it is standardised again."""
    x4, u = torch.randn(2, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for a in (-3.0, 3.0):
        x5 = a + 2 * x4 + u
        assert float(x5.mean()) == pytest.approx(a, abs=0.3)
        assert float(((x5 - x5.mean()) / x5.std()).mean()) == pytest.approx(0, abs=1e-12)
