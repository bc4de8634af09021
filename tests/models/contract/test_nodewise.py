"""The walk in topological order that all models with a mechanism a node share."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from scmbench.datasets.problem import Problem
from scmbench.datasets.values import ValuesError
from scmbench.models import Empirical, Mechanism, NodewiseModel, Task

GRAPH = nx.DiGraph([("z", "a"), ("z", "m"), ("m", "a")])


class Sum(Mechanism):
    """x = sum(pa) + u; counts how often a stack is fitted."""

    stacks: list[int] = []  # noqa: RUF012

    def fit(self, task):
        self.d, self.task = task.x.shape[1], task
        return self

    def fit_stack(self, tasks):
        type(self).stacks.append(len(tasks))
        return super().fit_stack(tasks)

    def encode(self, x, parents):
        return x - parents.sum(1, keepdim=True)

    def decode(self, u, parents):
        return u + parents.sum(1, keepdim=True)

    def noise(self, n, generator):
        return torch.randn(n, self.d, generator=generator)


class Sums(NodewiseModel):
    def mechanism(self):
        return Sum()


def data(n=50):
    g = torch.Generator().manual_seed(0)
    z, m, a = (torch.randn(n, generator=g, dtype=torch.float64) for _ in range(3))
    return {"a": a, "m": m, "z": z}


@pytest.fixture
def model():
    return Sums().fit(GRAPH, data(), seed=0)


def test_tasks_have_parents_in_name_order_and_a_seed_each(model):
    task = model.mechanisms["a"].task
    assert task.x.dtype == task.parents.dtype == torch.float32
    torch.testing.assert_close(task.parents.double(), torch.stack([data()["m"], data()["z"]], 1), rtol=0, atol=1e-6)
    assert len({model.mechanisms[v].task.seed for v in "am"}) == 2


def test_roots_are_bootstrapped_and_keep_float64(model):
    assert isinstance(model.mechanisms["z"], Empirical)
    assert torch.isin(model.sample(20, seed=0)["z"], data()["z"]).all()


def test_intervened_nodes_cut_their_noise_and_drive_their_children(model):
    plain, moved = model.sample(30, seed=1), model.sample(30, {"m": 5.0}, seed=1)
    assert torch.equal(plain["z"], moved["z"])
    torch.testing.assert_close(moved["a"] - plain["a"], 5 - plain["m"], rtol=0, atol=1e-5)


def test_counterfactual_walks_through_mediators(model):
    factual = data()
    answer = model.counterfactual(factual, {"z": factual["z"] + 1}, seed=0)
    torch.testing.assert_close(answer["m"] - factual["m"], torch.ones(50).double(), rtol=0, atol=1e-5)
    torch.testing.assert_close(answer["a"] - factual["a"], torch.full((50,), 2.0).double(), rtol=0, atol=1e-5)


def test_an_intervention_on_a_mediator_shields_it(model):
    factual = data()
    answer = model.counterfactual(factual, {"z": 0.0, "m": factual["m"]}, seed=0)
    torch.testing.assert_close(answer["a"], factual["a"] - factual["z"], rtol=0, atol=1e-5)


def test_what_is_not_reached_is_copied_or_decoded_again():
    class Lossy(Sum):
        def encode(self, x, parents):
            return super().encode(x, parents) + 1

    class Copies(NodewiseModel):
        def mechanism(self):
            return Lossy()

    class Decodes(Copies):
        waives = {"non-descendants untouched": "decodes again"}  # noqa: RUF012

    factual = data()
    copied = Copies().fit(GRAPH, factual, seed=0).counterfactual(factual, {"a": 0.0}, seed=0)
    again = Decodes().fit(GRAPH, factual, seed=0).counterfactual(factual, {"a": 0.0}, seed=0)
    assert torch.equal(copied["m"], factual["m"])
    assert copied["m"] is not factual["m"]
    torch.testing.assert_close(again["m"], factual["m"] + 1, rtol=0, atol=1e-5)


def test_vectors_and_integers_go_through_flat_and_come_back():
    values = {"v": torch.rand(9, 2, 3, dtype=torch.float64), "k": torch.arange(9)}
    model = Sums().fit(nx.DiGraph([("v", "k")]), values, seed=0)
    assert model.mechanisms["k"].task.parents.shape == (9, 6)
    sample = model.sample(4, seed=0)
    assert sample["v"].shape == (4, 2, 3)
    assert sample["k"].dtype == torch.int64
    assert model.abduct(values)["k"].shape == (9, 1)
    assert torch.equal(model.counterfactual(values, {"v": values["v"]}, seed=0)["k"], values["k"])


def test_all_nodes_of_all_problems_train_in_one_stack():
    problems = [Problem("p", s, GRAPH, data(), []) for s in range(3)]
    Sum.stacks.clear()
    models = Sums().fit_many(problems, [0, 1, 2])
    assert Sum.stacks == [6]
    assert [m.mechanisms["a"].task.seed for m in models] == [
        Sums().fit(GRAPH, data(), seed=s).mechanisms["a"].task.seed for s in range(3)
    ]


def test_what_it_refuses(model):
    with pytest.raises(ValuesError, match="training data have no rows"):
        Sums().fit(GRAPH, {v: x[:0] for v, x in data().items()}, seed=0)
    with pytest.raises(ValuesError, match=r"factual rows: 'm' has shape \(50, 1\); the model was fitted on \(n\)"):
        model.counterfactual(data() | {"m": data()["m"][:, None]}, {}, seed=0)
    with pytest.raises(ValuesError, match=r"factual rows lack the column\(s\) \['m'\]"):
        model.abduct({v: x for v, x in data().items() if v != "m"})


def test_empirical_noise_is_the_value_itself():
    x = torch.randn(10, 2, generator=torch.Generator().manual_seed(0)).double()
    root = Empirical().fit(Task(x, torch.empty(10, 0), 0))
    none = torch.empty(10, 0)
    assert torch.equal(root.decode(root.encode(x, none), none), x)
    torch.testing.assert_close(root.mean(none), x.mean(0).expand(10, 2))
