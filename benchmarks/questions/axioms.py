"""Axioms that any counterfactual image keeps, whether its truth is known or not: composition and reversibility.

Monteiro, Ribeiro, Pawlowski, Castro, Glocker, "Measuring axiomatic soundness of counterfactual image models", ICLR
2023. The factual image itself keeps both, so that they say what a method loses, and not whether it is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from scmbench.datasets import Score, Values
from scmbench.datasets.seeds import derive
from scmbench.metrics import images
from torch import Tensor

from .causal import checked, replays

PIXELS = (-0.25, 1.25)
"""Between these lie all pixels that are asked about: methods refuse an image that leaves [0, 1] by more than noise."""


@dataclass(frozen=True)
class Composition:
    """Is an image that is changed in nothing the same image? ``composition_<k>`` is the L1 distance after k cycles.

    The intervention sets all parents of the image to what they are; a model is asked again about its own answer."""

    factual: Values = field(repr=False)
    noise: Values | None = field(repr=False)
    parents: tuple[str, ...]
    image: str = "image"
    cycles: int = 10
    kind: str = field(default="composition", init=False)
    rung: str = field(default="counterfactual", init=False)

    def ask(self, model: Any, *, seed: int) -> Values:
        """The images after 1, …, `cycles` null interventions, one below the other."""
        own = {v: self.factual[v] for v in self.parents}
        now, seen = dict(self.factual), []
        for cycle in range(self.cycles):
            now = _changed(model, now, own, self.noise, seed=derive(seed, "cycle", cycle))
            seen.append(now[self.image])
            now = _shown(now, self.image)
        return {self.image: torch.cat(seen)}

    def score(self, answer: Values) -> Iterable[Score]:
        """The mean distance from the factual image after each cycle."""
        before = torch.cat([self.factual[self.image]] * self.cycles)
        distance = images.l1(before, checked(answer, {self.image: before})[self.image]).reshape(self.cycles, -1)
        return [Score(self.kind, f"composition_{k}", float(x.mean())) for k, x in enumerate(distance, start=1)]


@dataclass(frozen=True)
class Reversibility:
    """``do(node = a)``, then ``do(node = its own value)``: ``l1`` is the distance from the factual image.

    `values` has one for each factual row.
    """

    node: str
    values: Tensor = field(repr=False)
    factual: Values = field(repr=False)
    noise: Values | None = field(repr=False)
    image: str = "image"
    kind: str = field(default="reversibility", init=False)
    rung: str = field(default="counterfactual", init=False)

    def ask(self, model: Any, *, seed: int) -> Values:
        """The image after both interventions."""
        there = _changed(model, dict(self.factual), {self.node: self.values}, self.noise, seed=derive(seed, "there"))
        own, there = {self.node: self.factual[self.node]}, _shown(there, self.image)
        return {self.image: _changed(model, there, own, self.noise, seed=derive(seed, "back"))[self.image]}

    def score(self, answer: Values) -> Iterable[Score]:
        """The mean distance from the factual image."""
        before = self.factual[self.image]
        distance = images.l1(before, checked(answer, {self.image: before})[self.image])
        return [Score(self.kind, "l1", float(distance.mean()), self.node)]


def _shown(values: Values, image: str) -> Values:
    """An answer as the next question shows it: pixels that no image has are brought back to where some may be."""
    return {**values, image: values[image].clamp(*PIXELS)}


def _changed(model: Any, factual: Values, do: Mapping[str, Tensor], noise: Values | None, *, seed: int) -> Values:
    """The rows under `do`; a ceiling, which knows the truth, replays the noise of the factual rows."""
    own = {v: a.clone() for v, a in do.items()}
    if noise is not None and replays(model):
        return model.replay({v: x.clone() for v, x in noise.items()}, own)
    return model.counterfactual({v: x.clone() for v, x in factual.items()}, own, seed=seed)
