"""equally-good: twins that fit exactly as well, walks of members by themselves, intervals where they disagree."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from scipy.stats import ks_2samp
from scmbench.models import Empirical, Mechanism, Task, Unsupported, conformance
from scmbench.models.best import EquallyGood, mirror
from scmbench.models.contract.autoregressive import Autoregressive
from scmbench.models.contract.fields import FieldError

CHAIN = nx.DiGraph([("x", "y"), ("y", "z")])
FEW = {"candidates": ("flow", "spline"), "members": 2, "effort": 0.02}


class Line(Mechanism):
    """``x = slope · sum of parents + scale u``, u as `law` draws it."""

    dtype = torch.float64

    def __init__(self, slope: float = 1.0, scale: float = 1.0, skewed: bool = False):
        self.slope, self.scale, self.skewed = slope, scale, skewed

    def fit(self, task):
        return self

    def encode(self, x, parents):
        return (x - self.slope * parents.sum(1, keepdim=True)) / self.scale

    def decode(self, u, parents):
        return self.slope * parents.sum(1, keepdim=True) + self.scale * u

    def noise(self, n, generator):
        u = torch.randn(n, 1, generator=generator, dtype=torch.float64)
        return u.exp() if self.skewed else u


def normal(n: int, seed: int = 0, width: int = 1) -> torch.Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def twin(part: Mechanism, parents: torch.Tensor, turn=None) -> mirror.Mirrored:
    return mirror.Mirrored(part, turn).fit(Task(torch.zeros(len(parents), 1).double(), parents, 0))


def known(slopes: dict[str, list[float]], *, mirrored: bool) -> EquallyGood:
    """A model of x -> y -> z whose m-th member has these slopes and scales of 1: no training."""
    rows = {v: normal(200, i)[:, 0] for i, v in enumerate("xyz")}
    model = EquallyGood(("flow",), members=len(slopes["y"]), mirrored=mirrored)
    model._own(CHAIN, rows)
    model.parents = {"x": [], "y": ["x"], "z": ["y"]}
    model.origins = {v: torch.zeros(1, dtype=torch.float64) for v in "xyz"}
    mechanisms: dict[str, Mechanism] = {"x": Empirical()}
    for node, found in slopes.items():
        fits = mirror.Twins({"flow": Line()}, len(found), ("flow",))
        fits.names, fits.parts = ["flow"] * len(found), [Line(s) for s in found]
        fits.middles = torch.zeros(1, dtype=torch.float64)
        whole = Autoregressive(Line())
        whole.parts = [fits]
        mechanisms[node] = whole
    model.mechanisms = mechanisms
    return model


def test_it_conforms():
    conformance.require(EquallyGood)


@pytest.mark.parametrize(("skewed", "turn"), [(False, torch.neg), (False, None), (True, None)])
def test_a_twin_has_the_law_of_its_part_on_either_side_of_the_middle(skewed, turn):
    part, n = Line(2.0, 0.5, skewed), 20_000
    one = twin(part, normal(500), turn)
    for side in (-1.0, 1.0):
        parents = torch.full((n, 1), side, dtype=torch.float64)
        ours, theirs = (m.draw(parents, torch.Generator().manual_seed(seed)) for seed, m in enumerate((one, part)))
        assert ks_2samp(ours[:, 0], theirs[:, 0]).pvalue > 0.01  # type: ignore[union-attr]


@pytest.mark.parametrize("skewed", [False, True])
def test_a_twin_gives_a_row_back_and_turns_its_order_across_the_middle_alone(skewed):
    part = Line(2.0, 0.5, skewed)
    parents = normal(400)
    one = twin(part, parents)
    x = part.draw(parents, torch.Generator().manual_seed(3))
    u = one.encode(x, parents)
    torch.testing.assert_close(one.decode(u, parents), x)
    across = one.decode(u, parents.new_full((400, 1), 9.0)) - 18
    low = parents[:, 0] <= one.middles[0]
    same, other = across[~low, 0], across[low, 0]
    own = (x - 2 * parents)[:, 0]
    torch.testing.assert_close(same, own[~low])
    assert torch.equal(other.argsort(), own[low].argsort().flip(0))


def test_a_turn_by_rank_undoes_itself_beyond_the_draws_and_where_they_repeat():
    turn = mirror.Rank(torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0, 5.0, 9.0], dtype=torch.float64))
    u = torch.linspace(-7, 20, 500, dtype=torch.float64)[:, None]
    torch.testing.assert_close(turn(turn(u)), u, atol=1e-6, rtol=0)
    assert bool((turn(u).diff(dim=0) <= 0).all())


def test_two_parents_across_their_middles_turn_back_and_a_label_has_a_middle():
    one = twin(Line(0.0), normal(500, width=2), torch.neg)
    sides = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    assert one.decode(torch.ones(4, 1).double(), sides)[:, 0].tolist() == [1, -1, -1, 1]
    assert mirror.middles(torch.tensor([[1.0], [1.0], [1.0], [0.0]])).tolist() == [0.0]
    assert len(mirror.middles(torch.empty(5, 0))) == 0


def test_members_walk_by_themselves_and_the_interval_is_where_they_end():
    model = known({"y": [1.0, 3.0], "z": [1.0, 2.0]}, mirrored=False)
    factual = {"x": normal(9)[:, 0], "y": normal(9, 1)[:, 0], "z": normal(9, 2)[:, 0]}
    do = {"x": factual["x"] + 1}
    found, mean = model.interval(factual, do, seed=0), model.counterfactual(factual, do, seed=0)
    # y moves by the slope, z by the product of both: 1 · 1 for one member, 3 · 2 for the other.
    torch.testing.assert_close(found["y"] - factual["y"][:, None], torch.tensor([[1.0, 3.0]]).double().expand(9, 2))
    torch.testing.assert_close(found["z"] - factual["z"][:, None], torch.tensor([[1.0, 6.0]]).double().expand(9, 2))
    torch.testing.assert_close(mean["z"] - factual["z"], torch.full((9,), 3.5).double())
    assert torch.equal(found["x"], do["x"][:, None].expand(9, 2))


def test_a_twin_is_in_the_interval_and_not_in_the_mean():
    model = known({"y": [1.0], "z": [1.0]}, mirrored=True)
    factual = {
        "x": -torch.ones(3).double(),
        "y": torch.tensor([-1.5, 0.5, -1.0]).double(),
        "z": torch.zeros(3).double(),
    }
    found = model.interval(factual, {"x": 1.0}, seed=0)
    # y's noise is y - x: -0.5, 1.5 and 0; a cause that crosses 0 turns it.
    torch.testing.assert_close(found["y"], torch.tensor([[0.5, 1.5], [-0.5, 2.5], [1.0, 1.0]]).double())
    mean = model.counterfactual(factual, {"x": 1.0}, seed=0)["y"]
    torch.testing.assert_close(mean, torch.tensor([0.5, 2.5, 1.0]).double())
    plain = model.with_query_options(mirrored=False).interval(factual, {"x": 1.0}, seed=0)
    torch.testing.assert_close(plain["y"], mean[:, None].expand(3, 2))
    stays = model.interval(factual, {"x": -0.5}, seed=0)["y"]
    torch.testing.assert_close(stays[:, 0], stays[:, 1])


def test_on_a_linear_gaussian_pair_plain_fits_are_near_and_twins_hold_the_mirror():
    x = normal(1500)[:, 0]
    u = normal(1500, 1)[:, 0]
    pair = nx.DiGraph([("x", "y")])
    model = EquallyGood(("additive", "spline"), members=2, effort=0.1).fit(pair, {"x": x, "y": 2 * x + u}, seed=0)
    n = 200
    factual = {"x": x[:n], "y": (2 * x + u)[:n]}
    do = {"x": -x[:n]}
    assert float((model.counterfactual(factual, do, seed=0)["y"] - (u - 2 * x)[:n]).abs().mean()) < 0.2
    low, high = model.interval(factual, do, seed=0)["y"].unbind(1)
    for truth in ((u - 2 * x)[:n], (-u - 2 * x)[:n]):  # the world, and its mirror
        assert float(((low - 0.3 <= truth) & (truth <= high + 0.3)).double().mean()) > 0.9
    narrow = model.with_query_options(mirrored=False).interval(factual, do, seed=0)["y"]
    assert float((high - low).mean()) > 4 * float((narrow[:, 1] - narrow[:, 0]).mean())


def test_a_saved_model_answers_as_it_did_and_wrong_middles_are_refused():
    model = EquallyGood(**FEW).fit(nx.DiGraph([("x", "y")]), {"x": normal(80)[:, 0], "y": normal(80, 1)[:, 0]}, seed=0)
    factual = {"x": normal(5)[:, 0], "y": normal(5, 1)[:, 0]}
    kept = model.saved()
    again = EquallyGood(**FEW).restore(kept)
    assert torch.equal(*(m.interval(factual, {"x": 0.5}, seed=0)["y"] for m in (model, again)))
    kept["mechanisms"]["y"]["parts"][0]["middles"] = torch.zeros(1, 1)
    with pytest.raises(FieldError, match="middles"):
        EquallyGood(**FEW).restore(kept)


def test_options_are_checked():
    for options in ({"mirrored": 1}, {"members": 0}, {"candidates": ("magic",)}):
        with pytest.raises(ValueError, match=next(iter(options))):
            EquallyGood(**options)  # type: ignore[arg-type]


def test_what_lies_between_nothing_has_no_interval():
    with pytest.raises(Unsupported, match="by points"):
        load_linear().interval({"x": normal(3)[:, 0]}, {}, seed=0)
    for level in (0, 1.0, "0.9", True):
        with pytest.raises(ValueError, match="level"):
            load_linear().interval({"x": normal(3)[:, 0]}, {}, level, seed=0)  # type: ignore[arg-type]


def load_linear():
    from scmbench.models.linear import LinearGaussian

    graph = nx.DiGraph()
    graph.add_node("x")
    return LinearGaussian().fit(graph, {"x": normal(20)[:, 0]}, seed=0)
