"""Models that misbehave, for tests of the harness; importable in spawned processes."""

from __future__ import annotations

import os
import time

import torch
from scmbench.models import Unsupported
from scmbench.models.linear import LinearGaussian


class Raises(LinearGaussian):
    """Cannot be fitted to data whose seed is 1; its mates are fine."""

    def fit_problem(self, problem, *, seed):
        if problem.seed == 1:
            raise RuntimeError("no luck with seed 1")
        return super().fit_problem(problem, seed=seed)

    def fit_many(self, problems, seeds):
        return [type(self)().fit_problem(p, seed=s) for p, s in zip(problems, seeds, strict=True)]


class Declines(LinearGaussian):
    """Says that it does not support the problem."""

    def fit_many(self, problems, seeds):
        raise Unsupported("no graphs of this kind")


class Hangs(LinearGaussian):
    """Never returns from fit."""

    def fit_many(self, problems, seeds):
        time.sleep(3600)
        return []


class Dies(LinearGaussian):
    """Takes its whole process along."""

    def fit_many(self, problems, seeds):
        os._exit(7)


class Wrong(LinearGaussian):
    """Answers interventional queries in the wrong shape and counterfactual ones with NaN."""

    def sample(self, n, do=None, *, seed):
        values = super().sample(n, do, seed=seed)
        return {k: x[:-1] for k, x in values.items()} if do else values

    def counterfactual(self, factual, do, *, seed):
        values = super().counterfactual(factual, do, seed=seed)
        return {k: torch.full_like(x, float("nan")) for k, x in values.items()}
