"""Counterfactual questions about measured images, whose truth nobody knows: what judges say of the answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from scmbench.datasets import Picture, Score, Values, ValuesError
from scmbench.datasets.pictures import pictures
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import rows
from torch import Tensor

from .causal import checked
from .images import Panel
from .judges import scoring


@dataclass(frozen=True)
class ImageProxies:
    """``do(label = a)`` of measured images of another class: proxies by value, ``frechet64`` over all values.

    Attributes:
        label: The node that is the image's class.
        values: The classes.
        n: Factual rows a class.
        factual: The rows, `n` for each of the values.
        others: Measured rows, among which answers are compared with those of the class that was asked for.
        judges: The data's judges.
        image: The image.
    """

    label: str
    values: Tensor
    n: int
    factual: Values = field(repr=False)
    others: Values = field(repr=False)
    judges: Panel = field(repr=False)
    image: str = "image"
    kind: str = field(default="counterfactual", init=False)
    rung: str = field(default="counterfactual", init=False)

    def prepare(self) -> None:
        """Train or read the judges, so that no model is charged for it."""
        self.judges()

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.counterfactual(factual, do)``."""
        factual = {node: x.clone() for node, x in self.factual.items()}
        return model.counterfactual(factual, {self.label: self.target()}, seed=seed)

    def target(self) -> Tensor:
        """The class that each row is asked about."""
        return self.values.repeat_interleave(self.n)

    def score(self, answer: Values) -> Iterable[Score]:
        """One number a proxy and value, and the distance of features."""
        before = self.factual[self.image]
        x, judges = checked(answer, {self.image: before})[self.image], self.judges()
        own = self.factual[self.label]
        found = scoring.proxies(judges, x, before, target=self.target(), own=own, groups=len(self.values))
        scores = [
            Score(self.kind, name, float(s), self.label, float(a))
            for name, by_value in found.items()
            for a, s in zip(self.values, by_value, strict=True)
        ]
        whole = scoring.frechet64(judges, self.others[self.image], x)
        return [*scores, *(Score(self.kind, name, float(s[0]), self.label) for name, s in whole.items())]

    def pictures(self, answer: Values) -> list[Picture]:
        """A few rows, spread over all classes: the image as it was, and the answer."""
        return pictures(
            *(self.label, self.target(), self.image), factual=self.factual[self.image], answer=answer[self.image]
        )


def of_another_class(measured: Values, label: str, values: Tensor, n: int, *, seed: int) -> Values:
    """`n` of the measured rows for each of the `values` of `label`, drawn among those of another class.

    Raises `ValuesError` where there are fewer.
    """
    chosen = []
    for value in values.tolist():
        there = (measured[label] != value).nonzero()[:, 0]
        if len(there) < n:
            raise ValuesError(f"do({label!r} = {value}): {len(there)} measured rows have another class; {n} are wanted")
        order = torch.randperm(len(there), generator=generator(seed, "rows", label, value))
        chosen.append(there[order[:n]])
    return rows(measured, torch.cat(chosen))
