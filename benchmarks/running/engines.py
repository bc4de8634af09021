"""Engines by name, with the limits that a command or a call gives them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from scmbench.datasets.errors import UserError
from scmbench.datasets.values import ValuesError
from scmbench.models.contract.checks import check_device

from ..suites.suite import Entry
from . import cluster, engine

TIME_LIMIT = engine.TIME_LIMIT

NAMES = ("pool", "inline", "dask")
"""Engines by name; see `named`."""


class LimitError(UserError, ValueError):
    """A number of workers, seconds or gigabytes that limits nothing."""


class EngineError(UserError, ValueError):
    """An engine that is given what it cannot use."""


class DeviceError(UserError, ValueError):
    """A device that PyTorch does not know, or has none of here."""


def found(device: str | None, *, scheduler: str | None = None) -> str | None:
    """The device by its name in PyTorch; ``auto`` is ``cuda`` where there is one, else ``cpu``.

    Raises `DeviceError` for a device that is not here, and for ``auto`` with a `scheduler`: its workers are elsewhere,
    and what they have is not known here.
    """
    if scheduler is not None:
        if device == "auto":
            raise DeviceError(f"device='auto' says nothing of the workers of {scheduler}: name their device")
        return device
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        check_device(device)
    except ValuesError as error:
        raise DeviceError(f"{error}, or device='auto' for what there is") from None
    return device


def elsewhere(entries: Sequence[Entry], device: str | None) -> list[str]:
    """Titles of the models that compute on the CPU whatever the `device`: they have no such option."""
    if device is None or torch.device(device).type == "cpu":
        return []
    built = [(one.title, one.build()) for one in entries]
    return [title for title, model in built if "device" not in model.execution_options & set(model.options())]


def named(
    name: str,
    *,
    workers: int,
    time_limit: float = TIME_LIMIT,
    memory_limit: float | None = None,
    device: str | None = None,
    scheduler: str | None = None,
) -> tuple[engine.Engine, int]:
    """The engine ``pool``, ``inline`` or ``dask`` with these limits, and how many processes it keeps busy.

    Of the limits, `inline` has none: it is this process. `scheduler` is the address of a Dask scheduler, for ``dask``
    alone. Raises `LimitError` for a limit that is no number above 0, `cluster.ClusterError` for a scheduler that does
    not answer, and `EngineError` for one that another engine is given.
    """
    numbers = {"workers": workers, "time_limit": time_limit, "memory_limit": memory_limit}
    for what, value in numbers.items():
        if value is not None and not (isinstance(value, int | float) and 0 < value < math.inf):
            raise LimitError(f"{what} = {value!r}; expected a number above 0")
    if scheduler is not None and name != "dask":
        raise EngineError(f"scheduler = {scheduler!r} is for the engine 'dask', not for {name!r}: --engine dask")
    if name == "inline":
        return partial(engine.inline, device=device), 1
    limits = {"time_limit": time_limit, "memory_limit": memory_limit}
    if name == "dask":
        run = partial(cluster.cluster, scheduler=scheduler, workers=workers, device=device, **limits)
        return run, cluster.width(scheduler, workers)
    return partial(engine.pool, workers=workers, device=device, **limits), workers
