"""Pictures: a few images of an answer, small enough to be kept with its scores, as PNG.

The encoder and the decoder know one kind of PNG, 8 bits of grey or of red, green and blue, and no other: what is read
from a file that somebody may have edited has a bounded size, and is refused in one line where it is anything else.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

SIDE = 64
"""Pixels a side that are kept; a larger image is shrunk."""

COUNT = 8
"""Pictures that a question keeps of an answer."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {1: 0, 3: 2}
"""PNG's colour type by channels: grey, and red, green and blue."""


class PictureError(ValueError):
    """What is no picture: the message says why."""


@dataclass(frozen=True)
class Picture:
    """One image of an answer under ``do(node = value)``, as PNG.

    Attributes:
        node: The node that is intervened on.
        value: What it is set to; None where that is no single number.
        row: Which row of the question it is, so that the answers of several methods can be put side by side.
        target: The node that is the image.
        factual: The image as it was.
        answer: The model's counterfactual.
        truth: The true counterfactual; None where it is not known.
        member: The part of a problem that has several.
    """

    node: str
    value: float | None
    row: int
    target: str
    factual: bytes
    answer: bytes
    truth: bytes | None = None
    member: str = ""


def pictures(
    node: str,
    values: Tensor,
    target: str,
    *,
    factual: Tensor,
    answer: Tensor,
    truth: Tensor | None = None,
    rows: Sequence[int] | None = None,
) -> list[Picture]:
    """Pictures of some rows of an answer: the given ones, else `COUNT`, spread evenly.

    Args:
        node: The node that is intervened on.
        values: What it is set to in each row, ``(n,)``.
        target: The node that is the image.
        factual: The images as they were, ``(n, c, h, w)``, in [0, 1].
        answer: The model's answers.
        truth: The true ones, where they are known.
        rows: The rows to keep.

    Returns:
        The pictures.

    Raises:
        PictureError: As `encode` raises it.
    """
    n = len(values)
    chosen = range(0, n, max(n // COUNT, 1)) if rows is None else rows
    return [
        Picture(
            *(node, float(values[i]) if values.ndim == 1 else None, int(i), target),
            factual=encode(factual[i]),
            answer=encode(answer[i]),
            truth=None if truth is None else encode(truth[i]),
        )
        for i in (chosen[:COUNT] if rows is None else chosen)
    ]


def encode(x: Tensor) -> bytes:
    """An image ``(1, h, w)`` or ``(3, h, w)`` as PNG: [0, 1] in 256 steps, what lies beyond clamped.

    Sides above `SIDE` pixels are shrunk to it by averaging. The same image gives the same bytes.

    Args:
        x: The image.

    Returns:
        The PNG.

    Raises:
        PictureError: For another shape, no pixel, or NaN.
    """
    if x.ndim != 3 or x.shape[0] not in _COLOURS or 0 in x.shape:
        raise PictureError(f"an image of shape {tuple(x.shape)} is no picture; expected (1, h, w) or (3, h, w)")
    x = x.detach().float()
    if not x.isfinite().all():
        raise PictureError("an image with NaN or infinity is no picture")
    if max(x.shape[1:]) > SIDE:
        shrink = SIDE / max(x.shape[1:])
        size = [max(1, round(side * shrink)) for side in x.shape[1:]]
        x = F.interpolate(x[None], size=size, mode="area")[0]
    c, h, w = x.shape
    steps = (255 * x.clamp(0, 1)).round().to(torch.uint8).permute(1, 2, 0).reshape(h, w * c)
    lines = F.pad(steps, (1, 0))  # each line begins with 0: it is written as it is
    header = struct.pack(">IIBBBBB", w, h, 8, _COLOURS[c], 0, 0, 0)
    content = zlib.compress(lines.contiguous().numpy().tobytes(), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", content) + _chunk(b"IEND", b"")


def decode(png: bytes) -> Tensor:
    """What `encode` wrote, ``(1, h, w)`` or ``(3, h, w)``, float32 in [0, 1].

    Args:
        png: The PNG.

    Returns:
        The image.

    Raises:
        PictureError: For anything else, another kind of PNG included.
    """
    if png[:8] != _SIGNATURE:
        raise PictureError("it does not begin as a PNG does")
    chunks, place = [], 8
    while place < len(png) and len(chunks) < 4:
        if len(png) - place < 12:
            raise PictureError("it is cut off")
        (size,) = struct.unpack_from(">I", png, place)
        chunk = png[place + 4 : place + 8 + size]
        if len(chunk) < 4 + size or png[place + 8 + size : place + 12 + size] != struct.pack(">I", zlib.crc32(chunk)):
            raise PictureError("it is cut off, or a checksum differs")
        chunks.append((chunk[:4], chunk[4:]))
        place += 12 + size
    if [name for name, _ in chunks] != [b"IHDR", b"IDAT", b"IEND"] or len(chunks[0][1]) != 13:
        raise PictureError(f"it has the parts {[name.decode('latin-1') for name, _ in chunks]}, not IHDR, IDAT, IEND")
    w, h, *kind = struct.unpack(">IIBBBBB", chunks[0][1])
    channels = next((c for c, colour in _COLOURS.items() if kind == [8, colour, 0, 0, 0]), 0)
    if not channels:
        raise PictureError(f"it is a PNG of another kind ({kind}); expected 8 bits of grey, or of red, green and blue")
    if not (0 < w <= SIDE and 0 < h <= SIDE):
        raise PictureError(f"it has {w} x {h} pixels; expected at most {SIDE} a side")
    size = h * (1 + w * channels)
    try:
        reader = zlib.decompressobj()
        content = reader.decompress(chunks[1][1], size + 1)
    except zlib.error as error:
        raise PictureError(f"its pixels cannot be unpacked ({error})") from None
    if len(content) != size or not reader.eof:
        raise PictureError(f"its pixels are not {w} x {h}")
    lines = torch.frombuffer(bytearray(content), dtype=torch.uint8).reshape(h, -1)
    if lines[:, 0].any():
        raise PictureError("its lines are filtered")
    return lines[:, 1:].reshape(h, w, channels).permute(2, 0, 1).float() / 255


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
