"""Global state kept apart from an adapter's code: whatever it does to it, results depend on seeds alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scmbench.datasets.seeds import derive


@dataclass
class Watch:
    """What became of the global generators in a block: `touched` once code in it drew from them or reseeded them."""

    touched: bool = False


@contextmanager
def isolated(seed: int) -> Iterator[Watch]:
    """A block with Python's, NumPy's and torch's (CPU) global generators on streams of `seed`; as before afterwards.

    A model ought to draw from generators made from its seed only. One that does draw from the global ones, or reseeds
    them, gets the same numbers every time this way, and takes nothing from what runs after it; the `Watch` tells.
    torch's default dtype and thread count are put back as well.
    """
    before, dtype, threads = _state(), torch.get_default_dtype(), torch.get_num_threads()
    random.seed(derive(seed, "random"))
    np.random.seed(derive(seed, "numpy") % 2**32)  # noqa: NPY002 - the legacy global generator is what is kept apart
    torch.default_generator.manual_seed(derive(seed, "torch"))
    start, watch = _state(), Watch()
    try:
        yield watch
    finally:
        watch.touched = not _same(_state(), start)
        _restore(before)
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)


def _state() -> tuple[Any, Any, torch.Tensor]:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002


def _restore(state: tuple[Any, Any, torch.Tensor]) -> None:
    random.setstate(state[0])
    np.random.set_state(state[1])  # noqa: NPY002
    torch.set_rng_state(state[2])


def _same(a: tuple[Any, Any, torch.Tensor], b: tuple[Any, Any, torch.Tensor]) -> bool:
    keys, position = np.array_equal(a[1][1], b[1][1]), a[1][2:] == b[1][2:]
    return a[0] == b[0] and keys and position and torch.equal(a[2], b[2])
