"""Models that misbehave, for tests of the harness; importable in spawned processes."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import random
import subprocess
import sys
import time
from typing import ClassVar

import numpy as np
import torch
from scmbench.models import Unsupported
from scmbench.models.dcm import DCM
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


class Quits(LinearGaussian):
    """Believes that it is a script."""

    def fit_many(self, problems, seeds):
        sys.exit(0)


class Hogs(LinearGaussian):
    """Needs 8 GB to be fitted to data whose seed is 1 (and gives up there, for machines without limits)."""

    def fit_problem(self, problem, *, seed):
        if problem.seed == 1:
            hoard = []
            for _ in range(128):
                hoard.append(np.ones(8_000_000))
            raise AssertionError("no limit was in force")
        return super().fit_problem(problem, seed=seed)

    def fit_many(self, problems, seeds):
        return [type(self)().fit_problem(p, seed=s) for p, s in zip(problems, seeds, strict=True)]


class Draws(LinearGaussian):
    """Draws from the global generators in fit and in its answers, where it has a seed to make its own from."""

    def fit_problem(self, problem, *, seed):
        super().fit_problem(problem, seed=seed)
        self.shift = random.random() + float(np.random.rand()) + float(torch.rand(()))  # noqa: NPY002
        return self

    def fit_many(self, problems, seeds):
        return [type(self)().fit_problem(p, seed=s) for p, s in zip(problems, seeds, strict=True)]

    def sample(self, n, do=None, *, seed):
        values = super().sample(n, do, seed=seed)
        return {k: x if k in (do or ()) else x + self.shift + torch.rand(n) for k, x in values.items()}


class Reseeds(LinearGaussian):
    """Reseeds the global generators and leaves other defaults behind, as scripts do."""

    def sample(self, n, do=None, *, seed):
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        torch.manual_seed(0)
        torch.set_default_dtype(torch.float64)
        return super().sample(n, do, seed=seed)


class Diverges(DCM):
    """DCM whose data of seed 1 hold a number that no training survives; its mates train in the same stack."""

    conformance_options: ClassVar = {}

    def _tasks(self, graph, data, *, seed):
        tasks = super()._tasks(graph, data, seed=seed)
        if seed in self.poisoned:
            for task in tasks.values():
                task.x[0] = float("inf")
        return tasks

    def fit_many(self, problems, seeds):
        self.poisoned = [seed for problem, seed in zip(problems, seeds, strict=True) if problem.seed == 1]
        return super().fit_many(problems, seeds)


class Wanders(LinearGaussian):
    """Leaves another working directory, environment, device and dtype behind, and prints without end."""

    def fit_many(self, problems, seeds):
        os.environ["SCMBENCH_ROGUE"] = "was here"
        os.environ.pop("HOME", None)
        os.chdir("/")
        torch.set_default_device("meta")
        torch.set_num_threads(3)
        torch.set_grad_enabled(False)
        sys.stdout.write("x" * 3_000_000)
        with torch.device("cpu"):
            return [type(self)().fit_problem(p, seed=s) for p, s in zip(problems, seeds, strict=True)]


class Floods(LinearGaussian):
    """Prints megabytes where Python does not see it: from C, past its streams, and from a process that it starts."""

    def fit_many(self, problems, seeds):
        sys.stdout.flush()
        for _ in range(300):
            os.write(1, b"w" * 10_000)
        libc = ctypes.PyDLL(None)  # which holds the interpreter while it prints
        for _ in range(300):
            libc.printf(b"%10000d", 1)
        subprocess.run(["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' e >&2"], check=True)
        return [type(self)().fit_problem(p, seed=s) for p, s in zip(problems, seeds, strict=True)]


class Mumbles(LinearGaussian):
    """Fails with a message that no encoding has, megabytes long."""

    def fit_many(self, problems, seeds):
        raise RuntimeError("\ud800 \x1b[2J" + "m" * 3_000_000)


class Breeds(LinearGaussian):
    """Starts processes that outlive it, one of them nobody's child."""

    def fit_many(self, problems, seeds):
        subprocess.Popen(["sleep", "86399"])
        subprocess.run(["sh", "-c", "sleep 86399 &"], check=True)
        return super().fit_many(problems, seeds)


class BreedsAndHangs(LinearGaussian):
    """Starts processes, in a session of its own, without environment, forked, nobody's child, and never returns."""

    def fit_many(self, problems, seeds):
        subprocess.Popen(["sleep", "86397"], env={"PATH": os.environ["PATH"]})
        subprocess.Popen(["sleep", "86397"], start_new_session=True)
        subprocess.run(["sh", "-c", "sleep 86397 &"], check=True)
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(86397,)).start()
        time.sleep(86397)
        return []


class BreedsAndDies(Breeds):
    """The same, and takes its worker along."""

    def fit_many(self, problems, seeds):
        super().fit_many(problems, seeds)
        os._exit(7)
