"""Fixed points row by row: how the steps of a learned flow or diffusion are inverted exactly."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

TOLERANCE, ITERATIONS = 1e-6, 30
"""The iteration stops when no row moves by more than `TOLERANCE` of max(1, |z|), or after `ITERATIONS`."""


def fixed_point(step: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """The ``z (n, d)`` with ``step(z) = z``, row by row, by Anderson acceleration with one step of memory.

    Anderson, "Iterative procedures for nonlinear integral equations", 1965; with d = 1 it is the secant method, which
    does not need `step` to contract. Stops at `TOLERANCE` or after `ITERATIONS` evaluations.
    """
    before, moved = z, step(z) - z
    z = z + moved
    for _ in range(ITERATIONS - 1):
        if bool(_still(moved, z).all()):
            break
        last, moved = moved, step(z) - z
        before, z = z, _accelerated(before, z, last, moved)
    return z


def settled(step: Callable[[Tensor], Tensor], z: Tensor, evaluations: int) -> tuple[Tensor, Tensor]:
    """`fixed_point` after so many evaluations ``(n, d)``, and which rows moved no more, ``(n,)``.

    Nothing of it depends on a number, so that a GPU need not wait for the program. A row that has settled stays.
    """
    before, moved = z, step(z) - z
    z = z + moved
    for _ in range(evaluations - 1):
        still = _still(moved, z).all(1, keepdim=True)
        last, now = moved, step(z) - z
        before, z = z, z.where(still, _accelerated(before, z, last, now))
        moved = moved.where(still, now)
    return z, _still(moved, z).all(1)


def _still(moved: Tensor, z: Tensor) -> Tensor:
    return moved.abs() <= TOLERANCE * z.abs().clamp(min=1)


def _accelerated(before: Tensor, z: Tensor, last: Tensor, moved: Tensor) -> Tensor:
    change = moved - last
    theta = (moved * change).sum(1, keepdim=True) / change.square().sum(1, keepdim=True).clamp(min=1e-30)
    return z + moved - theta * (z - before + change)
