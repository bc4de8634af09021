"""The monotone ceiling: no error where mechanisms are monotone, the known error where they fold, rank by rank."""

from __future__ import annotations

import pytest
import torch
from pyro.distributions import Laplace, Uniform
from scmbench.benchmarks.questions import protocols
from scmbench.datasets import registry
from scmbench.datasets.problem import Problem
from scmbench.datasets.scm import SCM
from scmbench.models import Unsupported
from scmbench.models.bounds.monotone import Monotone, moved
from scmbench.models.bounds.posterior import Posterior


def problem(scm, n=200):
    return Problem("test", 0, scm.graph, scm.sample(n, seed=1), [], scm)


def answered(scm, do, n=300, **options):
    noise = scm.noise(n, seed=3)
    model = Monotone(**options).fit_problem(problem(scm), seed=0)
    return model.counterfactual(scm.run(noise), do, seed=0), scm.counterfactual(noise, do)


LAPLACE = Laplace(torch.zeros(()).double(), torch.ones(()).double())
ADDITIVE = SCM(
    {"a": lambda u: u, "b": lambda u, a: a**2 - u, "c": lambda u, a, b: torch.sin(3 * a) * b + u}, noise={"c": LAPLACE}
)
SCALED = SCM({"a": lambda u: u, "b": lambda u, a: a + (0.1 + a**2) * u, "c": lambda u, b: torch.exp(b / 5) * (1 + u)})
SKEWED = SCM(
    {"a": lambda u: u, "b": lambda u, a: torch.exp(u * (1 + a.abs()) / 2)},
    noise={"b": Uniform(torch.tensor(-1.0).double(), torch.tensor(2.0).double())},
)


@pytest.mark.parametrize(("scm", "tolerance"), [(ADDITIVE, 1e-9), (SCALED, 1e-9), (SKEWED, 1e-3)])
@pytest.mark.parametrize("do", [{"a": 0.7}, {"a": torch.linspace(-1, 1, 300)}])
def test_where_mechanisms_are_monotone_there_is_no_error(scm, tolerance, do):
    """Rows beyond all 100 draws included, exactly so in families of location and scale."""
    for draws in (100, 4000):
        answer, truth = answered(scm, do, draws=draws)
        for node in scm.graph:
            slack = tolerance if draws == 4000 or scm is not SKEWED else 0.05
            torch.testing.assert_close(answer[node], truth[node].double(), rtol=slack, atol=slack)


def errors(model, name, seeds):
    found = []
    for seed in seeds:
        (asked,) = registry.get(name).problems(protocols.get("paper"), seed=seed)
        fitted = model().fit_problem(asked, seed=seed)
        scores = [s for q in asked.queries if q.kind == "counterfactual" for s in q.score(q.ask(fitted, seed=seed))]
        own = [s.score for s in scores if s.metric == "mse_first"]
        found.append(100 * sum(own) / len(own))
    return sum(found) / len(found)


def test_a_nonadditive_world_costs_what_an_independent_prototype_found():
    """Squared errors x100, first descendant of y/nadd, over seeds: posterior 4.64, monotone 31.0."""
    assert errors(Posterior, "dcm/y/nadd", range(2)) == pytest.approx(4.64, rel=0.15)
    assert errors(Monotone, "dcm/y/nadd", range(2)) == pytest.approx(31.0, rel=0.1)


@pytest.mark.parametrize("name", ["dcm/chain/nlin", "cnf/triangle/lin"])
def test_worlds_with_additive_noise_cost_nothing(name):
    assert errors(Monotone, name, [0]) < 1e-9


def test_a_fold_is_answered_by_rank():
    """x2 = |u| (1 + x1²): the law is that of a folded normal, and the rank of |u| is kept, whatever the sign of u."""
    scm = SCM({"x1": lambda u: u, "x2": lambda u, x1: u.abs() * (1 + x1**2), "x3": lambda u, x2: u * x2})
    answer, truth = answered(scm, {"x1": 2.0})
    torch.testing.assert_close(answer["x2"], truth["x2"], rtol=1e-3, atol=2e-3)


def test_labels_are_answered_by_labels():
    answer, truth = answered(registry.get("check/treatment").scm(), {"age": 0.5})
    assert set(answer["treated"].unique().tolist()) <= {0.0, 1.0}
    assert 0.05 < float((answer["treated"] != truth["treated"]).double().mean()) < 0.6
    answer, truth = answered(registry.get("check/treatment").scm(), {"treated": 1})
    torch.testing.assert_close(answer["outcome"], truth["outcome"].double())


def test_ties_stand_for_their_middle_and_constants_stay_finite():
    before = torch.tensor([[0.0, 0.0, 0.0, 1.0]] * 3, dtype=torch.float64)
    after = torch.tensor([[1.0, 2.0, 3.0, 9.0]] * 3, dtype=torch.float64)
    assert moved(torch.tensor([0.0, 1.0, 0.5], dtype=torch.float64), before, after).tolist() == [2.0, 9.0, 6.0]
    flat = torch.full((1, 4), 5.0, dtype=torch.float64)
    assert moved(torch.tensor([7.0], dtype=torch.float64), flat, after[:1]).isfinite().all()


def test_noise_of_several_dimensions_has_a_law_like_any_other():
    wide = Uniform(torch.zeros(2).double(), torch.ones(2).double())
    scm = SCM({"x": lambda u: u, "y": lambda u, x: u.sum(1) + x}, noise={"y": wide})
    answer, truth = answered(scm, {"x": 1.0})
    torch.testing.assert_close(answer["y"], truth["y"], rtol=0, atol=1e-9)


def test_what_it_cannot_do():
    hidden = SCM({"h": lambda u: u, "x": lambda u, h: h + u, "y": lambda u, x, h: x + h + u}, latent=["h"])
    with pytest.raises(Unsupported, match=r"latent nodes \['h'\]"):
        Monotone().fit_problem(problem(hidden), seed=0)
    wide = Uniform(torch.zeros(2).double(), torch.ones(2).double())
    vector = SCM({"x": lambda u: u, "y": lambda u, x: u + x.unsqueeze(1)}, noise={"y": wide})
    model = Monotone().fit_problem(problem(vector), seed=0)
    with pytest.raises(Unsupported, match="'y' has more than one dimension"):
        model.counterfactual(vector.sample(3, seed=0), {"x": 1.0}, seed=0)
    with pytest.raises(Unsupported, match="only answers counterfactuals"):
        model.sample(3, seed=0)
    with pytest.raises(Unsupported, match="needs the structural causal model"):
        Monotone().fit(vector.graph, vector.sample(3, seed=0), seed=0)
    with pytest.raises(ValueError, match="draws=1"):
        Monotone(draws=1)
