"""Sweeps: methods of a suite that differ in one number alone, such as the guidance scale of one fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .methods import Method

LEAST = 3
"""Values that make a sweep."""


@dataclass(frozen=True)
class Sweep:
    """The methods of `points`, in the order of the value of `option` in which alone they differ."""

    name: str
    option: str
    points: Sequence[tuple[float, Method]]

    @property
    def methods(self) -> list[Method]:
        """The methods, by their value."""
        return [method for _, method in self.points]


def sweeps(entries: Iterable[tuple[Method, str, Mapping[str, Any]]]) -> list[Sweep]:
    """Every sweep of at least `LEAST` values among methods, given as (label and variant, model, options).

    >>> one = [((f"s={s}", ""), "diff-scm", {"scale": s, "depth": 1.0}) for s in (0.7, 0, 2)]
    >>> [sweep] = sweeps([*one, (("other", ""), "diff-scm", {"scale": 1, "depth": 0.5})])
    >>> sweep.option, [value for value, _ in sweep.points]
    ('scale', [0.0, 0.7, 2.0])
    """
    listed = list(entries)
    numbers = dict.fromkeys(option for _, _, options in listed for option, x in options.items() if _is_number(x))
    found = []
    for option in numbers:
        groups: dict[Any, dict[float, Method]] = {}
        for method, name, options in listed:
            if _is_number(options.get(option)):
                rest = tuple(sorted((k, repr(v)) for k, v in options.items() if k != option))
                groups.setdefault((name, method[1], rest), {}).setdefault(float(options[option]), method)
        found += [
            Sweep(name, option, sorted(points.items()))
            for (name, _, _), points in groups.items()
            if len(points) >= LEAST
        ]
    return found


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool)
