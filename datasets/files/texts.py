"""Text, JSON and TOML from files that anybody may have written: what cannot be read is told in one line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any


def text_of(path: Path, refuse: type[Exception]) -> str:
    """The text of a file in UTF-8. Raises `refuse` that names the file and the byte; an `OSError` passes."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise refuse(f"{path}: not a text in UTF-8 (byte {error.start} is {byte:#04x})") from None


def json_of(path: Path, refuse: type[Exception]) -> Any:
    """The value in a JSON file. Raises `refuse` that names the file and what is wrong; an `OSError` passes."""
    text = text_of(path, refuse)
    try:
        return json.loads(text)
    except RecursionError:
        raise refuse(f"{path}: not JSON (nested too deeply)") from None
    except ValueError as error:
        raise refuse(f"{path}: not JSON ({error})") from None


def toml_of(text: str, name: object, refuse: type[Exception]) -> dict[str, Any]:
    """The table that a text in TOML spells. Raises `refuse` that names `name`, the file, and what is wrong."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise refuse(f"{name}: not valid TOML: nested too deeply") from None
    except ValueError as error:  # a date that is none, a number of a million digits, a mistake of syntax
        raise refuse(f"{name}: not valid TOML: {error}") from None
