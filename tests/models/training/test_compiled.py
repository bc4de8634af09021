"""Compiled training gives the same numbers whether it was compiled just now or found in numba's cache."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, torch
from scmbench import models
from scmbench.datasets import SCM

world = SCM({"a": lambda u: u, "b": lambda u, a: a**2 + u, "c": lambda u, a, b: a + b + u})
rows = world.sample(2000, seed=0)
for name in ("dcm", "vaca", "carefl"):
    model = models.load(name)(epochs=5).fit(world.graph, rows, seed=0)
    answer = model.counterfactual({v: x[:5] for v, x in rows.items()}, {"a": 0.0}, seed=1)
    print(name, hashlib.sha256(answer["c"].double().numpy().tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_a_fresh_compilation_and_the_cache_train_alike(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    first, second = (
        subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert len(first.stdout.splitlines()) == 3
    assert first.stdout == second.stdout
