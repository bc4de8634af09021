"""Floors and ceilings: oracle, posterior mean, marginal, identity."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from pyro.distributions import Uniform
from scmbench.datasets import registry
from scmbench.datasets.problem import Problem
from scmbench.datasets.scm import SCM
from scmbench.models import Unsupported
from scmbench.models.bounds.oracle import Oracle
from scmbench.models.bounds.posterior import Posterior
from scmbench.models.bounds.trivial import Identity, Marginal


def problem(scm, n=500):
    return Problem("test", 0, scm.graph, scm.sample(n, seed=1), [], scm)


SINE = registry.get("check/sine").scm()
INVERTIBLE = SCM(
    {"a": lambda u: u, "b": lambda u, a: torch.sinh(u) + a**2, "c": lambda u, a, b: a * b + (1 + a**2) * u},
    noise={"c": Uniform(torch.tensor(-1.0).double(), torch.tensor(2.0).double())},
)


def mse(answer, truth, node):
    return float((answer[node] - truth[node]).square().mean())


class TestOracle:
    def test_replay_is_the_truth_and_samples_are_the_scm_s(self):
        oracle = Oracle().fit_problem(problem(SINE), seed=0)
        noise = SINE.noise(100, seed=5)
        for node, x in oracle.replay(noise, {"x1": 1.0}).items():
            assert torch.equal(x, SINE.counterfactual(noise, {"x1": 1.0})[node])
        assert oracle.sample(10, {"x1": 2.0}, seed=0)["x1"].eq(2).all()

    def test_its_noise_is_not_the_truth_s_at_the_same_seed(self):
        oracle = Oracle().fit_problem(problem(SINE), seed=0)
        assert not torch.isin(oracle.sample(100, seed=3)["x1"], SINE.sample(100, seed=3)["x1"]).any()

    def test_what_it_cannot_do(self):
        data = Problem("real/data", 0, SINE.graph, SINE.sample(5, seed=0), [])
        with pytest.raises(Unsupported, match="real/data has no known structural causal model"):
            Oracle().fit_problem(data, seed=0)
        with pytest.raises(Unsupported, match="learn from data"):
            Oracle().fit(SINE.graph, data.train, seed=0)
        with pytest.raises(Unsupported, match="replay"):
            Oracle().fit_problem(problem(SINE), seed=0).counterfactual(data.train, {}, seed=0)


class TestPosterior:
    def test_sine_has_the_posterior_mean_of_all_foldings(self):
        """x2 = sin(x1 + u): the noises are asin(x2) - x1 + 2 pi k and pi - asin(x2) - x1 + 2 pi k, by their density."""
        factual = SINE.sample(400, seed=2)
        k = 2 * torch.pi * torch.arange(-4, 5, dtype=torch.float64)
        angle = torch.asin(factual["x2"]).unsqueeze(1)
        u = torch.cat([angle + k, torch.pi - angle + k], dim=1) - factual["x1"].unsqueeze(1)
        weights = torch.softmax(-u.square() / 2, dim=1)  # |f'(u)| is the same at every root
        truth = (weights * torch.sin(0.7 + u)).sum(1)
        model = Posterior(particles=2000).fit_problem(problem(SINE), seed=0)
        answer = model.counterfactual(factual, {"x1": 0.7}, seed=0)["x2"]
        torch.testing.assert_close(answer, truth, rtol=0, atol=5e-3)

    def test_sine_by_brute_force(self):
        """The mean of many worlds that come within 1e-3 of the factual row."""
        factual = {"x1": torch.tensor([0.4]).double(), "x2": torch.tensor([0.3]).double()}
        u = SINE.noise(3_000_000, seed=9)["x2"]
        near = u[(torch.sin(0.4 + u) - 0.3).abs() < 1e-3]
        model = Posterior().fit_problem(problem(SINE), seed=0)
        answer = model.counterfactual(factual, {"x1": -1.0}, seed=0)["x2"]
        assert float(answer) == pytest.approx(float(torch.sin(-1 + near).mean()), abs=0.05)
        assert len(near) > 1000

    def test_it_beats_every_other_answer_on_a_fold(self):
        noise = SINE.noise(3000, seed=4)
        factual, truth = SINE.run(noise), SINE.counterfactual(noise, {"x1": 0.5})
        best = mse(
            Posterior().fit_problem(problem(SINE), seed=0).counterfactual(factual, {"x1": 0.5}, seed=0), truth, "x2"
        )
        principal = torch.sin(0.5 + torch.asin(factual["x2"]) - factual["x1"])
        assert 0.05 < best < 0.8 * float((principal - truth["x2"]).square().mean())

    @pytest.mark.parametrize("do", [{"a": 0.5}, {"a": torch.linspace(-1, 1, 200)}, {"b": 1.0}, {"a": 0.1, "b": 0.2}])
    def test_invertible_mechanisms_leave_no_error(self, do):
        noise = INVERTIBLE.noise(200, seed=3)
        model = Posterior().fit_problem(problem(INVERTIBLE), seed=0)
        answer, truth = model.counterfactual(INVERTIBLE.run(noise), do, seed=0), INVERTIBLE.counterfactual(noise, do)
        for node in "abc":
            torch.testing.assert_close(answer[node], truth[node], rtol=0, atol=1e-3)

    def test_flat_mechanisms_average_over_the_noise_that_fits(self):
        """y = sign(u) x tells the sign of the noise and nothing else; z = u x y then is known exactly."""
        scm = SCM(
            {"x": lambda u: 1 + u.abs(), "y": lambda u, x: torch.sign(u) * x, "z": lambda u, x, y: y + u.sign() * u}
        )
        noise = scm.noise(100, seed=3)
        answer = Posterior().fit_problem(problem(scm), seed=0).counterfactual(scm.run(noise), {"x": 2.0}, seed=0)
        torch.testing.assert_close(answer["y"], scm.counterfactual(noise, {"x": 2.0})["y"], rtol=0, atol=1e-6)

    def test_symmetric_folds_keep_both_roots(self):
        """x2 = (u - x1)^2: under do(x1 = 0) the answer weighs (x1 + s)^2 and (x1 - s)^2, s = sqrt(x2)."""
        scm = SCM({"x1": lambda u: u, "x2": lambda u, x1: (u - x1) ** 2})
        factual = scm.sample(300, seed=6)
        x1, s = factual["x1"], factual["x2"].sqrt()
        u = torch.stack([x1 + s, x1 - s], 1)
        truth = (torch.softmax(-u.square() / 2, 1) * u.square()).sum(1)
        model = Posterior(particles=1000).fit_problem(problem(scm), seed=0)
        answer = model.counterfactual(factual, {"x1": 0.0}, seed=0)["x2"]
        torch.testing.assert_close(answer, truth, rtol=0.02, atol=0.01)

    def test_what_it_cannot_do(self):
        hidden = SCM({"h": lambda u: u, "x": lambda u, h: h + u, "y": lambda u, x, h: x + h + u}, latent=["h"])
        with pytest.raises(Unsupported, match=r"latent nodes \['h'\]"):
            Posterior().fit_problem(problem(hidden), seed=0)
        wide = Uniform(torch.zeros(2).double(), torch.ones(2).double())
        vector = SCM({"x": lambda u: u, "y": lambda u, x: u + x.unsqueeze(1)}, noise={"y": wide})
        model = Posterior().fit_problem(problem(vector), seed=0)
        with pytest.raises(Unsupported, match="'y' has noise of more than one dimension"):
            model.counterfactual(vector.sample(3, seed=0), {"x": 1.0}, seed=0)
        with pytest.raises(Unsupported, match="only answers counterfactuals"):
            model.sample(3, seed=0)


class TestMarginal:
    def test_keeps_margins_and_loses_dependence(self):
        scm = SCM({"x": lambda u: u, "y": lambda u, x: x + 0.1 * u})
        train = scm.sample(5000, seed=0)
        sample = Marginal().fit(scm.graph, train, seed=0).sample(5000, seed=1)
        assert torch.isin(sample["y"], train["y"]).all()
        assert abs(float(torch.stack([sample["x"], sample["y"]]).corrcoef()[0, 1])) < 0.07
        assert float(torch.stack([train["x"], train["y"]]).corrcoef()[0, 1]) > 0.99

    def test_counterfactual_error_is_the_variance(self):
        scm = SCM({"x": lambda u: u, "y": lambda u, x: x + u})
        model = Marginal().fit(scm.graph, scm.sample(5000, seed=0), seed=0)
        noise = scm.noise(4000, seed=2)
        truth = scm.run(noise)
        answer = model.counterfactual(truth, {}, seed=0)
        assert mse(answer, truth, "y") / float(truth["y"].var()) == pytest.approx(1, abs=0.01)


class TestIdentity:
    def test_sets_the_intervened_node_and_nothing_else(self):
        data = {"x": torch.arange(3), "y": torch.rand(3, 2, dtype=torch.float64)}
        model = Identity().fit(nx.DiGraph([("x", "y")]), data, seed=0)
        answer = model.counterfactual(data, {"x": 7}, seed=0)
        assert answer["x"].tolist() == [7, 7, 7]
        assert torch.equal(answer["y"], data["y"])
        assert answer["y"] is not data["y"]

    def test_has_no_distribution(self):
        with pytest.raises(Unsupported):
            Identity().fit(
                nx.DiGraph([("x", "y")]), SINE.sample(5, seed=0) | {"x": torch.zeros(5), "y": torch.zeros(5)}, seed=0
            ).sample(2, seed=0)
