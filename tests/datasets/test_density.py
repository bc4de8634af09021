"""The density of an SCM: against formulas, a histogram's integral, and refusals that name the node."""

from __future__ import annotations

from math import log, pi, sqrt

import pytest
import torch
from pyro.distributions import Exponential, Normal, Poisson
from scmbench.datasets import SCM, NoDensity, ValuesError, get
from scmbench.datasets.noise import Bootstrap

from .test_cnf import INVERSES

ONE = torch.ones((), dtype=torch.float64)


def normal(x, mean=0.0, sd=1.0):
    return -0.5 * ((x - mean) / sd) ** 2 - log(sd * sqrt(2 * pi))


def test_a_linear_gaussian_scm_has_its_multivariate_normal():
    scm = SCM({"a": lambda u: 2 * u + 1, "b": lambda u, a: 3 * a - u, "c": lambda u, a, b: a - b + u / 2})
    rows = scm.sample(100, seed=0)
    scale = torch.tensor([[2.0, 0, 0], [6, -1, 0], [-4, 1, 0.5]]).double()
    law = torch.distributions.MultivariateNormal(torch.tensor([1.0, 3, -2]).double(), scale @ scale.T)
    torch.testing.assert_close(scm.log_prob(rows), law.log_prob(torch.stack([rows["a"], rows["b"], rows["c"]], 1)))


@pytest.mark.parametrize(
    "short", ["chain/nlin", "simpson/nlin", "large-backdoor/nlin", "triangle/nlin2", "diamond/nlin"]
)
def test_by_inverses_worked_out_by_hand(short):
    """log p(x) = sum log p(u) + log |du/dx|, with u(x) and its slope from the inverse instead of the mechanism."""
    scm = get(f"cnf/{short}").scm()
    rows = scm.sample(300, seed=1)
    columns = [rows[f"x{j}"].requires_grad_() for j in range(1, len(rows) + 1)]
    expected = torch.zeros(300, dtype=torch.float64)
    for j, inverse in enumerate(INVERSES[short]):
        u = inverse(*columns[: j + 1])
        (slope,) = torch.autograd.grad(u.sum(), columns[j])
        expected += scm.noises[f"x{j + 1}"].log_prob(u.detach()) + slope.abs().log()
    found = scm.log_prob({node: x.detach() for node, x in rows.items()})
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_noise_of_another_family_on_half_a_line():
    scm = SCM({"x": lambda u: 5 - 2 * u}, noise={"x": Exponential(3 * ONE)})
    x = torch.tensor([4.0, 0.0, 5.5, -50.0]).double()
    expected = torch.log(1.5 * torch.exp(-1.5 * (5 - x)))
    expected[2] = -torch.inf  # above 5 there is nothing
    found = scm.log_prob({"x": x})
    torch.testing.assert_close(found[:3], expected[:3])
    assert found[3] == -torch.inf or found[3] == pytest.approx(float(expected[3]))


def test_far_in_the_tail_of_a_normal():
    x = torch.tensor([-20.0, 12.0]).double()
    torch.testing.assert_close(
        SCM({"x": lambda u: u**3 + u}).log_prob({"x": x**3 + x}), normal(x) - (3 * x**2 + 1).log()
    )


def test_a_mirror_has_the_density_of_the_world_without_it():
    rows = get("violations/ctf4").scm().sample(200, seed=0)
    expected = sum(normal(x) for x in rows.values())
    torch.testing.assert_close(get("violations/ctf4").scm().log_prob(rows), expected)


def test_the_mean_of_a_density_is_its_entropy():
    """E[-log p] of 2 x1^2 + u is that of u: an additive shift by a parent changes no entropy."""
    rows = get("cnf/triangle/nlin").scm().sample(20_000, seed=0)
    found = get("cnf/triangle/nlin").scm().log_prob(rows).mean()
    assert float(found) == pytest.approx(-1.5 * (1 + log(2 * pi)), abs=0.03)


@pytest.mark.parametrize(
    ("equations", "options", "message"),
    [
        ({"a": lambda u: u, "b": lambda u, a: (a + u).sin()}, {}, "'b' is not strictly monotone in its noise"),
        ({"a": lambda u: u.clamp(min=0)}, {}, "'a' is not strictly monotone"),
        ({"a": lambda u: u, "b": lambda u, a: (u - a).abs()}, {}, "'b' is not strictly monotone"),
        ({"a": lambda u: u, "b": lambda u, a: a}, {}, "'b' is not strictly monotone"),
        ({"a": lambda u: u.detach()}, {}, "equation of 'a' is not differentiable"),
        ({"a": lambda u: (u > 0).long()}, {}, "'a' is torch.int64"),
        ({"a": lambda u: torch.stack([u, 2 * u], 1)}, {}, r"'a' is torch.float64 of shape \(2,\)"),
        ({"a": lambda u: u.sum(1)}, {"noise": {"a": Normal(torch.zeros(2).double(), 1.0)}}, r"its noise \(2,\)"),
        ({"a": lambda u: u}, {"noise": {"a": Bootstrap(torch.arange(9.0).double())}}, r"noise of 'a' is discrete"),
        ({"h": lambda u: u, "a": lambda u, h: u + h}, {"latent": ["h"]}, r"latent \['h'\]"),
    ],
)
def test_what_has_no_density_is_refused_by_name(equations, options, message):
    scm = SCM(equations, **options)
    with pytest.raises(NoDensity, match=message):
        scm.log_prob(scm.sample(50, seed=0))


def test_discrete_noise_of_pyro_is_refused_too():
    scm = SCM({"a": lambda u: u.double()}, noise={"a": Poisson(ONE)})
    with pytest.raises(NoDensity, match="the noise of 'a' is discrete"):
        scm.log_prob({"a": torch.zeros(3).double()})


def test_a_flat_piece_between_the_quantiles_that_are_looked_at_is_met_by_its_slope():
    scm = SCM({"a": lambda u: torch.where(u < 2.5, u, torch.where(u < 2.52, 2.5, u - 0.02))})
    with pytest.raises(NoDensity, match=r"'a' does not move with its noise in row 1: df/du is 0 there"):
        scm.log_prob({"a": torch.tensor([1.0, 2.5]).double()})


def test_bad_rows_are_refused_by_name_and_none_have_no_density():
    scm = SCM({"a": lambda u: u, "b": lambda u, a: u + a})
    with pytest.raises(ValuesError, match=r"rows lack the column\(s\) \['b'\]"):
        scm.log_prob({"a": torch.zeros(3).double()})
    with pytest.raises(ValuesError, match="'b' has NaN"):
        scm.log_prob({"a": torch.zeros(3).double(), "b": torch.full((3,), torch.nan).double()})
    assert scm.log_prob({"a": torch.zeros(0).double(), "b": torch.zeros(0).double()}).shape == (0,)
