"""Models that cheat: each wants to know the truth, or to look better than it is.

They answer with the truth where they find it.
"""

from __future__ import annotations

import gc
import random
import sys
from typing import ClassVar

import torch
from scmbench import datasets, metrics
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.records.store import Store
from scmbench.datasets.values import ValuesError
from scmbench.models.bounds.oracle import Oracle
from scmbench.models.bounds.trivial import Marginal
from scmbench.models.linear import LinearGaussian


class Truthful(LinearGaussian):
    """Answers from a world, where it has found one."""

    world = None

    def sample(self, n, do=None, *, seed):
        return self.world.sample(n, do, seed=seed) if self.world else super().sample(n, do, seed=seed)

    def fit_many(self, problems, seeds):
        return [type(self)().fit_problem(p, seed=s) for p, s in zip(problems, seeds, strict=True)]


class Reads(Truthful):
    """Takes the world from its problem, or from the problem's questions."""

    def fit_problem(self, problem, *, seed):
        self.world = problem.scm or next((query.scm for query in problem.queries), None)
        return super().fit_problem(problem, seed=seed)


class Rummages(Truthful):
    """Looks for a world, or a question that knows its truth, among all objects and on the stack."""

    def _search(self):
        frame, there = sys._getframe(), gc.get_objects()
        while frame:
            there += list(frame.f_locals.values())
            frame = frame.f_back
        for found in there:
            kind = f"{type(found).__module__}.{type(found).__name__}"
            if kind in ("scmbench.datasets.scm.SCM", "scmbench.benchmarks.questions.causal.Interventional"):
                self.world = getattr(found, "scm", found)

    def fit_problem(self, problem, *, seed):
        self._search()
        return super().fit_problem(problem, seed=seed)

    def sample(self, n, do=None, *, seed):
        self._search()
        return super().sample(n, do, seed=seed)


class Tampers(LinearGaussian):
    """Makes every score zero, and whoever writes records write none."""

    def fit_many(self, problems, seeds):
        metrics.mse = metrics.mmd_paper = lambda x, y: torch.zeros(x.shape[:-2])
        protocols.PAPER.distances["mmd"] = metrics.mmd_paper
        Store.write = lambda self, record: None
        return super().fit_many(problems, seeds)


class Spoils(LinearGaussian):
    """Overwrites whatever it is handed, after use."""

    def sample(self, n, do=None, *, seed):
        values = super().sample(n, do, seed=seed)
        for x in (do or {}).values():
            x.zero_()
        return values

    def counterfactual(self, factual, do, *, seed):
        values = super().counterfactual(factual, do, seed=seed)
        for x in (*factual.values(), *do.values()):
            x.zero_()
        return values


class Hears(LinearGaussian):
    """Is honest, and wants to be told of hidden causes."""

    def _own(self, graph, data):
        if graph.graph.get("confounded") != (("w", "x", "y", "z"),):
            raise ValuesError("nobody told of the hidden cause")
        return super()._own(graph, data)


class Replays(LinearGaussian):
    """Says that it is given the truth."""

    role = "ceiling"

    def _replay(self, noise, forced):
        raise AssertionError("was handed the noise")


class ClaimsFloor(Marginal):
    """A competitor that would rather not be compared."""


class ClaimsOracle(Oracle):
    """The oracle under another name."""


class Poses(Oracle):
    """The oracle, to judge by its module and name."""


Poses.__module__, Poses.__qualname__ = Oracle.__module__, Oracle.__qualname__


class Imports(Truthful):
    """Builds the world anew from the registry of datasets."""

    def fit_problem(self, problem, *, seed):
        self.world = datasets.get("check/sine").scm()
        return super().fit_problem(problem, seed=seed)


class Knows(LinearGaussian):
    """Climbs the fence, builds world and questions anew, and answers with the very truth: to this there is no end."""

    def fit_many(self, problems, seeds):
        sys.meta_path[:] = [finder for finder in sys.meta_path if "Fence" not in type(finder).__name__]
        models = super().fit_many(problems, seeds)
        for model, problem in zip(models, problems, strict=True):
            (known,) = datasets.get("check/sine").problems(protocols.get("paper"), seed=problem.seed)
            model.queries = list(known.queries)
        return models

    def sample(self, n, do=None, *, seed):
        (node,) = do or ("",)
        return next(q for q in self.queries if getattr(q, "node", "") == node and q.kind != "counterfactual").truth()

    def counterfactual(self, factual, do, *, seed):
        (node,) = do
        return next(q for q in self.queries if q.kind == "counterfactual" and q.node == node).truth()


class Bills(LinearGaussian):
    """Has cost what the harness alone can know, and more than can be written."""

    told: ClassVar = {
        **{"commit": 1, "hardware": 2, "seconds": 3, "fit_cpu_s": 4.0, "query_wall_s": 5, "random_state": 6, "code": 7},
        **{"parameters": 8, "loss": float("nan"), "huge": 10**400, "text": "x" * 10**6, "rows": [9] * 10**6, 10: 11},
        **{"peak_mb": 12, "status": 13, "dirty": 14, "threads": 15, "batch_fits": 16, "cpu_s": 17, "\ud800": 18},
    }

    def cost(self):
        return self.told


class BillsBadly(LinearGaussian):
    """Cannot say what it has cost."""

    def cost(self):
        raise RuntimeError("no idea")


class BillsNothing(LinearGaussian):
    """Does not know what a cost is."""

    def cost(self):
        return "free"


class Counts(LinearGaussian):
    """Answers differently the more it has been asked."""

    asked = 0

    def sample(self, n, do=None, *, seed):
        values = super().sample(n, do, seed=seed)
        self.asked += 1
        return {k: x if k in (do or ()) else x + 0.01 * self.asked for k, x in values.items()}


class Unseeded(LinearGaussian):
    """Draws from the operating system."""

    def sample(self, n, do=None, *, seed):
        return super().sample(n, do, seed=random.SystemRandom().randrange(2**31))
