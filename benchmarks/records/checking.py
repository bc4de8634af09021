"""What stands in a record is looked at before it is believed: types, ranges, texts that can be written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LONGEST = 20_000
"""Characters of a message that are kept: of what an adapter says, the beginning and the end tell most."""

ENVIRONMENT = ("python", "packages", "commit", "hardware", "device")
TEXTS = (*ENVIRONMENT, "random_state", "code", "judges", "kept_answers", "scored_from")
COSTS = ("fit_wall_s", "fit_cpu_s", "query_wall_s", "query_cpu_s", "peak_mb", "threads", "batch_fits", "mechanisms")
"""Fields of a record's provenance that tables read as texts, and as numbers from 0."""

_UNWRITABLE = re.compile(r"[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class WrongContent(ValueError):
    """A field that is missing, of another type or out of its range; the message names it."""


def clean(text: str, longest: int = LONGEST) -> str:
    """A text that can be written anywhere, of bounded length.

    Lone surrogates, which no encoding has, and control characters, which a terminal would obey, are spelled out; the
    middle of a text longer than `longest` is left out, which the text then says.

    >>> clean("caf\\udce9"), clean("x" * 30, longest=10)
    ('caf\\\\udce9', 'xxxxx [… 20 characters left out …] xxxxx')
    """
    text = _UNWRITABLE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} [… {len(text) - 2 * half} characters left out …] {text[-half:]}"


def cleaned(content: Any) -> Any:
    """JSON content whose texts are all `clean`, names included."""
    if isinstance(content, str):
        return clean(content, 2 * LONGEST)  # what was cut when it was taken is not cut again
    if isinstance(content, dict):
        return {cleaned(name): cleaned(value) for name, value in content.items()}
    return [cleaned(value) for value in content] if isinstance(content, list) else content


class Checker:
    """A JSON object whose fields are asked for by type. Every method raises `WrongContent` that names the field."""

    def __init__(self, content: Any, where: str = ""):
        self.where = where
        if not isinstance(content, dict):
            raise WrongContent(f"{where or 'the whole'} is a {type(content).__name__}, expected a table")
        self.content: Mapping[str, Any] = content

    def get(self, name: str, expected: type) -> Any:
        """A field of this type."""
        if name not in self.content:
            raise WrongContent(f"the field {self._name(name)} is missing")
        value = self.content[name]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise self._wrong(name, value, f"a {expected.__name__}")
        return value

    def text(self, name: str) -> str:
        """A text."""
        return self.get(name, str)

    def count(self, name: str) -> int:
        """A whole number from 0."""
        value = self.get(name, int)
        if value < 0:
            raise self._wrong(name, value, "a number from 0")
        return value

    def one_of(self, name: str, words: Sequence[str]) -> str:
        """One of these words."""
        value = self.text(name)
        if value not in words:
            raise self._wrong(name, value, f"one of {list(words)}")
        return value

    def table(self, name: str) -> Checker:
        """An object in it."""
        return Checker(self.get(name, dict), self._name(name))

    def tables(self, name: str) -> Iterator[Checker]:
        """A list of objects in it."""
        for i, item in enumerate(self.get(name, list)):
            yield Checker(item, f"{self._name(name)}[{i}]")

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        for value in self.get(name, list):
            if not isinstance(value, str):
                raise self._wrong(name, value, "texts")
        return self.content[name]

    def numbers(self, name: str, *, missing: bool = False) -> list[Any]:
        """A list of finite numbers, or of None too where they may be `missing`."""
        for value in self.get(name, list):
            if not (_is_finite(value) or (missing and value is None)):
                raise self._wrong(name, value, "finite numbers")
        return self.content[name]

    def rows(self, *columns: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Columns as rows; all of one length."""
        if len({len(column) for column in columns}) > 1:
            raise WrongContent(f"the columns of {self.where} have the lengths {[len(c) for c in columns]}")
        return zip(*columns, strict=True)

    def all_texts(self) -> dict[str, str]:
        """The whole object, if it maps names to texts."""
        return {name: self.text(name) for name in self.content}

    def plain(self) -> dict[str, Any]:
        """The whole object, if it maps names to single values: texts, finite numbers, truth values, None."""
        for name, value in self.content.items():
            number = _is_finite(value)
            if not (value is None or isinstance(value, str | bool) or number):
                raise self._wrong(name, value, "a text, a finite number, a truth value or nothing")
            if name in TEXTS and not isinstance(value, str):
                raise self._wrong(name, value, "a text")
            if name in COSTS and not (isinstance(value, int | float) and number and value >= 0):
                raise self._wrong(name, value, "a number from 0")
        return dict(self.content)

    def numbers_only(self) -> dict[str, int | float]:
        """Those entries of the object that are finite numbers."""
        return {name: value for name, value in self.content.items() if _is_finite(value)}

    def _name(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def _wrong(self, name: str, value: Any, expected: str) -> WrongContent:
        return WrongContent(f"the field {self._name(name)} holds {clean(repr(value), 60)}, expected {expected}")


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False
