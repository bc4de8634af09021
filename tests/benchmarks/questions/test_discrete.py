"""Discrete nodes: an intervention sets a value that the node can have."""

from __future__ import annotations

import pytest
import torch
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.causal import quantile_values
from scmbench.datasets import SCM, SCMDataset, ValuesError
from scmbench.models.linear import LinearGaussian


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.float64])
def test_a_two_valued_node_is_set_to_both(dtype):
    x = torch.tensor([0, 1, 1, 0, 1]).to(dtype)
    values = quantile_values(x, 20)
    assert values.tolist() == [0, 1]
    assert values.dtype == dtype


def test_a_count_is_set_to_counts():
    x = torch.arange(1000) // 10
    values = quantile_values(x, 5)
    assert values.dtype == x.dtype
    assert set(values.tolist()) <= set(x.tolist())
    assert values.tolist() == pytest.approx([10, 30, 50, 70, 90], abs=1)
    assert quantile_values(torch.tensor([3, 3, 5, 9]), 4).tolist() == [3, 5, 9]


def test_a_measured_node_is_set_between_its_quantiles():
    assert quantile_values(torch.linspace(0, 10, 1001, dtype=torch.float64), 5).tolist() == pytest.approx(
        [1, 3, 5, 7, 9]
    )
    with pytest.raises(ValuesError, match="scalar"):
        quantile_values(torch.zeros(5, 2), 5)


@pytest.mark.parametrize("protocol", ["paper", "standard"])
@pytest.mark.parametrize("whole", [True, False], ids=["integer", "float"])
def test_a_world_with_a_treatment_is_asked_about_it(protocol, whole):
    def treated(u, x):
        level = u + x > 0
        return level.long() if whole else level.double()

    def build(seed):
        return SCM({"x": lambda u: u, "t": treated, "y": lambda u, x, t: x + 2 * t + 0.1 * u})

    problem = next(iter(SCMDataset("mine/treatment", build, version=1).problems(protocols.get(protocol), seed=0)))
    asked = [query for query in problem.queries if getattr(query, "node", None) == "t"]
    assert {query.kind for query in asked} == {"interventional", "counterfactual"}
    fitted = LinearGaussian().fit(problem.graph, problem.train, seed=0)
    for query in asked:
        assert query.values.tolist() == [0, 1]
        scores = list(query.score(query.ask(fitted, seed=0)))
        assert {score.value for score in scores} == {0.0, 1.0}
