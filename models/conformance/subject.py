"""A model under test: fitted once a world, asked the questions that it says it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from scmbench.datasets.problem import Problem
from scmbench.datasets.values import Values
from torch import Tensor

from ..contract.base import CausalModel, Unsupported
from ..contract.registry import role_of
from .worlds import Question, World, worlds

ROUNDING = 1e-6
"""What counts as the same number, in standard deviations of the node: sums in another order."""

BATCHED = 1e-3
"""The same for a network that was trained, or asked, in another batch."""


class Broken(Exception):
    """A property does not hold; the message says where, with the numbers."""


class NotApplicable(Exception):
    """A property says nothing about this model; the message says why."""


@dataclass(frozen=True)
class Property:
    """A statement about every model: `test` returns a note or None, raises `Broken` or `NotApplicable`."""

    name: str
    reason: str
    test: Callable[[Subject], str | None]


def holds(name: str, reason: str) -> Callable[[Callable[[Subject], str | None]], Property]:
    """Decorator: the function tests the property of this name, which matters for this reason."""
    return lambda test: Property(name, reason, test)


class Subject:
    """Builds the model as often as wanted, and keeps one fitted model a world."""

    def __init__(self, make: Callable[[], CausalModel]):
        self.make = make
        self.worlds = worlds()
        self.models: dict[str, CausalModel] = {}
        self.unsupported: dict[str, str] = {}
        self.crashed: dict[str, str] = {}
        for world in self.worlds:
            try:
                self.models[world.name] = self.fit(world)
            except Unsupported as error:
                self.unsupported[world.name] = str(error)
            except Exception as error:  # whatever a method's code raises is its author's to see
                self.crashed[world.name] = describe(error)
        self.answered = [(q, model) for q, model in self.declared() if _answered(q, model)]

    def fit(self, world: World, *, seed: int = 0) -> CausalModel:
        """A new model, fitted."""
        return self.make().fit_problem(self.given(world), seed=seed)

    def given(self, world: World) -> Problem:
        """What the model is given of a world: as in a run, all of it if it is a floor or a ceiling of scmbench."""
        return world.problem.shown() if role_of(type(self.make())) == "method" else world.problem

    @property
    def knows_the_world(self) -> bool:
        """Whether it is a ceiling of scmbench, which answers from the world itself."""
        return role_of(type(self.make())) == "ceiling"

    def fitted(self) -> list[tuple[World, CausalModel]]:
        """The worlds that could be learned, with their models. Raises `NotApplicable` where there is none."""
        if not self.models:
            raise NotApplicable("it could be fitted to none of the worlds")
        return [(world, self.models[world.name]) for world in self.worlds if world.name in self.models]

    def declared(self) -> Iterator[tuple[Question, CausalModel]]:
        """The questions about the worlds it could learn, of the kinds that it declares."""
        for world in self.worlds:
            model = self.models.get(world.name)
            for question in world.questions():
                if model is not None and question.kind in model.answers:
                    yield question, model

    def questions(self, *kinds: str, world: World | None = None) -> list[tuple[Question, CausalModel]]:
        """The declared questions that it answers completely, all or of some kinds or one world.

        Unsupported, crashed and incomplete ones are told by properties of their own. Raises `NotApplicable` for none.
        """
        asked = [(q, m) for q, m in self.answered if (not kinds or q.kind in kinds) and world in (None, q.world)]
        if not asked:
            raise NotApplicable(f"it answers no {' or '.join(kinds) or 'declared'} question")
        return asked


def incomplete(answer: object, question: Question) -> str | None:
    """What an answer lacks: all nodes, finite float64 (or integer) tensors of the rows' shape on the CPU; or None."""
    nodes = sorted(question.factual)
    if not isinstance(answer, Mapping):
        return f"the answer is a {type(answer).__name__}; expected a dict of node to tensor"
    if set(answer) != set(nodes):
        return f"the answer has the nodes {sorted(answer)}; expected {nodes}"
    for node, like in question.factual.items():
        x = answer[node]
        if not isinstance(x, Tensor):
            return f"{node!r} is a {type(x).__name__}; expected a torch.Tensor"
        if x.shape != like.shape:
            return f"{node!r} has shape {tuple(x.shape)}; expected {tuple(like.shape)}"
        if x.dtype != like.dtype or x.device.type != "cpu" or x.requires_grad:
            gradients = " with gradients" if x.requires_grad else ""
            return f"{node!r} is {x.dtype} on {x.device}{gradients}; expected {like.dtype} on cpu"
        if not torch.isfinite(x).all():
            return f"{node!r} has {int((~torch.isfinite(x)).sum())} NaN or infinite entries of {x.numel()}"
    return None


def _answered(question: Question, model: CausalModel) -> bool:
    try:
        return incomplete(question.ask(model), question) is None
    except Exception:
        return False


def describe(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}"


def deviation(got: Tensor, wanted: Tensor, scale: Tensor) -> Tensor:
    """``|got - wanted|`` in standard deviations, the worst component of each row: ``(n,)``."""
    return ((got.double() - wanted.double()).abs() / scale).reshape(len(got), -1).amax(1)


def compare(got: Values, wanted: Values, scale: Mapping[str, Tensor], tolerance: float) -> str | None:
    """What differs by more than `tolerance` standard deviations, told by its worst row; None where all agree."""
    for node in wanted:
        off = deviation(got[node], wanted[node], scale[node])
        if not bool((off <= tolerance).all()):
            row = int(off.argmax())
            return (
                f"{node!r} differs in {int((off > tolerance).sum())} of {len(off)} rows, most in row {row}: "
                f"{show(got[node][row])} instead of {show(wanted[node][row])} "
                f"({float(off[row]):.2g} standard deviations; {tolerance:g} allowed)"
            )
    return None


def show(x: Tensor) -> str:
    """A value for a message: numbers in full, of a vector the first four."""
    numbers = [f"{a:.12g}" for a in x.double().flatten()[:4].tolist()]
    return numbers[0] if x.ndim == 0 else f"[{', '.join(numbers)}{', ...' if x.numel() > 4 else ''}]"
