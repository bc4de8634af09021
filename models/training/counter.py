"""Random numbers that are a function of what they are for: the same whatever is drawn beside them, on every device."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

WORD = 0xFFFFFFFF
MULTIPLIERS, WEYL, ROUNDS = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85), 10


def philox(counter: Sequence[Tensor | int], key: Sequence[Tensor | int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Four random 32-bit words of a counter of four words and a key of two, each an int64 tensor or a number.

    Philox-4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011, section 3.3. All
    operands broadcast against each other. It computes with whole numbers alone, so that every device gives the same
    words.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        # int64 wraps and its shift keeps the sign: the mask takes the upper word of the unsigned product all the same.
        c0, c1, c2, c3 = ((p1 >> 32) & WORD) ^ c1 ^ k0, p1 & WORD, ((p0 >> 32) & WORD) ^ c3 ^ k1, p0 & WORD
        k0, k1 = (k0 + WEYL[0]) & WORD, (k1 + WEYL[1]) & WORD
    return torch.as_tensor(c0), torch.as_tensor(c1), torch.as_tensor(c2), torch.as_tensor(c3)


def uniform(word: Tensor) -> Tensor:
    """Numbers of (0, 1), float32, of 32-bit words: the middles of 2^23 equal parts of the interval."""
    return ((word >> 9).to(torch.float32) + 0.5) * 2.0**-23


def normal(first: Tensor, second: Tensor) -> Tensor:
    """A standard normal draw, float32, of two 32-bit words (Box, Muller, 1958: one of the pair that they make)."""
    return (-2 * uniform(first).log()).sqrt() * (2 * math.pi * uniform(second)).cos()


def below(word: Tensor, n: int) -> Tensor:
    """Whole numbers 0 to n - 1 of 32-bit words, uniform up to n / 2^32, int64."""
    return (word * n) >> 32


class Streams:
    """Random numbers of K networks, each keyed by its own seed: draw `draw` of row r in epoch e is a function of those.

    So what network k is trained on does not depend on which networks are trained beside it, or on how many.
    """

    def __init__(self, seeds: Sequence[int], rows: int, device: torch.device | str):
        low, high = ([(seed >> shift) & WORD for seed in seeds] for shift in (0, 32))
        self.key = tuple(torch.tensor(words, device=device)[:, None] for words in (low, high))
        self.row = torch.arange(rows, device=device)[None]

    def words(self, epoch: int, draw: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Four words ``(K, rows)`` for every row."""
        return philox((self.row, epoch, draw, 0), self.key)
