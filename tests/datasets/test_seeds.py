"""Seeds: streams are fixed by their labels and independent of one another."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from scmbench.datasets.seeds import derive, generator, seeded


def test_streams_are_pinned():
    assert derive(0, "train", "x1") == 2904787144656515309


def test_labels_are_kept_apart():
    seeds = [derive(0), derive(1), derive(0, "ab", "c"), derive(0, "a", "bc"), derive(0, "abc"), derive(0, "c", "ab")]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_generators_repeat_and_differ():
    draw = lambda *labels: torch.rand(5, generator=generator(3, *labels)).tolist()  # noqa: E731
    assert draw("a") == draw("a")
    assert draw("a") != draw("b")


GLOBAL = {"torch": lambda: float(torch.rand(())), "numpy": lambda: float(np.random.rand()), "random": random.random}  # noqa: NPY002


@pytest.mark.parametrize("draw", GLOBAL.values(), ids=GLOBAL)
def test_global_generators_are_on_a_stream_of_the_seed_and_then_as_before(draw):
    def drawn(*labels):
        with seeded(*labels):
            return draw(), draw()

    draw()
    state = random.getstate(), torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    first = drawn(0, "a")
    after = draw()
    random.setstate(state[0]), torch.set_rng_state(state[1]), np.random.set_state(state[2])  # noqa: NPY002
    assert draw() == after, "as if nothing had been drawn"
    assert drawn(0, "a") == first
    assert len({first, drawn(0, "b"), drawn(1, "a")}) == 3


def test_the_stream_of_torch_is_the_one_it_was():
    with seeded(3, "weights"):
        assert torch.rand(4).tolist() == torch.rand(4, generator=generator(3, "weights")).tolist()
