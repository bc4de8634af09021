"""Models that misbehave, for tests of the harness; importable in spawned processes."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import random
import subprocess
import sys
import time
from typing import ClassVar

import numpy as np
import torch
from scmbench import datasets, metrics
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.records.store import Store
from scmbench.models import Unsupported
from scmbench.models.bounds.oracle import Oracle
from scmbench.models.bounds.trivial import Marginal
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


# Cheats: each wants to know the truth, or to look better than it is. They answer with the truth where they find it.


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
