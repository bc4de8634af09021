"""Random streams: every draw comes from a generator keyed by a seed and by what is drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive(seed: int, *labels: object) -> int:
    """A seed for the stream named by `labels` under `seed`: the first 63 bits of SHA-256 over their text.

    Streams of different labels are independent, so that adding a node or a query reshuffles nothing else.

    >>> derive(0, "train", "x1") == derive(0, "train", "x1"), derive(0, "train", "x1") == derive(0, "train", "x2")
    (True, False)
    """
    text = "\x1f".join([str(int(seed)), *map(str, labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *labels: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator for the stream named by `labels` under `seed`."""
    return torch.Generator(device=device).manual_seed(derive(seed, *labels))


@contextmanager
def seeded(seed: int, *labels: object) -> Iterator[None]:
    """Run torch's global CPU generator on the stream named by `labels` under `seed`; it is as before afterwards.

    For libraries that draw from the global generator and take no other.
    """
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(derive(seed, *labels))
    try:
        yield
    finally:
        torch.set_rng_state(state)
