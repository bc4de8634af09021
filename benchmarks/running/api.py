"""From Python what the command does: run a suite, or read what there is of one, and get frames."""

from __future__ import annotations

import ast
import inspect
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from scmbench.datasets import addresses
from scmbench.datasets.errors import UserError
from scmbench.models.contract.registry import UnknownModel

from ..records import committed, staleness
from ..records.results import Results
from ..records.store import Store
from ..suites import suite as suites
from ..suites.suite import Entry, Suite
from . import edited, engines, keeping
from .beside import beside
from .planner import Trial, plan
from .run import collect, compute

STORE = "results/runs"
"""Where records are kept unless told otherwise, below the working directory."""

COMMITTED = "committed"


class NoResults(UserError, LookupError):
    """Nothing of what was asked for has been computed; the message says where it was looked for."""


def run(
    suite: str | Path | Suite,
    *,
    store: str | Path = STORE,
    seeds: int | Sequence[int] | None = None,
    scms: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    add_models: Sequence[Entry] = (),
    add_scms: Sequence[str] = (),
    protocol: str | None = None,
    workers: int | None = None,
    engine: Literal["pool", "inline", "dask"] = "pool",
    scheduler: str | None = None,
    time_limit: float | None = None,
    memory_limit: float | None = None,
    device: str | None = None,
    retry: bool = False,
    stale: bool = False,
    keep_answers: bool = False,
    quiet: bool = True,
) -> Results:
    """Compute what `suite` asks for and `store` lacks, and return all of it.

    A failed record is a row of `Results.provenance` whose status says so. Datasets whose files are missing are left
    out, and record files that are damaged computed again, each with a warning.

    Args:
        suite: A name (``scmbench list suites``), the path of a ``.toml`` file, or a `Suite`.
        store: The folder where records are kept.
        seeds: How many (10) or which ([0, 4, 7]).
        scms: Names of datasets to restrict it to, short forms allowed.
        only: Labels of models to restrict it to; those that are added stay.
        add_models: Entries to add, such as ``Entry("my.pkg:Mine", "mine")``.
        add_scms: Worlds to add, asked of every model: names, or addresses such as ``my_worlds.py``.
        protocol: Another protocol than the suite's: a name or ``package.module:NAME``, metrics after a plus.
        workers: How many processes the pool has; by default one a core.
        engine: ``pool`` runs `workers` processes, with limits; ``inline`` runs in this process, without limits;
            ``dask`` runs on a cluster, with limits. In each, a model from outside scmbench has a process of its own,
            apart from the truth.
            Processes are spawned, so that a script that uses the pool needs its ``if __name__ == "__main__":``.
        scheduler: Address of a Dask scheduler, for the engine ``dask``; without it, `workers` processes here.
        time_limit: Seconds a batch may take in the pool; by default what the suite says, else an hour.
        memory_limit: GB a process of the pool may take.
        device: Where models compute that can choose: ``cpu``, ``cuda``, ``auto``; a warning names those that cannot.
        retry: Whether failed records are computed again.
        stale: Whether records that other code made than there is now are computed again; otherwise a warning counts
            them, and the column ``stale`` of `Results.provenance` says in what the code differs.
        keep_answers: Whether all answers are kept in the store, so that a metric added by `protocol` needs no training.
        quiet: False prints progress.

    Returns:
        The results of the suite as it was restricted and added to.

    Raises:
        SuiteError: For a suite, name or label that there is not.
        StoreError: Where records cannot be written.
        DataDamaged: For a data file that is here and is not the right one.
        DeviceError: For a device that is not here.
        EngineError: For a scheduler that is given to another engine than ``dask``.
        ClusterError: For a scheduler that does not answer, or is gone before all is over.
        LimitError: For a number of workers, seconds or gigabytes that is not above 0.
        RuntimeError: For a pool in a script without that line (every process would run the script again).
    """
    if engine not in engines.NAMES:
        raise ValueError(f"engine={engine!r}; expected one of {', '.join(map(repr, engines.NAMES))}")
    if engine != "inline":
        _check_guard()
    chosen = choose(suite, seeds=seeds, scms=scms, only=only, add_models=add_models, add_scms=add_scms)
    chosen, place = chosen.under(protocol) if protocol else chosen, Store(store)
    seconds = next(t for t in (time_limit, chosen.time_limit, engines.TIME_LIMIT) if t is not None)
    processes = workers if workers is not None else os.cpu_count() or 1
    limits = {"time_limit": seconds, "memory_limit": memory_limit}
    device = engines.found(device, scheduler=scheduler)
    if here := engines.elsewhere(chosen.models, device):
        warnings.warn(f"on the CPU, not on {device!r}, for want of an option 'device': {', '.join(here)}", stacklevel=2)
    run_batches, processes = engines.named(engine, workers=processes, device=device, scheduler=scheduler, **limits)
    todo = plan(chosen, place, retry=retry, stale=stale, device=device)
    for gone in todo.missing:
        warnings.warn(f"not run: data missing: {gone.dataset}: {gone.message}", stacklevel=2)
    if todo.stale:
        what = f"{len(todo.stale)} finished record(s) were made by other code ({staleness.told(todo.stale)})"
        warnings.warn(f"{what}; stale=True computes them again", stacklevel=2)
    _warn_edited(todo.lacking, place)
    place.keeps_answers = keep_answers
    for line in keeping.lacking(todo, place):
        warnings.warn(line, stacklevel=2)
    finished = compute(todo, place, run_batches, workers=processes, console=Console(quiet=quiet))
    _warn_refused(place)
    return finished.results().of(chosen)


def load(
    suite: str | Path | Suite,
    *,
    source: str | Path = STORE,
    seeds: int | Sequence[int] | None = None,
    scms: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    add_models: Sequence[Entry] = (),
    add_scms: Sequence[str] = (),
    store: str | Path = STORE,
) -> Results:
    """What has been computed of `suite`, and nothing new; the arguments are those of `run`.

    Where `source` has nothing of a model on a world, its records are looked for in `store`, and a warning counts those
    that are in neither.

    Args:
        suite: A name (``scmbench list suites``), the path of a ``.toml`` file, or a `Suite`.
        source: The folder of a store or of a committed run, or ``committed``: the run that comes with scmbench, or lies
            beside a suite file.
        seeds: How many (10) or which ([0, 4, 7]).
        scms: Names of datasets to restrict it to, short forms allowed.
        only: Labels of models to restrict it to; those that are added stay.
        add_models: Entries to add, such as ``Entry("my.pkg:Mine", "mine")``.
        add_scms: Worlds to add, asked of every model: names, or addresses such as ``my_worlds.py``.
        store: The folder of one's own records, to stand beside those of `source`.

    Returns:
        The results that there are.

    Raises:
        NoResults: Where there is nothing of the suite.
        CommittedError: For a committed run that is damaged.
        OtherModel: Where `source` has another model under the label of one that is asked for.
    """
    chosen = choose(suite, seeds=seeds, scms=scms, only=only, add_models=add_models, add_scms=add_scms)
    folder = committed.home_of(chosen) if source == COMMITTED else Path(source)
    own, origin = Store(store), str(folder)
    if source == COMMITTED or (folder / committed.ABOUT).exists():
        results = committed.read(folder)
        origin = "the committed run" if source == COMMITTED else origin
    else:
        place = Store(folder)
        collected = collect(chosen, place)
        results = collected.results()
        _warn_refused(place)
        if place.folder == own.folder:
            _warn_edited(collected.lacking, place)
        if place.folder == own.folder:
            own = None
    if own is not None:
        found = beside(chosen, results, own, origin=origin)
        _warn_refused(own)
        for line in found.told():
            warnings.warn(line, stacklevel=2)
        results = found.results
    results = results.of(chosen)
    if results.provenance.empty:
        raise NoResults(f"{folder} has no results of {chosen.name!r} as it was asked for; run computes them")
    return results


def choose(
    suite: str | Path | Suite,
    *,
    seeds: int | Sequence[int] | None = None,
    scms: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    add_models: Sequence[Entry] = (),
    add_scms: Sequence[str] = (),
) -> Suite:
    """A suite by name, path or itself, narrowed and widened as `run` says.

    Args:
        suite: A name (``scmbench list suites``), the path of a ``.toml`` file, or a `Suite`.
        seeds: How many (10) or which ([0, 4, 7]).
        scms: Names of datasets to restrict it to, short forms allowed.
        only: Labels of models to restrict it to.
        add_models: Entries to add.
        add_scms: Worlds to add: names or addresses.

    Returns:
        The suite that is left.

    Raises:
        SuiteError: For a suite, name or label that there is not.
        TypeError: For a string where a list of names is expected.
    """
    whole = suite if isinstance(suite, Suite) else suites.load(str(suite))
    for name, value in (("scms", scms), ("only", only), ("add_scms", add_scms)):
        if isinstance(value, str):
            raise TypeError(f"{name}={value!r}; expected a list of names: [{value!r}]")
    which = range(seeds) if isinstance(seeds, int) else seeds
    worlds = [name for where in add_scms for name in addresses.resolve(where)]
    try:
        added = [entry.resolved() for entry in add_models]
    except (UnknownModel, ValueError, TypeError) as error:
        raise suites.SuiteError(f"add_models: {error}") from None
    return whole.narrow(seeds=which, scms=scms, methods=only, added=added, worlds=worlds)


def _check_guard() -> None:
    """Refuse a pool that a script starts outside ``if __name__ == "__main__":``; it would never come to work."""
    frame = inspect.currentframe()
    while frame and (frame.f_globals.get("__name__"), frame.f_code.co_name) != ("__main__", "<module>"):
        frame = frame.f_back
    if frame is None or not (script := Path(frame.f_code.co_filename)).is_file():
        return  # a notebook, or an interactive session
    guarded = any(
        isinstance(node, ast.If) and "__name__" in ast.unparse(node.test) and _spans(node, frame.f_lineno)
        for node in ast.parse(script.read_text(encoding="utf-8")).body
    )
    if not guarded:
        raise RuntimeError(
            f"{script}:{frame.f_lineno}: the pool's processes import this script; call run below "
            'if __name__ == "__main__": or with engine="inline"'
        )


def _spans(node: ast.If, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _warn_edited(lacking: Sequence[Trial], store: Store) -> None:
    if line := edited.told(lacking, store):
        warnings.warn(line, stacklevel=3)


def _warn_refused(store: Store) -> None:
    for why in store.refused:
        warnings.warn(f"a record file counts as missing: {why}", stacklevel=3)
