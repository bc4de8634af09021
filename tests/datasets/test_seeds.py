"""Seeds: streams are fixed by their labels and independent of one another."""

from __future__ import annotations

import torch
from scmbench.datasets.seeds import derive, generator


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
