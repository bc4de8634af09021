"""What `CausalModel` promises for every method that writes hooks, however careless these are."""

from __future__ import annotations

import copy

import networkx as nx
import numpy as np
import pytest
import torch
from bars import IMAGE_FLOORS, IMAGE_METHODS
from scmbench.datasets import Problem, Values, ValuesError
from scmbench.models import CausalModel, Unsupported, build, conformance, load
from scmbench.models.contract.base import EXACT, UNTOUCHED
from scmbench.models.contract.registry import BUILT_IN

GRAPH = nx.DiGraph([("a", "k"), ("k", "v"), ("b", "v")])
DO = {"k": 3}


def data(n: int = 12) -> Values:
    x = torch.arange(n, dtype=torch.float64)
    return {"a": x / n, "b": -x / n, "k": torch.arange(n) % 4, "v": torch.stack([x, -x], 1)}


class Careless(CausalModel):
    """Answers noise of any shape and type for every node, and writes into all that it is given."""

    def __init__(self, sizes: tuple[int, ...] = (2, 2)):
        self.sizes = sizes

    def _fit(self, graph, data, *, seed):
        self.kept = data
        graph.graph["seen"] = True
        for x in data.values():
            x.zero_()

    def _answer(self, n, seed, *given):
        for values in given:
            for x in values.values():
                x.zero_()
        noise = torch.rand(n, 2, generator=torch.Generator().manual_seed(seed))
        return {"a": noise[:, 0], "b": noise[:, :1], "k": 7 * noise[:, 1], "v": noise.requires_grad_() * 2}

    def _sample(self, n, forced, *, seed):
        return self._answer(n, seed, forced)

    def _counterfactual(self, factual, forced, *, seed):
        return self._answer(len(factual["a"]), seed, factual, forced)


class Quirky(Careless):
    """Breaks two promises by name."""

    @property
    def waives(self):
        return {EXACT: "as published", UNTOUCHED: "as published"}


@pytest.fixture
def model():
    return Careless().fit(GRAPH, data(), seed=0)


def test_do_is_exact_and_what_it_does_not_reach_is_copied(model):
    per_row = torch.arange(12) % 3
    assert torch.equal(model.sample(12, {"k": per_row}, seed=0)["k"], per_row)
    answer = model.counterfactual(data(), {"k": per_row}, seed=0)
    assert torch.equal(answer["k"], per_row)
    assert all(torch.equal(answer[v], data()[v]) for v in "ab")
    assert not torch.equal(answer["v"], data()["v"])


def test_only_a_model_that_waives_them_by_name_is_let_alone():
    quirky = Quirky().fit(GRAPH, data(), seed=0)
    assert not torch.equal(quirky.sample(12, DO, seed=0)["k"], torch.full((12,), 3))
    answer = quirky.counterfactual(data(), DO, seed=0)
    assert not torch.equal(answer["k"], torch.full((12,), 3))
    assert not torch.equal(answer["a"], data()["a"])


@pytest.mark.parametrize("cls", [Careless, Quirky])
def test_answers_have_the_types_and_shapes_of_the_data(cls):
    model = cls().fit(GRAPH, data(), seed=0)
    for answer in (model.sample(5, seed=0), model.sample(5, DO, seed=0)):
        assert list(answer) == ["a", "b", "k", "v"]
        assert {v: (x.dtype, tuple(x.shape)) for v, x in answer.items()} == {
            "a": (torch.float64, (5,)),
            "b": (torch.float64, (5,)),
            "k": (torch.int64, (5,)),
            "v": (torch.float64, (5, 2)),
        }
        assert not any(x.requires_grad for x in answer.values())


@pytest.mark.parametrize("cls", [Careless, Quirky])
def test_nothing_given_is_changed_and_nothing_returned_is_shared(cls):
    graph, rows, factual, do = GRAPH.copy(), data(), data(), {"k": torch.arange(12)}
    model = cls().fit(graph, rows, seed=0)
    for answer in (model.sample(12, do, seed=0), model.counterfactual(factual, do, seed=0)):
        for x in answer.values():
            x.add_(1)
    assert all(torch.equal(given[v], x) for given in (rows, factual) for v, x in data().items())
    assert torch.equal(do["k"], torch.arange(12))
    assert nx.utils.graphs_equal(graph, GRAPH)


OTHERWISE = {"oracle", "posterior", "monotone", "persistence", "resample", *IMAGE_METHODS, *IMAGE_FLOORS}
"""Built-in models that are not fitted on rows of numbers, or answer no question about them."""


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name not in OTHERWISE])
def test_what_the_caller_does_after_fit_changes_no_answer(name):
    cls = load(name)
    graph, n = nx.DiGraph([("x", "y")]), 40
    graph.add_node("x", colour="red")
    x = torch.linspace(-1, 1, n, dtype=torch.float64)
    rows = {"x": x.clone(), "y": 2 * x + torch.linspace(0, 1, n, dtype=torch.float64).sin()}
    model = build(cls, cls.conformance_options).fit(graph, rows, seed=0)

    def answers():
        found = [model.counterfactual({"x": x, "y": x.exp()}, {"x": 0.5}, seed=1)]
        return found + ([model.sample(n, {"x": 0.5}, seed=1)] if "interventional" in cls.answers else [])

    before = copy.deepcopy(answers())
    graph.remove_edge("x", "y")
    graph.add_edge("y", "x")
    rows["y"].zero_()
    rows.pop("x")
    for first, second in zip(before, answers(), strict=True):
        assert all(torch.equal(first[v], second[v]) for v in "xy")
    assert type(model.graph) is nx.DiGraph
    assert not model.graph.nodes["x"]


def test_options_given_as_lists_are_the_models_own():
    sizes = [3, 4]
    model = Careless(sizes=sizes).fit(GRAPH, data(), seed=0)  # type: ignore[arg-type]
    sizes.append(5)
    assert model.options() == {"sizes": (3, 4)}


def test_a_fit_that_raises_leaves_the_model_as_it_was(model):
    class Refuses(Careless):
        def _fit(self, graph, data, *, seed):
            if "b" not in graph:
                raise Unsupported("no b")
            super()._fit(graph, data, seed=seed)

    refuses = Refuses().fit(GRAPH, data(), seed=0)
    before = dict(vars(refuses))
    with pytest.raises(Unsupported, match="no b"):
        refuses.fit(nx.DiGraph([("a", "k")]), data(), seed=0)
    assert vars(refuses) == before
    with pytest.raises(ValuesError, match="not fitted yet: call fit"):
        Refuses().sample(3, seed=0)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m.sample(-1, seed=0), "n=-1: expected an integer of at least 0"),
        (lambda m: m.sample(1e3, seed=0), "n=1000.0: expected an integer"),
        (lambda m: m.sample(True, seed=0), "n=True"),
        (lambda m: m.sample(3, seed=1.5), "seed=1.5: expected an integer"),
        (lambda m: m.sample(3, seed=None), "seed=None"),
        (lambda m: m.sample(3, {"kk": 1}, seed=0), r"unknown node 'kk'; the graph has \['a', 'b', 'k', 'v'\]"),
        (lambda m: m.sample(3, {2: 1}, seed=0), "unknown node 2"),
        (lambda m: m.sample(3, ["k"], seed=0), r"do=\['k'\]: expected a dict"),
        (lambda m: m.sample(3, {"k": 0.5}, seed=0), "'k' takes integers"),
        (lambda m: m.counterfactual(data(), {"v": torch.ones(5, 2)}, seed=0), r"shape \(5, 2\)"),
        (lambda m: m.counterfactual(data(), "k", seed=0), "do='k': expected a dict"),
        (
            lambda m: m.counterfactual([data()], DO, seed=0),
            "factual rows: expected a dict .* got a list",
        ),
        (lambda m: m.counterfactual({**data(), "a": [0.0] * 12}, DO, seed=0), "'a' is a list"),
        (lambda m: m.counterfactual({**data(), "k": data()["a"]}, DO, seed=0), "'k' was fitted on integers; row 1"),
        (lambda m: m.counterfactual({**data(), "b": data()["b"][:3]}, DO, seed=0), "'b' has shape"),
        (lambda m: m.fit(GRAPH, data(), seed="0"), "seed='0'"),
        (lambda m: m.fit({"a": []}, data(), seed=0), "the graph is a dict"),
        (lambda m: m.fit(GRAPH, [1.0], seed=0), "training data: expected a dict"),
        (lambda m: m.fit(GRAPH, {v: x[:0] for v, x in data().items()}, seed=0), "training data have no rows"),
    ],
)
def test_bad_input_is_refused_by_name(model, ask, message):
    with pytest.raises(ValuesError, match=message):
        ask(model)


def test_numbers_may_be_numpys_and_rows_none_or_of_a_wider_type(model):
    assert torch.equal(model.sample(np.int64(3), seed=np.int32(1))["a"], model.sample(3, seed=1)["a"])
    assert {v: tuple(x.shape) for v, x in model.sample(0, DO, seed=0).items()} == {
        "a": (0,), "b": (0,), "k": (0,), "v": (0, 2)
    }  # fmt: skip
    whole = {**data(), "k": data()["k"].double(), "a": data()["a"].float()}
    assert model.counterfactual(whole, {"v": torch.zeros(1, 2)}, seed=0)["k"].dtype == torch.int64


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"a": torch.zeros(3)}, "Says: the answer has no tensor for 'b'"),
        ({"a": torch.zeros(2)}, r"Says: 'a' has shape \(2,\); expected \(3,\)"),
        (None, "Says: the answer: expected a dict"),
    ],
)
def test_an_answer_that_lacks_something_is_told_with_the_methods_name(answer, message):
    class Says(Careless):
        def _sample(self, n, forced, *, seed):
            return answer

    with pytest.raises(ValuesError, match=message):
        Says().fit(GRAPH, data(), seed=0).sample(3, seed=0)


def test_powers_are_what_a_class_defines_as_hook_or_as_public_method():
    class Old(Careless):
        def log_prob(self, x):
            return torch.zeros(len(x["a"]))

        def save(self, folder):
            """A way of its own."""

    class New(Careless):
        def _abduct(self, factual):
            return factual

    assert (Careless.powers, Old.powers, New.powers) == (set(), {"log_prob", "save"}, {"abduct"})
    assert load("oracle").powers == {"replay", "log_prob"}
    model = New().fit(GRAPH, data(), seed=0)
    with pytest.raises(Unsupported, match="New has no log_prob"):
        model.log_prob(data())
    with pytest.raises(ValuesError, match=r"factual rows lack the column\(s\) \['k'\]"):
        model.abduct({v: x for v, x in data().items() if v != "k"})


class OldStyle(CausalModel):
    """Overrides the public methods, as classes did before there were hooks."""

    def fit(self, graph, data, *, seed):
        self.mean = {v: x.double().mean(0) for v, x in data.items()}
        return self

    def sample(self, n, do=None, *, seed):
        return {v: m.expand(n, *m.shape).clone() for v, m in self.mean.items()}

    def counterfactual(self, factual, do, *, seed):
        return self.sample(len(factual["a"]), do, seed=seed)


def test_a_class_that_overrides_the_public_methods_works_without_the_protection():
    model = OldStyle().fit_many([Problem("p", 0, GRAPH, data(), [])], [0])[0]
    assert model.sample(2, DO, seed=0)["k"].tolist() == [1.5, 1.5]
    failed = {r.property for r in conformance.check(OldStyle) if r.status == "failed"}
    assert {EXACT, UNTOUCHED, "queries refuse bad input", "fit refuses bad data"} <= failed


def test_a_class_without_a_way_to_learn_says_what_to_write():
    class Empty(CausalModel):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty learns nothing: write _fit\(self, graph, data, \*, seed\)"):
        Empty().fit(GRAPH, data(), seed=0)


def test_an_option_named_as_what_every_fit_sets_is_refused():
    """It would be overwritten without a word."""

    class Clashing(Careless):
        def __init__(self, levels: int = 3):
            super().__init__()
            self.levels = levels

    with pytest.raises(ValuesError, match="Clashing: its option 'levels' has the name of what every fit sets"):
        Clashing().fit(nx.DiGraph([("a", "b")]), {"a": torch.randn(9), "b": torch.randn(9)}, seed=0)
