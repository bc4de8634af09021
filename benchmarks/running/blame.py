"""What an adapter raised, and what it says of itself, as a record can keep it."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from scmbench.models import CausalModel, Unsupported

from ..records.checking import COSTS, TEXTS, Checker, WrongContent, clean

TROUBLE = (Exception, SystemExit)
"""What an adapter may raise at the cost of its own records only."""

MOST_COSTS = 32
"""How many numbers of a model's own are kept with a record."""


class Told(Exception):
    """Trouble in another process, told as `blame` put it there."""

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status, self.message = status, message


def blame(error: BaseException) -> tuple[str, str]:
    """Status and message of what an adapter raised; where it is caught, since this frees what its frames hold.

    The message is what can be written anywhere, and of bounded length, whatever the adapter put into it.
    """
    if isinstance(error, Told):
        return error.status, clean(error.message)
    if isinstance(error, Unsupported):
        try:
            return "unsupported", clean(str(error))
        except Exception:  # its own __str__ fails
            return "unsupported", type(error).__name__
    traceback.clear_frames(error.__traceback__)  # whatever filled the memory hangs on them
    return "failed", clean("".join(traceback.format_exception(error)))


def waived(model: CausalModel) -> dict[str, str]:
    """What a model waives, as texts that can be written."""
    return {clean(str(name)): clean(str(why)) for name, why in model.waives.items()}


def own_cost(model: CausalModel) -> dict[str, int | float]:
    """What a model says its fit took: finite numbers, few, under names of their own. A bad `cost` costs nothing."""
    try:
        told = {clean(str(name), 100): value for name, value in list(model.cost().items())[:MOST_COSTS]}
        return costs(told)
    except TROUBLE:
        return {}


def costs(told: Mapping[str, Any]) -> dict[str, int | float]:
    """Those of the numbers that the harness has no use of its own for the name of."""
    try:
        numbers = Checker(dict(told)).numbers_only()
    except WrongContent:
        return {}
    return {name: float(x) if isinstance(x, float) else int(x) for name, x in numbers.items() if _is_free(name)}


def _is_free(name: str) -> bool:
    return name not in (*TEXTS, *COSTS, *RESERVED) and not name.endswith(("_s", "seconds", "_mb"))


RESERVED = ("dirty", "stale", "cpu_s", "wall_s", "role", "status", "notes", "key")
"""Names of columns that stand beside a model's own numbers in tables (`records.results.provenance_row`)."""
