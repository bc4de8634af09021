"""Global state kept apart from an adapter's code: whatever it does to it, results depend on seeds alone."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scmbench.datasets.seeds import derive

from .output import bounded_output
from .processes import children_ended


@dataclass
class Watch:
    """What became of the global generators in a block: `touched` once code in it drew from them or reseeded them."""

    touched: bool = False


@contextmanager
def isolated(seed: int) -> Iterator[Watch]:
    """A block with Python's, NumPy's and torch's (CPU) global generators on streams of `seed`; as before afterwards.

    A model ought to draw from generators made from its seed only. One that does draw from the global ones, or reseeds
    them, gets the same numbers every time this way, and takes nothing from what runs after it; the `Watch` tells.
    What `unchanged` keeps is put back as well.
    """
    before = _state()
    random.seed(derive(seed, "random"))
    np.random.seed(derive(seed, "numpy") % 2**32)  # noqa: NPY002 - the legacy global generator is what is kept apart
    torch.default_generator.manual_seed(derive(seed, "torch"))
    start, watch = _state(), Watch()
    try:
        with unchanged():
            yield watch
    finally:
        watch.touched = not _same(_state(), start)
        _restore(before)


@contextmanager
def unchanged() -> Iterator[None]:
    """A block after which working directory, environment and torch's defaults are what they were.

    The defaults are dtype, device, thread count and whether gradients are recorded.
    """
    environment, folder = dict(os.environ), _folder()
    dtype, device, threads = torch.get_default_dtype(), torch.get_default_device(), torch.get_num_threads()
    gradients, errors = torch.is_grad_enabled(), np.geterr()
    try:
        yield
    finally:
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        if folder and _folder() != folder:
            with suppress(OSError):  # it was removed
                os.chdir(folder)
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)
        torch.set_num_threads(threads)
        torch.set_grad_enabled(gradients)
        np.seterr(**errors)


@contextmanager
def kept_apart(seed: int = 0) -> Iterator[None]:
    """A whole batch `isolated`, its output bounded, and no process left of those that were started in it."""
    with bounded_output(), children_ended(), isolated(seed):
        yield


def _folder() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _state() -> tuple[Any, Any, torch.Tensor]:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002


def _restore(state: tuple[Any, Any, torch.Tensor]) -> None:
    random.setstate(state[0])
    np.random.set_state(state[1])  # noqa: NPY002
    torch.set_rng_state(state[2])


def _same(a: tuple[Any, Any, torch.Tensor], b: tuple[Any, Any, torch.Tensor]) -> bool:
    keys, position = np.array_equal(a[1][1], b[1][1]), a[1][2:] == b[1][2:]
    return a[0] == b[0] and keys and position and torch.equal(a[2], b[2])
