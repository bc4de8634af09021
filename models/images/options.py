"""Options of image models: presets that fill in what is not named, and checks that say what a value should be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..contract.base import Unsupported


def preset(presets: Mapping[str, Mapping[str, Any]], name: str, **named: Any) -> dict[str, Any]:
    """The preset's options, those that are named and not None instead of its own. Raises `ValueError` for its name."""
    if name not in presets:
        raise ValueError(f"preset={name!r}: choose one of {list(presets)}")
    chosen = {option: named[option] for option in named if named[option] is not None}
    return {**presets[name], **chosen}


def chosen(option: str, value: Any, choices: Sequence[Any]) -> Any:
    """`value`, one of the `choices`. Raises `ValueError` that lists them."""
    if value not in choices:
        raise ValueError(f"{option}={value!r}: choose one of {list(choices)}")
    return value


def number(option: str, value: Any, *, least: float = 0.0, most: float = math.inf) -> float:
    """`value`, a finite number within these bounds. Raises `ValueError` that says which."""
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or not least <= value <= most or value == math.inf:
        bounds = f"of at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
        raise ValueError(f"{option}={value!r}: expected a number {bounds}")
    return value


def whole(option: str, value: Any, *, least: int = 1, most: int | None = None) -> int:
    """`value`, a whole number within these bounds. Raises `ValueError` that says which."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{option}={value!r}: expected a whole number {bounds}")
    return value


def widths(channels: Any, multipliers: Any, *, of: str = "") -> tuple[int, tuple[int, ...]]:
    """A network's widths, from the options `channels` and `multipliers`, their names after the prefix `of`.

    Raises `ValueError` for what is none.
    """
    whole(f"{of}channels", channels, least=4)
    if channels % 4:
        raise ValueError(f"{of}channels={channels!r}: expected a multiple of 4")
    multipliers = tuple(multipliers) if isinstance(multipliers, list | tuple) else (multipliers,)
    if not multipliers:
        raise ValueError(f"{of}multipliers=(): a network has one level at least")
    for m in multipliers:
        whole(f"{of}multipliers", m)
    return channels, multipliers


def check_patch(who: str, shape: Sequence[int], patch: int) -> None:
    """Raises `Unsupported` for an image that `patch` does not divide."""
    if any(side % patch for side in shape[1:]):
        raise Unsupported(
            f"{who} cuts images into blocks of {patch} x {patch} pixels, which {tuple(shape)} has not: patch=1"
        )
