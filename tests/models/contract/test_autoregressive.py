"""Vector nodes by scalar mechanisms: what a component is given, its levels, the order of the walk."""

from __future__ import annotations

import pytest
import torch
from scmbench.models.contract.autoregressive import Autoregressive, check_options, component
from scmbench.models.contract.fields import FieldError
from scmbench.models.contract.nodewise import Mechanism, Task


class Shifted(Mechanism):
    """x = u + the sum of what it is given."""

    saves = ("updates",)
    updates: int

    def fit(self, task):
        self.updates = task.parents.shape[1]
        return self

    def encode(self, x, parents):
        return x - parents.sum(1, keepdim=True)

    def decode(self, u, parents):
        return u + parents.sum(1, keepdim=True)

    def noise(self, n, generator):
        return torch.randn(n, 1, generator=generator, dtype=torch.float64)

    def cost(self):
        return {"parameters": 1, "gradient_steps": self.updates}


X = torch.arange(12.0, dtype=torch.float64).reshape(4, 3)
PARENTS = torch.ones(4, 2, dtype=torch.float64)


def test_a_component_is_given_the_parents_and_the_components_before_it():
    task = component(Task(X, PARENTS, 7), 2)
    assert torch.equal(task.x, X[:, 2:])
    assert torch.equal(task.parents, torch.cat([PARENTS, X[:, :2]], 1))
    assert task.seed != component(Task(X, PARENTS, 7), 1).seed
    assert task.levels is None


def test_a_component_has_its_own_levels_without_padding():
    levels = torch.tensor([[0.0, torch.nan], [2.0, torch.nan], [2.0, torch.nan]])
    tasks = [component(Task(X[:, :2], PARENTS, 0, levels), k) for k in (0, 1)]
    assert tasks[0].levels is not None
    assert tasks[0].levels.tolist() == [[0], [2]]
    assert tasks[1].levels is None


def test_the_walk_is_triangular_and_undone():
    mechanism = Autoregressive(Shifted()).fit(Task(X, PARENTS, 0))
    u = mechanism.encode(X, PARENTS)
    assert u[0].tolist() == [0 - 2, 1 - 2 - 0, 2 - 2 - 0 - 1]
    assert torch.equal(mechanism.decode(u, PARENTS), X)
    drawn = mechanism.draw(PARENTS, torch.Generator().manual_seed(0))
    again = mechanism.decode(mechanism.noise(4, torch.Generator().manual_seed(0)), PARENTS)
    assert torch.equal(drawn, again)
    assert mechanism.cost() == {"parameters": 3, "gradient_steps": 4}


def test_it_is_saved_by_component():
    fields = Autoregressive(Shifted()).fit(Task(X, PARENTS, 0)).saved()
    again = Autoregressive(Shifted()).restore(fields)
    assert [part.cost()["gradient_steps"] for part in again.parts] == [2, 3, 4]
    with pytest.raises(FieldError, match="expected \\['parts'\\]"):
        Autoregressive(Shifted()).restore({})
    with pytest.raises(FieldError, match="not fitted"):
        Autoregressive(Shifted()).saved()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"whole": {"bins": 1.5}}, "bins=1.5: expected a whole number"),
        ({"whole": {"bins": True}}, "bins=True: expected a whole number"),
        ({"positive": {"lr": 0}}, "lr=0: expected a number above 0"),
        ({"positive": {"lr": "a"}}, "lr='a': expected a number above 0"),
        ({"choices": {"terms": ("x", ("a", "b"))}}, r"terms='x': choose one of \['a', 'b'\]"),
    ],
)
def test_a_bad_option_is_named(given, told):
    with pytest.raises(ValueError, match=told):
        check_options(**{"whole": {}, "positive": {}, "choices": {}, **given})
