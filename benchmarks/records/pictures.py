"""Pictures in a record: PNGs as base64, in columns; looked at pixel by pixel before they are believed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from scmbench.datasets import Picture
from scmbench.datasets.pictures import PictureError, decode

from .checking import Checker, WrongContent

MOST = 200
"""Pictures that a record may hold."""

LONGEST = 20_000
"""Characters of one: 64 x 64 pixels of three colours that cannot be compressed are fewer."""

TEXTS = ("node", "target", "member")
IMAGES = ("factual", "answer", "truth")
COLUMNS = (*TEXTS, "value", "row", *IMAGES)


def to_columns(pictures: Sequence[Picture]) -> dict[str, list[Any]]:
    """Pictures by column, as JSON holds them."""
    return {name: [_plain(getattr(picture, name)) for picture in pictures] for name in COLUMNS}


def _plain(x: Any) -> Any:
    return to_text(x) if isinstance(x, bytes) else float(f"{x:.6g}") if isinstance(x, float) else x


def to_text(png: bytes) -> str:
    """A PNG as base64."""
    return base64.b64encode(png).decode()


def from_text(text: str) -> bytes:
    """The PNG of a text. Raises `PictureError` where it is none that scmbench writes."""
    if len(text) > LONGEST:
        raise PictureError(f"it has {len(text)} characters, more than any picture")
    try:
        png = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(f"it is no base64 ({error})") from None
    decode(png)
    return png


def from_columns(of: Checker) -> list[Picture]:
    """The pictures of a record's field. Raises `WrongContent` that names the column and the line."""
    texts = [of.texts(name) for name in TEXTS]
    values, rows = of.numbers("value", missing=True), of.get("row", list)
    if wrong := [row for row in rows if type(row) is not int or not 0 <= row < 1 << 53]:
        raise WrongContent(f"the field {of.where}.row holds {str(wrong[0])[:60]!r}, expected whole numbers from 0")
    if len(rows) > MOST:
        raise WrongContent(f"{of.where} holds {len(rows)} pictures, more than {MOST}")
    images = [_images(of, name) for name in IMAGES]
    lines = of.rows(*texts, values, rows, *images)
    return [
        Picture(node, None if value is None else float(value), row, target, factual, answer, truth, member)
        for node, target, member, value, row, factual, answer, truth in lines
    ]


def _images(of: Checker, name: str) -> list[Any]:
    found: list[Any] = []
    for i, text in enumerate(of.get(name, list)):
        if text is None and name == "truth":
            found.append(None)
            continue
        if not isinstance(text, str):
            raise WrongContent(f"the field {of.where}.{name}[{i}] is a {type(text).__name__}, expected a PNG in base64")
        try:
            found.append(from_text(text))
        except PictureError as error:
            raise WrongContent(f"the field {of.where}.{name}[{i}] is no picture: {error}") from None
    return found
