"""Random streams: every draw comes from a generator keyed by a seed and by what is drawn."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
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


def chances(rows: torch.Tensor, seed: int, *labels: object) -> torch.Tensor:
    """A number in (0, 1) for every row of ``rows (n, d)``, ``(n,)``: of `seed`, `labels` and that row's own numbers.

    For a choice a row that does not depend on the rows beside it; rows that are equal get the same number.

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])
    >>> first, second, third = chances(x, 0, "x1").tolist()
    >>> first == third, first == second, 0 < first < 1
    (True, False, True)
    """
    wide = (rows.double() + 0.0).numpy()  # -0 is 0
    drawn = [(derive(seed, *labels, row.tobytes().hex()) + 0.5) / 2**63 for row in wide]
    return torch.tensor(drawn, dtype=torch.float64).clamp(2.0**-53, 1 - 2.0**-53)


@contextmanager
def seeded(seed: int, *labels: object) -> Iterator[None]:
    """Run the global generators on streams named by `labels` under `seed`; they are as before afterwards.

    For libraries that draw from a global generator and take no other: torch's on the CPU, NumPy's (``np.random.rand``)
    and Python's (``random.random``).

    >>> import random
    >>> with seeded(0, "weights"):
    ...     first = random.random(), float(np.random.rand()), float(torch.rand(()))
    >>> with seeded(0, "weights"):
    ...     first == (random.random(), float(np.random.rand()), float(torch.rand(())))
    True
    """
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    stream = derive(seed, *labels)
    torch.default_generator.manual_seed(stream)
    np.random.seed(derive(stream, "numpy") % 2**32)  # noqa: NPY002 (a library's draws are from there)
    random.seed(derive(stream, "random"))
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])
