"""Discrete nodes: an intervention sets a value that the node can have."""

from __future__ import annotations

import pytest
import torch
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.causal import quantile_values
from scmbench.datasets import SCM, SCMDataset, ValuesError, registry
from scmbench.models import load
from scmbench.models.linear import LinearGaussian

STANDARD = protocols.get("standard")


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


def scored(problem, name):
    """The mean of every score of a model, by query, intervened node and metric."""
    model = load(name)().fit_problem(problem, seed=0)
    found: dict[tuple[str, str, str], list[float]] = {}
    for query in problem.queries:
        if query.rung in model.answers:
            for score in query.score(query.ask(model, seed=0)):
                found.setdefault((score.query, score.node, score.metric), []).append(score.score)
    return {key: sum(values) / len(values) for key, values in found.items()}


class TestTreatment:
    """check/treatment: age ~ N(0, 1), treated = [age + u > 0], outcome = 2 treated - age + e/2."""

    @pytest.fixture(scope="class")
    def problem(self):
        return registry.get("check/treatment").problems(STANDARD, seed=0)[0]

    def test_the_truth_is_exact(self):
        scm = registry.get("check/treatment").scm()
        noise = scm.noise(2000, seed=0)
        plain, treated, older = (scm.counterfactual(noise, do) for do in ({}, {"treated": 1}, {"age": 0.5}))
        torch.testing.assert_close(treated["outcome"] - plain["outcome"], 2 - 2 * plain["treated"].double())
        assert torch.equal(older["treated"], (0.5 + noise["treated"] > 0).long())
        change = 2 * (older["treated"] - plain["treated"]) - (0.5 - plain["age"])
        torch.testing.assert_close(older["outcome"] - plain["outcome"], change)

    def test_labels_are_scored_beside_numbers(self, problem):
        oracle = scored(problem, "oracle")
        assert oracle["counterfactual", "age", "label_error"] == 0
        assert oracle["interventional", "age", "total_variation"] < 0.03
        assert oracle["observational", "", "total_variation"] < 0.03
        assert ("counterfactual", "treated", "label_error") not in oracle  # only the outcome is below the treatment
        assert ("counterfactual", "treated", "rmse") in oracle
        assert {"mmd", "energy", "sliced_wasserstein"} < {metric for query, _, metric in oracle if query[0] == "i"}

    def test_methods_lie_between_floor_and_ceiling(self, problem):
        error = {name: scored(problem, name) for name in ("posterior", "linear", "identity", "marginal")}
        labels = [found["counterfactual", "age", "label_error"] for found in error.values()]
        assert labels == sorted(labels)
        assert labels[0] > 0.1  # whose noise a row does not tell
        assert error["linear"]["counterfactual", "treated", "rmse"] < 0.05
        assert error["marginal"]["interventional", "age", "total_variation"] > 0.2

    def test_the_paper_s_protocol_asks_as_before(self):
        paper = protocols.get("paper")
        problem = registry.get("check/treatment").problems(paper, seed=0)[0]
        assert {metric for _, _, metric in scored(problem, "linear")} == {"mmd", "mse_first", "mse_all"}


def test_worlds_without_labels_score_as_before():
    problem = registry.get("dcm/chain/nlin").problems(STANDARD, seed=0)[0]
    assert not {metric for _, _, metric in scored(problem, "linear")} & {"total_variation", "label_error"}


def test_a_label_that_is_certain_is_scored_all_the_same():
    """treated = [age > -100]: nothing varies, and so neither a bandwidth nor a deviation can be had of it."""

    def build(seed):
        return SCM(
            {"dose": lambda u: u, "given": lambda u, dose: (dose > -100).long(), "k": lambda u, given: given + 1}
        )

    problem = SCMDataset("mine/certain", build).problems(STANDARD, seed=0)[0]
    found = scored(problem, "linear")
    assert found["interventional", "dose", "total_variation"] == 0
    assert found["counterfactual", "dose", "label_error"] == 0
    assert ("counterfactual", "dose", "rmse") not in found
