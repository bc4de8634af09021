"""Discrete nodes: every method answers with values that occur in training, in the type of the data."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from bars import IMAGE_FLOORS, IMAGE_METHODS
from hypothesis import given
from hypothesis import strategies as st
from scmbench.datasets.levels import levels
from scmbench.datasets.values import Values, ValuesError
from scmbench.models import CausalModel, Unsupported, load
from scmbench.models.contract.levels import levels_of, nearest, spread
from scmbench.models.contract.options import build
from scmbench.models.contract.registry import BUILT_IN
from scmbench.models.keeping.saving import load as load_saved
from scmbench.models.keeping.saving import save

GRAPH = nx.DiGraph([("a", "t"), ("t", "c"), ("a", "y"), ("t", "y"), ("c", "y"), ("r", "y"), ("k", "y"), ("t", "v")])
REAL = ("a", "y")
NUMBERS = [torch.int64, torch.uint8, torch.bool, torch.float64]


def world(dtype: torch.dtype, n: int = 120) -> Values:
    """A treatment t, a count c with gaps, a two-valued root r, a constant k, a vector v of a label and a number."""
    stream = torch.Generator().manual_seed(0)

    def noise() -> torch.Tensor:
        return torch.randn(n, generator=stream, dtype=torch.float64)

    a = noise()
    t = a + noise() > 0
    c = torch.tensor([0, 1, 5, 9])[t.long() + torch.randint(3, (n,), generator=stream)]
    r = torch.where(noise() > 0, 1.0, -1.0).double()
    k = torch.full((n,), 7)
    y = a + 2 * t + c / 3 + r + noise()
    v = torch.stack([t.double(), a + noise()], 1)
    whole = torch.float64 if dtype == torch.float64 else torch.int64
    return {"a": a, "t": t.to(dtype), "c": c.to(whole), "r": r, "k": k.to(whole), "y": y, "v": v}


def discrete(data: Values) -> Values:
    return {node: x for node, x in data.items() if node not in (*REAL, "v") and levels(x) is not None}


def assert_at_levels(answer: Values, data: Values) -> None:
    for node, x in discrete(data).items():
        assert answer[node].dtype == x.dtype
        assert set(answer[node].tolist()) <= set(x.tolist()), node
    assert answer["y"].dtype == torch.float64
    if "v" in data:
        assert set(answer["v"][:, 0].tolist()) <= {0.0, 1.0}


def fitted(name: str, dtype: torch.dtype) -> tuple[CausalModel, nx.DiGraph, Values]:
    """A method on that world, without what it does not know by design."""
    cls = load(name)
    options = {**cls.conformance_options, **({"variant": "corrected"} if "corrected" in cls.variants else {})}
    graph, data = GRAPH.copy(), world(dtype)
    if name.startswith(("carefl", "vaca")):  # scalars of real type only
        graph.remove_node("v")
        del data["v"]
    return build(cls, options).fit(graph, data, seed=0), graph, data


OF_IMAGES = {*IMAGE_METHODS, *IMAGE_FLOORS}
METHODS = sorted(set(BUILT_IN) - OF_IMAGES - {"oracle", "posterior", "monotone", "persistence", "carefl-affine"})
"""Those that learn from rows; carefl-affine is CAREFL with other layers and takes an even number of nodes."""


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("dtype", [torch.int64, torch.float64], ids=str)
def test_every_method_answers_with_levels(name, dtype, tmp_path):
    if name in ("carefl", "vaca") and dtype == torch.int64:
        with pytest.raises(Unsupported, match=r"real scalar nodes only; '[ctk]' is torch\.int64"):
            fitted(name, dtype)
        return
    model, _, data = fitted(name, dtype)
    again = load_saved(save(model, tmp_path / "model"))
    factual = {node: x[:40] for node, x in data.items()}
    for each in (model, again):
        if "observational" in each.answers:
            drawn = each.sample(60, seed=1)
            assert_at_levels(drawn, data)
            assert "v" not in drawn or len(drawn["v"][:, 1].unique()) > 10  # a number beside a label stays one
        if "interventional" in each.answers:
            under = each.sample(60, {"t": 1, "a": 0.5}, seed=1)
            assert (under["t"] == 1).all()
            assert_at_levels(under, data)
        if "counterfactual" in each.answers:
            under = each.counterfactual(factual, {"a": 1.5}, seed=1)
            assert_at_levels(under, data)
            assert torch.equal(under["r"], factual["r"]) or "non-descendants untouched" in each.waives
        if "predict" in each.powers:
            assert_at_levels(each.predict({"a": 0.5}), data)
    if "counterfactual" in model.answers:
        once, twice = (m.counterfactual(factual, {"a": 1.5}, seed=1) for m in (model, again))
        assert all(torch.equal(once[node], twice[node]) for node in once)


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_the_type_is_kept_and_what_it_does_not_hold_is_refused(dtype):
    model, _, data = fitted("linear", dtype)
    assert_at_levels(model.sample(50, seed=0), data)
    assert model.sample(3, {"t": 0}, seed=0)["t"].tolist() == [0] * 3
    factual = {node: x[:4] for node, x in data.items()}
    if dtype in (torch.uint8, torch.bool):
        with pytest.raises(ValuesError, match=r"do\('t'\): 300 is beyond torch\.\w+, the type of 't'"):
            model.sample(3, {"t": 300}, seed=0)
        with pytest.raises(ValuesError, match=r"'t' was fitted on torch\.\w+, which does not hold -1"):
            model.counterfactual({**factual, "t": torch.full((4,), -1)}, {}, seed=0)
    else:
        assert model.sample(3, {"t": 300}, seed=0)["t"].tolist() == [300] * 3  # what is asked for is set
    if dtype != torch.float64:
        with pytest.raises(ValuesError, match="takes integers, the value has fractions: round it"):
            model.sample(3, {"t": 1.1 * data["t"][:3] + 0.05}, seed=0)


@pytest.mark.parametrize("name", ["linear", "causal-nf", "dscm"])
def test_children_follow_from_the_level_that_is_answered(name):
    """c is t times ten, exactly: where t is answered 1, its child is 10, whatever number was near 1 before."""
    t = torch.arange(200) % 2
    a = t + 0.3 * torch.randn(200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = 100.0 * t + 0.01 * a
    graph = nx.DiGraph([("a", "t"), ("t", "y")])
    cls = load(name)
    model = build(cls, {**cls.conformance_options}).fit(graph, {"a": a, "t": t, "y": y}, seed=0)
    drawn = model.sample(100, seed=3)
    held = model.sample(100, {"t": drawn["t"]}, seed=3)
    assert len(drawn["t"].unique()) == 2
    torch.testing.assert_close(drawn["y"], held["y"])
    factual = {"a": a[:50], "t": t[:50], "y": y[:50]}
    moved = model.counterfactual(factual, {"a": 0.9 - a[:50]}, seed=0)
    torch.testing.assert_close(moved["y"], model.counterfactual(factual, {"t": moved["t"]}, seed=0)["y"])


def test_a_factual_row_that_nothing_reaches_is_let_alone():
    model, _, data = fitted("causal-nf", torch.int64)
    factual = {node: x[:3] for node, x in data.items()} | {"c": torch.tensor([2, 3, 4]), "k": torch.tensor([8, 7, 6])}
    answer = model.counterfactual(factual, {"r": 1.0}, seed=0)
    assert answer["c"].tolist() == [2, 3, 4]
    assert answer["k"].tolist() == [8, 7, 6]


def test_what_is_discrete():
    assert levels(torch.tensor([True, True])).tolist() == [True]
    assert levels(torch.tensor([2.5])) is None
    assert levels(torch.tensor([2.5, 2.5])).tolist() == [2.5]
    assert levels(torch.tensor([0.0, 1.0, 2.0, 0.0])) is None
    assert levels_of({"x": torch.tensor([0.1, 0.2, 0.3])}) == {}
    v = levels_of({"v": torch.tensor([[1.0, 0.1], [2.0, 0.2], [1.0, 0.3]])})["v"]
    assert v[:, 0].tolist() == [1, 2]
    assert v[:, 1].isnan().all()


@given(
    st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=8, unique=True),
    st.lists(st.floats(-1e19, 1e19), min_size=1, max_size=8),
)
def test_the_nearest_level_is_the_nearest(known, asked):
    line, x = torch.tensor(sorted(known)), torch.tensor(asked, dtype=torch.float64)
    found = nearest(x, line[:, None])
    gaps = (x[:, None] - line.double()).abs()
    assert torch.equal((x - found.double()).abs(), gaps.amin(1))
    assert torch.equal(nearest(line, line[:, None]), line)  # to the last digit, beyond what floats can tell apart


def test_ties_go_down_and_infinity_to_the_end_and_nan_is_told():
    line = torch.tensor([[0], [1], [5]])
    x = torch.tensor([0.5, 3.0, -torch.inf, torch.inf, 4.9], dtype=torch.float64)
    assert nearest(x, line).tolist() == [0, 1, 0, 5, 5]
    with pytest.raises(FloatingPointError, match="NaN for a discrete node"):
        nearest(torch.tensor([0.0, torch.nan]), line)


TOWNS = nx.DiGraph([("a", "town"), ("town", "y")])
TOWNS.add_node("town", categorical=True)
ROWS = {
    "a": torch.linspace(-1, 1, 60, dtype=torch.float64),
    "town": torch.tensor([0, 0, 0, 7, 9, 9]).repeat(10),
    "y": torch.linspace(0, 1, 60, dtype=torch.float64),
}


class TestCategories:
    @pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"oracle", "posterior", "monotone", "persistence"}))
    def test_models_of_numbers_refuse_them_by_name(self, name):
        cls = load(name)
        if not cls.categories:
            with pytest.raises(Unsupported, match="models numbers, and 'town' is a category without order: encode it"):
                cls().fit(TOWNS, ROWS, seed=0)
            return
        assert name in ("marginal", "identity", "resample")
        model = cls().fit(TOWNS, ROWS, seed=0)
        if "observational" in model.answers:
            assert set(model.sample(50, seed=0)["town"].tolist()) <= {0, 7, 9}

    def test_the_best_guess_of_a_category_is_the_most_frequent_one(self, tmp_path):
        model = load("marginal")().fit(TOWNS, ROWS, seed=0)
        for each in (model, load_saved(save(model, tmp_path / "model"))):
            assert each.categorical == ["town"]
            assert set(each.counterfactual(ROWS, {"a": 0.0}, seed=0)["town"].tolist()) == {0}
        ordered = load("marginal")().fit(nx.DiGraph(TOWNS.edges), ROWS, seed=0)
        assert set(ordered.counterfactual(ROWS, {"a": 0.0}, seed=0)["town"].tolist()) == {7}  # the mean is 4.2


@given(st.sets(st.integers(-50, 50), min_size=1, max_size=6), st.integers(0, 9))
def test_values_spread_over_their_cells_come_back_by_the_nearest_level(found, seed):
    known = torch.tensor(sorted(found), dtype=torch.float64) / 4
    x = known[torch.randint(len(known), (40,), generator=torch.Generator().manual_seed(seed))]
    apart = spread(x, known, torch.Generator().manual_seed(seed))
    assert torch.equal(nearest(apart, known[:, None]), x)
    assert len(known) < 2 or len(apart.unique()) > len(known)
    assert torch.equal(apart, x) or len(known) > 1


def test_whole_numbers_in_a_row_are_spread_over_a_unit():
    x = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64).repeat(2000)
    apart = spread(x, x[:4], torch.Generator().manual_seed(0)) - x
    assert apart.min() == pytest.approx(-0.5, abs=0.01)
    assert apart.max() == pytest.approx(0.5, abs=0.01)


def test_the_oracle_is_not_held_to_what_training_saw():
    from scmbench.datasets import SCM
    from scmbench.datasets.problem import Problem

    scm = SCM({"x": lambda u: u, "n": lambda u, x: (10 * x + u).round().long()})
    problem = Problem("mine", 0, scm.graph, scm.sample(20, seed=0), [], scm)
    oracle = load("oracle")().fit_problem(problem, seed=0)
    noise = scm.noise(200, seed=5)
    assert torch.equal(oracle.replay(noise, {"x": 1.0})["n"], scm.counterfactual(noise, {"x": 1.0})["n"])
