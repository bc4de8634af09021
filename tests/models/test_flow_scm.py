"""Flow SCMs on learned bases: laws and draws of the bases, densities, linear worlds, what a wrong family costs."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from chains import CHAIN
from scipy import stats
from scmbench.models import conformance
from scmbench.models.contract.base import Unsupported
from scmbench.models.flow_scm import FlowSCM
from scmbench.models.flow_scm.bases import BASES, FREEDOM, draws, law
from scmbench.models.flow_scm.training import SHAPES, Recipe

PAIR = nx.DiGraph([("x", "y")])
LINE = {"shapes": ("linear-shift",), "epochs": 60}


def uniform(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normal(n: int) -> torch.Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def pair(n: int, noise: torch.Tensor) -> dict[str, torch.Tensor]:
    x = 4 * uniform(n) - 2
    return {"x": x, "y": x + noise}


@pytest.mark.parametrize("options", [{}, {"base": "student-t", "roots": "fitted", "shapes": ("spline",)}], ids=str)
def test_it_conforms(options):
    conformance.require(FlowSCM, options | {"epochs": 2})


@pytest.mark.parametrize("base", BASES)
def test_a_base_and_its_draws_are_scipys_law(base):
    parameters = torch.tensor([0.3, -0.5, 0.2], dtype=torch.float64)
    scale, df = float(parameters[1].exp()), FREEDOM * float(parameters[2].exp())
    theirs = {
        "normal": stats.norm(0.3, scale),
        "laplace": stats.laplace(0.3, scale),
        "student-t": stats.t(df, 0.3, scale),
    }
    x = torch.linspace(-4, 4, 9, dtype=torch.float64)
    torch.testing.assert_close(law(base, parameters).log_prob(x), torch.from_numpy(theirs[base].logpdf(x.numpy())))
    drawn = draws(base, parameters, 4000, torch.Generator().manual_seed(0))
    assert stats.kstest(drawn.numpy(), theirs[base].cdf).pvalue > 0.01


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_rise_and_are_the_identity_at_zero(shape):
    of, x = SHAPES[shape], torch.linspace(-9, 9, 200, dtype=torch.float64)
    torch.testing.assert_close(of.at(torch.zeros(200, of.size, dtype=torch.float64))(x), x)
    at = of.at((uniform(1, of.size) - 0.5).expand(200, -1))
    assert (at(x).diff() > 0).all()
    torch.testing.assert_close(at.inv(at(x)), x)


@pytest.mark.parametrize("base", BASES)
def test_a_density_integrates_to_one_and_is_that_of_its_draws(base):
    data = pair(400, 0.5 * normal(400))
    model = FlowSCM(base, shapes=("spline",), roots="fitted", epochs=5).fit(PAIR, data, seed=0)
    grid = torch.linspace(-40, 40, 40_001, dtype=torch.float64)
    given = {"x": torch.zeros_like(grid), "y": grid}
    root = model.mechanisms["x"].log_prob(torch.zeros(1, 1).double(), torch.zeros(1, 0).double())
    mass = torch.trapezoid((model.log_prob(given) - root).exp(), grid)
    assert float(mass) == pytest.approx(1, abs=2e-3)


def test_a_line_is_found_with_the_right_base():
    model = FlowSCM(**LINE).fit(CHAIN.graph, CHAIN.sample(1500, seed=0), seed=0)
    noise = CHAIN.noise(200, seed=1)
    factual = CHAIN.run(noise)
    node = CHAIN.targets[0]
    found, true = model.counterfactual(factual, {node: 0.5}, seed=0), CHAIN.run(noise, {node: 0.5})
    for v, x in true.items():
        assert (found[v] - x).pow(2).mean().sqrt() < 0.15 * x.std() + 1e-9


def test_a_wrong_base_costs_the_slope_and_the_right_one_does_not():
    """Cauchy noise: the slope of a normal base is least squares', that of Student's t is near 1."""
    noise = torch.from_numpy(stats.cauchy.ppf(uniform(1000, seed=3).numpy()))
    data = pair(1000, noise)
    slopes = {}
    for base in ("normal", "student-t"):
        model = FlowSCM(base, **LINE).fit(PAIR, data, seed=0)
        rows = {"x": torch.ones(1).double(), "y": torch.zeros(1).double()}
        slopes[base] = float(-model.counterfactual(rows, {"x": 0.0}, seed=0)["y"])
    assert abs(slopes["student-t"] - 1) < 0.15
    assert abs(slopes["normal"] - 1) > 2 * abs(slopes["student-t"] - 1)


def test_the_shape_is_chosen_by_rows_that_training_did_not_see():
    x = 4 * uniform(600) - 2
    recipe = Recipe("normal", ("linear-shift", "shift"), folds=2, epochs=100, batch_size=128, lr=1e-2)
    line = (x + normal(600)).float()
    bent = (3 * (2 * x).sin() + normal(600)).float()
    assert recipe.chosen(line, x[:, None].float(), 0).shape == "linear-shift"
    assert recipe.chosen(bent, x[:, None].float(), 0).shape == "shift"


def test_roots_that_are_resampled_have_no_density():
    model = FlowSCM(epochs=1).fit(PAIR, pair(50, normal(50)), seed=0)
    with pytest.raises(Unsupported, match="roots='fitted'"):
        model.log_prob(pair(5, normal(5)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": "cauchy"}, "base='cauchy': choose one of"),
        ({"folds": 1}, "folds=1: expected at least 2"),
        ({"shapes": "spline"}, "shapes='spline': choose one or more"),
        ({"shapes": ()}, r"shapes=\(\): choose one or more"),
        ({"lr": 0}, "lr=0: expected a number above 0"),
    ],
)
def test_options_that_make_no_sense_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        FlowSCM(**options)
