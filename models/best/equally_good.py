"""equally-good: fits that no test on held-out rows tells apart, what they answer, and how far they disagree."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from scmbench.datasets.values import Values
from torch import Tensor

from ..contract.autoregressive import Autoregressive, AutoregressiveModel
from ..contract.nodewise import Mechanism
from .mirror import Twins
from .model import FAMILIES, ScmBest, candidate

NORMAL = ("diffusion", "flow", "spline")
"""The families whose noise is N(0, 1)."""


class EquallyGood(ScmBest):
    """All families of mechanisms that predict held-out rows equally well; its interval is where they disagree most.

    What a counterfactual is, no data say: mechanisms that fit equally well may answer differently. At every node,
    families are compared as `scm-best` does, and those that a paired test at 5 % does not tell from the best are fitted
    anew to all rows, `members` fits in turn, best first. Member m of the model is the m-th fit of every node; it walks
    the graph by itself, so that its answer at a node follows from its own answers above. A counterfactual is the mean
    over members.

    `interval` is the least and the greatest answer of any member, whatever the level: there is no law over fits that
    the data do not tell apart. With `mirrored`, every member has a twin in it whose noise is turned where an odd number
    of parents lies above its middle (`mirror.Mirrored`): it fits exactly as well, since its law given the parents is
    the same, and orders rows the other way round once a parent crosses its middle. A member is mirrored at all nodes or
    at none, and the twins are no part of the mean: that keeps a row's rank, as all candidates do.

    (Of a discrete node whose parents are discrete, the twin of an additive fit has nearly the law of the fit, no more.)

    The interval holds the truth where the world is one of these, and does not where a mechanism folds its noise: it is
    no bound over all that fits. `abduct` shows the noise of the fits, not of their twins.

    Gneiting, Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", JASA 2007, for the score that
    compares; Lakshminarayanan, Pritzel, Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep
    Ensembles", NeurIPS 2017, for what one family, `members` fits and no twins are.

    Options: `candidates`, of ``additive, diffusion, flow, spline``; `members`; `effort`, the share of each candidate's
    usual epochs; `roots` (`resample` or `fitted`); `mirrored`, which acts at query time.
    """

    version: ClassVar[int] = 1
    query_options: ClassVar[frozenset[str]] = frozenset({"mirrored"})
    conformance_options: ClassVar[Mapping[str, Any]] = {
        "effort": 0.004,
        "members": 2,
        "candidates": ("flow", "spline"),
    }

    def __init__(
        self,
        candidates: Sequence[str] = tuple(FAMILIES),
        members: int = 4,
        effort: float = 0.5,
        roots: str = "resample",
        mirrored: bool = True,
    ):
        super().__init__(candidates, members, effort, roots)
        if not isinstance(mirrored, bool):
            raise ValueError(f"mirrored={mirrored!r}: choose one of [True, False]")
        self.mirrored = mirrored

    def scalar(self) -> Mechanism:
        """Unfitted candidates, of which several are kept."""
        return Twins({name: candidate(name, self.effort) for name in self.candidates}, self.members, NORMAL)

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """The mean over members."""
        return {node: x.mean(1) for node, x in self._walks(factual, forced, [False], seed).items()}

    def _interval(self, factual: Values, forced: Values, level: float, *, seed: int) -> Values:
        """The least and the greatest answer of members and twins."""
        found = self._walks(factual, forced, [False, True] if self.mirrored else [False], seed)
        return {node: torch.stack([x.amin(1), x.amax(1)], 1) for node, x in found.items()}

    def _walks(self, factual: Values, forced: Values, mirrored: Sequence[bool], seed: int) -> dict[str, Tensor]:
        """What the intervention reaches, by every member, ``(n, members, *event)``; and by twins where these count."""
        walkers = [self._alone(m, mirror) for mirror in mirrored for m in range(self.members)]
        answers = [AutoregressiveModel._counterfactual(one, factual, forced, seed=seed) for one in walkers]
        return {v: torch.stack([values[v].double() for values in answers], 1) for v in self.reached(forced)}

    def _alone(self, member: int, mirrored: bool) -> EquallyGood:
        """A model whose mechanisms are this member's alone, or its twin's."""
        one = copy.copy(self)
        one.mechanisms = {node: _only(known, member, mirrored) for node, known in self.mechanisms.items()}
        return one


def _only(known: Mechanism, member: int, mirrored: bool) -> Mechanism:
    if not isinstance(known, Autoregressive):
        return known  # a root that is resampled
    one = copy.copy(known)
    one.parts = [part.only(member, mirrored=mirrored) for part in known.parts if isinstance(part, Twins)]
    return one
