"""What every score of images demands: floating-point images ``(..., n, c, h, w)``, finite, alike."""

from __future__ import annotations

from torch import Tensor

from ..checks import MetricError, check_finite

SHAPE = "(..., n, c, h, w)"


def check_images(x: Tensor, name: str) -> Tensor:
    """The images in float64 (they travel between rooms in float32).

    Args:
        x: Images ``(..., n, c, h, w)`` of any floating-point type.
        name: How the message calls them.

    Returns:
        The same in float64.

    Raises:
        MetricError: For what is no such tensor, has no row or pixel, NaN or infinity; it names the sample and where.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise MetricError(f"{name} is {got}; expected floating-point images {SHAPE}")
    if x.ndim < 4 or 0 in x.shape:
        raise MetricError(f"{name} has shape {tuple(x.shape)}; expected {SHAPE} with at least one row and pixel")
    check_finite(x, name)
    return x.double()


def check_paired(x: Tensor, y: Tensor, *names: str) -> tuple[Tensor, Tensor]:
    """Two sets of images whose rows belong together, both in float64. Raises `MetricError` unless shapes agree."""
    a, b = check_images(x, names[0]), check_images(y, names[1])
    if a.shape != b.shape:
        raise MetricError(f"{names[0]} has shape {tuple(a.shape)}, {names[1]} {tuple(b.shape)}; expected the same")
    return a, b


def check_labels(labels: Tensor, n: int, name: str, *, classes: int | None = None) -> Tensor:
    """Class labels ``(n,)`` as int64. Raises `MetricError` for fractions, another length or one outside the classes."""
    if not isinstance(labels, Tensor) or labels.is_floating_point() or labels.is_complex():
        got = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
        raise MetricError(f"{name} is {got}; expected whole numbers (n,)")
    if labels.shape != (n,):
        raise MetricError(f"{name} has shape {tuple(labels.shape)}; expected ({n},), one a row")
    outside = (labels < 0) if classes is None else (labels < 0) | (labels >= classes)
    if outside.any():
        row = int(outside.nonzero()[0])
        allowed = "from 0" if classes is None else f"0 to {classes - 1}"
        raise MetricError(f"{name} holds {int(labels[row])} in row {row}; the classes are {allowed}")
    return labels.long()
