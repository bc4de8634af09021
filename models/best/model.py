"""scm-best: at every node the family of mechanisms that predicts held-out rows best, an ensemble of its fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..contract import registry
from ..contract.autoregressive import AutoregressiveModel, check_options
from ..contract.nodewise import Mechanism, NodewiseModel
from .chosen import OF_PARENTS, Chosen

FAMILIES: Mapping[str, tuple[str, Mapping[str, Any], int]] = {
    "additive": ("anm", {"variant": "corrected", "rule": "modern"}, 0),
    "diffusion": ("dcm", {"variant": "corrected"}, 500),
    "flow": ("flow-matching", {}, 100),
    "spline": ("nsf", {}, 150),
}
"""Candidates by name: the method whose mechanism each is, that method's options, and its usual epochs (0: has none)."""


def candidate(name: str, effort: float) -> Mechanism:
    """The unfitted mechanism of a candidate, trained for a share of its method's usual epochs."""
    method, options, epochs = FAMILIES[name]
    trained = {"epochs": max(1, round(epochs * effort))} if epochs else {}
    model = registry.load(method)(**options, **trained)  # by its name: a method imports no other one
    assert isinstance(model, NodewiseModel)
    return model.mechanism()


class ScmBest(AutoregressiveModel):
    """At every node the family of mechanisms that predicts held-out rows best, and an ensemble of its fits.

    No family of mechanisms is best everywhere: an additive model has nothing to learn of noise where noise is added, a
    flow keeps ranks where it is not. Each candidate is fitted to four fifths of the training rows and scored on the
    rest by its energy score (Gneiting, Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", JASA
    2007). Those that a paired test at 5 % does not tell from the best are fitted anew to all rows, `members` fits in
    turn, best first. Samples come from one member by chance a row; a counterfactual is the mean of the members', each
    of which replays the factual row. All candidates rise with their noise (or add it), so that each keeps a row's rank,
    and so does their mean.

    The choice is made by rung 1 alone: it cannot see what no observation shows (a mirror world, `violations/*`).
    Components of a vector are taken in turn, each given those before it; discrete nodes are numbers on a line.

    Options: `candidates`, of ``additive, diffusion, flow, spline``; `members`; `effort`, the share of each candidate's
    usual epochs; `roots` (`resample` or `fitted`).
    """

    version: ClassVar[int] = 1
    made_of: ClassVar[tuple[str, ...]] = tuple(method for method, _, _ in FAMILIES.values())
    conformance_options: ClassVar[Mapping[str, Any]] = {
        "effort": 0.004,
        "members": 2,
        "candidates": ("additive", "flow"),
    }

    def __init__(
        self,
        candidates: Sequence[str] = tuple(FAMILIES),
        members: int = 3,
        effort: float = 1.0,
        roots: str = "resample",
    ):
        check_options(
            whole={"members": members},
            positive={"effort": effort},
            choices={"roots": (roots, ("resample", "fitted"))},
        )
        if isinstance(candidates, str) or not candidates or not set(candidates) <= set(FAMILIES):
            raise ValueError(f"candidates={candidates!r}: choose one or more of {sorted(FAMILIES)}")
        if roots == "fitted" and set(candidates) <= OF_PARENTS:
            why = "a root has no parents to regress on; add a family, or leave out roots='fitted'"
            raise ValueError(f"candidates={tuple(candidates)}: {why}")
        self.candidates, self.members, self.effort, self.roots = tuple(candidates), members, effort, roots

    def scalar(self) -> Mechanism:
        """An unfitted ensemble of the candidates."""
        return Chosen({name: candidate(name, self.effort) for name in self.candidates}, self.members)
