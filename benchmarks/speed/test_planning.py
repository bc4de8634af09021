"""Planning: many models, many seeds, on an empty store."""

from __future__ import annotations

import time

import pytest
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running.estimate import estimate
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.suites.suite import parse

pytestmark = pytest.mark.benchmark(timer=time.process_time)


def planned(models: int, seeds: int, folder):
    tables = "".join(f'[[models]]\nname = "linear"\nlabel = "m{i}"\n' for i in range(models))
    text = f'protocol = "paper"\nseeds = {seeds}\ndatasets = ["dcm/random/nlin"]\n{tables}'
    todo = plan(parse(text, name="many", file="many.toml"), Store(folder))
    estimate(todo)
    return todo


@pytest.mark.parametrize(("models", "seeds"), [(3000, 1), (1, 20_000)], ids=["models", "seeds"])
def test_plan(compare, tmp_path, models, seeds):
    assert planned(models, seeds, tmp_path).to_do == models * seeds
    compare(lambda: planned(models, seeds, tmp_path), unit=f"a plan of {models:,} models, {seeds:,} seeds", rounds=3)
