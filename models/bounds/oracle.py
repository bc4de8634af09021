"""The oracle: what scores look like with perfect knowledge of the world."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import networkx as nx
from scmbench.datasets.density import NoDensity
from scmbench.datasets.problem import Problem
from scmbench.datasets.scm import SCM
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import Values, check_values
from torch import Tensor

from ..contract.base import CausalModel, Unsupported


class Oracle(CausalModel):
    """The structural causal model itself: its distances are what sampling alone costs, its counterfactuals are exact.

    It knows the noise of the factual rows (`replay`), which no method can infer where a mechanism is not invertible;
    `Posterior` says what can be inferred.
    """

    role = "ceiling"
    categories: ClassVar[bool] = True

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Raises `Unsupported`: an oracle is given the SCM, through `fit_problem`."""
        raise Unsupported("the oracle cannot learn from data: it needs the structural causal model of a problem")

    def fit_problem(self, problem: Problem, *, seed: int) -> Self:
        """Keep the problem's SCM. Raises `Unsupported` where the problem has none."""
        scm = known_scm(problem)
        self._own(problem.graph, problem.train)
        self.levels = {}  # the world itself may well have values that its training rows lack
        self.scm = scm
        return self

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """Fresh rows of the SCM; their noise is a stream of its own, apart from the truth's at the same seed."""
        return self.scm.sample(n, forced, seed=derive(seed, "oracle"))

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """Raises `Unsupported`: rows alone do not tell their noise; ask `replay`."""
        raise Unsupported("the oracle answers counterfactuals from the noise (`replay`), not from the factual rows")

    def _log_prob(self, x: Values) -> Tensor:
        """The density of the SCM. Raises `Unsupported` where it has none that is known."""
        try:
            return self.scm.log_prob(x)
        except NoDensity as error:
            raise Unsupported(str(error)) from None

    def saved(self) -> dict[str, Any]:
        """Raises `Unsupported`: what it knows is a program, not data."""
        raise Unsupported("the oracle holds the structural causal model itself: a program and no data")

    def _replay(self, noise: Values, forced: Values) -> Values:
        """The same noise, latent nodes included, under `do`."""
        check_values(noise, self.scm.order, what="noise")
        return self.scm.counterfactual(noise, forced)


def known_scm(problem: Problem) -> SCM:
    """The problem's SCM. Raises `Unsupported` where it has none, as with real data."""
    if problem.scm is None:
        raise Unsupported(f"{problem.name} has no known structural causal model")
    return problem.scm
