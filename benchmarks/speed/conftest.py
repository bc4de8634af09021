"""How a speed is measured: CPU seconds on one thread, ours and the plain counterpart in turns."""

from __future__ import annotations

import time

import pytest
import torch
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def compare(benchmark):
    """Benchmark `ours`, running `plain` before every round: a machine's speed may change twofold within an hour.

    `ours_units` and `plain_units` say how many units of work one call does; they are kept in the JSON, and all times of
    the table are per unit.
    """

    def run(ours, plain=None, *, unit, ours_units=1.0, plain_units=1.0, rounds=7, **notes):
        seconds = []

        def in_turn():
            if plain:
                start = time.process_time()
                plain()
                seconds.append(time.process_time() - start)

        ours()
        in_turn()
        seconds.clear()
        benchmark.pedantic(ours, setup=in_turn, rounds=rounds)
        benchmark.extra_info.update(
            unit=unit, ours_units=ours_units, plain_units=plain_units, plain_seconds=list(seconds), **notes
        )

    return run
