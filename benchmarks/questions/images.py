"""Counterfactual questions about an image: how a fitted model is asked, and how its images are scored.

Every score is one number a group of images, never one a pixel: the error against the true image where the world is an
SCM, what can be measured back from both, and the proxies of papers, by the world's judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import networkx as nx
import torch
from scmbench import metrics
from scmbench.datasets import SCM, Picture, Score, Values, ValuesError
from scmbench.datasets.pictures import pictures
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import flatten, rows
from scmbench.metrics import images
from torch import Tensor

from .causal import Counterfactual, Interventional, checked, descendants, replays, scores_by_value
from .judges import scoring
from .judges.judges import Judges

Panel = Callable[[], Judges]
"""Gives the world's judges, which are trained when they are asked for first."""

SPARE = (2, 8, 64)
"""Candidates a wanted row, where those that have the value already are left out; more where few are left."""


@dataclass(frozen=True)
class ImageCounterfactual(Counterfactual):
    """What would the image have been under ``do(node = a)``, for `n` factual rows a value that have another one.

    Scores by value of the node: ``cf_mse``, ``cf_mae`` and ``cf_relative`` of the image, where the last is

        mean over the value's rows of (x_cf - x*)²  /  mean over all rows of (x - x*)²,

    so that doing nothing scores 1 and the oracle 0; ``rmse_parents``, the relative error of the image's scalar causes;
    what `judges` and measures say (`judges/scoring.py`): ``measured_<parent>``, ``leak_<parent>``, and for a class
    ``validity``, ``im1``, ``im2``, ``cld``, ….

    With `alone`, the model is told *all* parents of the image, at their true counterfactual values: what is then wrong
    is the image's mechanism. The query is of the kind ``counterfactual-image`` and has the errors of the image alone.

    Attributes:
        image: The image.
        label: The node that is its class; empty where there is none.
        judges: The world's judges; None leaves their scores out.
        alone: Whether the model is told all parents.
    """

    image: str = "image"
    label: str = ""
    judges: Panel | None = field(default=None, repr=False, compare=False)
    alone: bool = False

    def __post_init__(self) -> None:
        if self.alone:
            object.__setattr__(self, "kind", "counterfactual-image")

    def prepare(self) -> None:
        """Train or read the judges, so that no model is charged for it."""
        if self.judges:
            self.judges()

    @cached_property
    def _noise(self) -> Values:
        return other_rows(self.scm, self.node, self.values, self.n, seed=derive(self.seed, "factual"))

    def told(self) -> dict[str, Tensor]:
        """The intervention that the model is asked about."""
        if not self.alone:
            return self.do
        return {v: self._truth[v].clone() for v in self.scm.graph.predecessors(self.image)}

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.counterfactual(factual, do)``; a ceiling of scmbench, which knows the truth, replays the noise."""
        if replays(model):
            return model.replay(self.noise(), self.told())
        return model.counterfactual(self.factual(), self.told(), seed=seed)

    def score(self, answer: Values) -> Iterable[Score]:
        """One number an error and value."""
        given = checked(answer, self._truth)
        truth, answered, factual = (self._grouped(v[self.image]) for v in (self._truth, given, self._factual))
        found: dict[str, Tensor] = {
            "cf_mse": images.cf_mse(truth, answered),
            "cf_mae": images.cf_mae(truth, answered),
            "cf_relative": relative(truth, answered, factual),
        }
        if not self.alone:
            found |= self._parents(given)
            found |= self._judged(self.judges(), given) if self.judges else {}
        return scores_by_value(self, found)

    def pictures(self, answer: Values) -> list[Picture]:
        """A few rows, spread over all values: the image as it was, would have been, and the answer."""
        if self.alone:
            return []
        factual, truth, given = (values[self.image] for values in (self._factual, self._truth, answer))
        return pictures(self.node, self.do[self.node], self.image, factual=factual, answer=given, truth=truth)

    def _grouped(self, x: Tensor) -> Tensor:
        return x.reshape(len(self.values), self.n, *x.shape[1:])

    def _parents(self, answer: Values) -> Mapping[str, Tensor]:
        """``rmse_parents``: of the image's scalar causes that the intervention moves, where there are such."""
        moved = sorted(set(descendants(self.scm.graph, self.node)) & nx.ancestors(self.scm.graph, self.image))
        errors = [
            metrics.relative_rmse(*(flatten(v, [node]).reshape(len(self.values), self.n, -1) for v in both))
            for node in moved
            for both in [(self._truth, answer)]
        ]
        return {"rmse_parents": torch.stack(errors).mean(0)} if errors else {}

    def _judged(self, judges: Judges, answer: Values) -> Mapping[str, Tensor]:
        groups, truth, factual = len(self.values), self._truth, self._factual
        x, before = answer[self.image], factual[self.image]
        parents = list(self.scm.graph.predecessors(self.image))
        moved = {self.node, *descendants(self.scm.graph, self.node)}
        found = scoring.measured(judges, truth[self.image], x, nodes=parents, moved=moved, groups=groups)
        if self.node == self.label:
            found |= scoring.proxies(
                judges, x, before, target=self.do[self.node], own=factual[self.label], groups=groups
            )
        elif self.label and self.label not in moved:
            found |= scoring.class_kept(judges, x, factual[self.label], groups=groups)
        return found


@dataclass(frozen=True)
class ImageInterventional(Interventional):
    """Images under ``do(node = a)``, world against model: distances by value, ``frechet64`` over all of a node."""

    image: str = "image"
    judges: Panel | None = field(default=None, repr=False, compare=False)

    def prepare(self) -> None:
        """Train or read the judges, so that no model is charged for it."""
        if self.judges:
            self.judges()

    def score(self, answer: Values) -> Iterable[Score]:
        """One number a distance and value, and one of the judges' features."""
        truth, given = self._truth[self.image], checked(answer, self._truth)[self.image]
        shape = (len(self.values), self.n, -1)
        x, y = (drawn.reshape(shape).double() for drawn in (truth, given))
        found = scores_by_value(self, {name: d(x, y) for name, d in self.distances.items()})
        if self.judges:
            whole = scoring.frechet64(self.judges(), truth, given)
            found += [Score(self.kind, name, float(s[0]), self.node) for name, s in whole.items()]
        return found


def relative(truth: Tensor, answer: Tensor, factual: Tensor) -> Tensor:
    """Mean squared error of each group ``(g, n, c, h, w)``, in units of doing nothing over all groups: ``(g,)``.

    One unit for all values of a node, so that their mean is the ratio over all rows, and a value under which hardly
    anything changes has no yardstick of its own. Raises `MetricError` where the truth is the factual image everywhere.
    """
    unit = images.cf_mse(truth, factual).mean()
    if unit == 0:
        raise metrics.MetricError("the truth is the factual image in every row: the error has no unit")
    return images.cf_mse(truth, answer) / unit


def other_rows(scm: SCM, node: str, values: Tensor, n: int, *, seed: int) -> Values:
    """Noise of `n` rows for each of the `values` of `node`, in this order, whose own value is another.

    A row that has the value already is asked nothing: its true counterfactual is itself (`Composition` asks about it).
    Raises `ValuesError` where nearly all rows have the value.
    """
    for spare in SPARE:
        candidates = spare * n * len(values)
        wanted = values.repeat_interleave(spare * n, dim=0)
        other = (scm.sample_node(node, candidates, seed=seed) != wanted).reshape(len(values), -1)
        if (other.sum(1) >= n).all():
            first = other & (other.cumsum(1) <= n)
            return rows(scm.noise(candidates, seed=seed), first.flatten().nonzero()[:, 0])
    rare = values[(other.sum(1) < n).nonzero()[0, 0]].item()
    raise ValuesError(f"do({node!r} = {rare}): nearly every row has this value already; nothing would change")
