"""IDX files, the format of MNIST: a magic number, the sizes, then bytes; compressed by gzip."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import torch
from torch import Tensor

from ..values import ValuesError

CLASSES = 10


def read(path: Path) -> Tensor:
    """The bytes of an IDX file in its shape, uint8.

    Its checksum is not looked at here. Raises `ValuesError` that names the file where it is not gzip, not IDX of
    unsigned bytes, or of another length than it says.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise ValuesError(f"{path} cannot be unpacked: {error}") from None
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValuesError(f"{path} is no IDX file of unsigned bytes: it begins with {content[:4].hex() or 'nothing'}")
    head = 4 + 4 * content[3]
    if len(content) < head:
        raise ValuesError(f"{path} ends within its sizes")
    shape = struct.unpack(f">{content[3]}I", content[4:head])
    if len(content) - head != torch.Size(shape).numel():
        raise ValuesError(f"{path} has {len(content) - head} bytes of content; its sizes say {shape}")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)[head:].reshape(shape)


def read_digits(images: Path, labels: Path) -> tuple[Tensor, Tensor]:
    """Images ``(n, 28, 28)``, uint8, and their classes 0 to 9, ``(n,)``, int64.

    Raises `ValuesError` as `read` does, for images of another size, for another number of labels, and for a label that
    is no class.
    """
    x, digit = read(images), read(labels).long()
    if x.ndim != 3 or x.shape[1:] != (28, 28):
        raise ValuesError(f"{images} has the shape {tuple(x.shape)}; expected images (n, 28, 28)")
    if digit.shape != x.shape[:1]:
        raise ValuesError(f"{labels} has the shape {tuple(digit.shape)}; expected a label for each of {len(x)} images")
    if (digit >= CLASSES).any():
        row = int((digit >= CLASSES).nonzero()[0])
        raise ValuesError(f"{labels}: label {int(digit[row])} in row {row} is none of the classes 0 to {CLASSES - 1}")
    return x, digit
