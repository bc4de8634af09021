"""What the commands share: consoles, and the arguments that choose a part of a suite and the results to show."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.text import Text
from scmbench.datasets import addresses
from scmbench.datasets.registry import UnknownDataset

from ..suites import suite as suites
from ..suites.suite import Entry, Suite, SuiteError
from .options import split
from .parameters import Names, Seeds
from .plain import one_line, printable

if TYPE_CHECKING:
    from ..records.store import Store

LOG_WIDTH = 160
"""Columns of what goes into a file or a CI log, which have no width of their own: tables cannot be read in 80."""


class _Plain(Console):
    """A console that leaves a closed output to `app.main`, which says so."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console(*, stderr: bool = False) -> Console:
    """A console to which nothing is markup: names, paths and messages are shown as they are."""
    plain: dict[str, Any] = {"stderr": stderr, "markup": False, "emoji": False, "highlight": False}
    made = _Plain(**plain)
    return made if made.is_terminal or "COLUMNS" in os.environ else _Plain(**plain, width=LOG_WIDTH)


console, errors = _console(), _console(stderr=True)


PATIENCE = 5.0
"""Seconds after which a command says what it is at."""


@contextmanager
def slowly(what: str) -> Iterator[None]:
    """A block that says on standard error what it is at, if it takes longer than `PATIENCE`."""
    timer = threading.Timer(PATIENCE, lambda: say((f"{what} …", "dim"), to=errors))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def counted(suite: Suite) -> str:
    """How much a suite asks for: ``about 60,000 records of 'paper'``."""
    there = set(suite.datasets)
    pairs = sum(len(there.intersection(entry.datasets or there)) for entry in suite.models)
    return f"about {pairs * len(suite.seeds):,} records of {suite.name!r}"


def say(*parts: str | tuple[str, str], to: Console | None = None) -> None:
    """A line of texts and (text, style) pairs; it is not broken, and nothing in it is markup or obeyed."""
    shown = [printable(part) if isinstance(part, str) else (printable(part[0]), part[1]) for part in parts]
    (to or console).print(Text.assemble(*shown), soft_wrap=True)


def complain(text: str) -> None:
    """One line on stderr that says what is wrong."""
    say(("error:", "red"), f" {one_line(text)}", to=errors)


_PROTOCOL = "Ask by this protocol: a name or package.module:NAME, metrics after a plus: standard+my_metrics:gap."
_MODEL = "Add a model: a registry name or package.module:Class, its options after it: my.pkg:Mine,width=64,label=mine."


_WORLD = "Add worlds, asked of every model: a name, my_worlds.py, package.module, or my_worlds.py:NAME for one of them."


def _formerly(old: str, new: str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The former name of an option, kept for one release: it works, and says what to write instead."""

    def told(context: click.Context, param: click.Parameter, value: Any) -> Any:
        if value:
            say(("note:", "yellow"), f" {old} is called {new} now; the old name goes with the next release", to=errors)
        return value

    return click.option(old, old.strip("-") + "_formerly", hidden=True, callback=told, **settings)


def choosing(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The arguments that choose (a part of) a suite; the command receives the `Suite`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.argument("suite", default=default)
        @click.option("--seeds", type=Seeds(), help="How many seeds (10), or which (0,4,7 or 3-5); default: all.")
        @click.option("--seed", "one", type=click.IntRange(0), multiple=True, help="Just this seed; repeatable.")
        @click.option("--scms", type=Names(), help="Only these SCMs, short forms allowed: chain,triangle/nadd.")
        @click.option("--add-scm", "worlds", multiple=True, metavar="WHERE", help=_WORLD)
        @click.option("--only", type=Names(), help="Only these models, by label: dcm,anm; one that is added stays.")
        @click.option("--add-model", "added", multiple=True, metavar="SPEC", help=_MODEL)
        @_formerly("--models", "--only", type=Names())
        @_formerly("--model", "--add-model", multiple=True)
        @wraps(command)
        def chosen(
            suite: str,
            seeds: Any,
            one: tuple[int, ...],
            scms: Any,
            worlds: tuple[str, ...],
            only: Any,
            added: Any,
            models_formerly: Any,
            model_formerly: Any,
            **rest: Any,
        ) -> Any:
            methods = (*(only or ()), *(models_formerly or ())) or None
            if one and seeds:
                raise click.UsageError("--seed names single seeds and --seeds many: give one of the two")
            seeds = tuple(dict.fromkeys(one)) or seeds
            whole, further = suites.load(suite), [outside(spec) for spec in (*added, *model_formerly)]
            further_scms = [name for where in worlds for name in world(where)]
            chosen = whole.narrow(seeds=seeds, scms=scms, methods=methods, added=further, worlds=further_scms)
            return command(suite=chosen, **rest)

        return chosen

    return decorate


def narrowing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments that choose (a part of) a suite and the store; the command receives the `Suite` and the `Store`."""

    @choosing("paper")
    @click.option("--protocol", metavar="NAME", help=_PROTOCOL)
    @click.option("--store", "folder", default="results/runs", show_default=True, help="Where records are kept.")
    @wraps(command)
    def narrowed(folder: str, suite: Suite, protocol: str | None, **rest: Any) -> Any:
        from ..records.store import Store

        asked = suite.under(protocol) if protocol else suite
        store = Store(folder)
        try:
            return command(store=store, suite=asked, **rest)
        finally:
            tell_refused(store)

    return narrowed


def named(suite: Suite) -> list[Entry]:
    """The models that this command line names: by ``--only``, or by ``--add-model``."""
    given = click.get_current_context().params
    if given["only"] or given["models_formerly"]:
        return [*suite.models]
    added = {outside(spec).title for spec in (*given["added"], *given["model_formerly"])}
    return [entry for entry in suite.models if entry.title in added]


def computing(suite: Suite, entries: Sequence[Entry] | None = None) -> str:
    """The command that computes (these models of) a suite, as this command line names it, narrows it and adds to it."""
    given = click.get_current_context().params
    wanted = {entry.title for entry in (suite.models if entries is None else entries)}
    words = ["scmbench", "run", str(given["suite"])]
    words += ["--seeds", ",".join(map(str, suite.seeds))] if given["seeds"] or given["one"] else []
    words += ["--scms", ",".join(given["scms"])] if given["scms"] else []
    words += [word for where in given["worlds"] for word in ("--add-scm", where)]
    if entries is not None or given["only"] or given["models_formerly"]:
        words += ["--only", ",".join(entry.title for entry in suite.models if entry.title in wanted)]
    for spec in (*given["added"], *given["model_formerly"]):
        words += ["--add-model", spec] if outside(spec).title in wanted else []
    for option, name in (("--protocol", "protocol"), ("--store", "folder")):
        ours = click.get_current_context().get_parameter_source(name) == ParameterSource.COMMANDLINE
        words += [option, str(given[name])] if ours else []
    return shlex.join(words)


def placed() -> str:
    """The words of this command line that say where records are kept, with a blank before them; empty without such."""
    context = click.get_current_context()
    told = context.get_parameter_source("folder") == ParameterSource.COMMANDLINE
    return f" --store {shlex.quote(str(context.params['folder']))}" if told else ""


def tell_refused(store: Store) -> None:
    """One line about record files that cannot be used, however many there are."""
    if store.refused:
        count, first = len(store.refused), store.refused[0]
        what = "record file counts" if count == 1 else "record files count"
        which = "" if count == 1 else "first "
        what = f"  {count} {what} as missing (a run moves damaged ones aside, .corrupt): {which}{one_line(first)}"
        say(("refused", "yellow"), what, to=errors)


def world(where: str) -> list[str]:
    """Datasets from ``--add-scm`` text. Raises `SuiteError` that says what is wrong with it."""
    try:
        return addresses.resolve(where)
    except UnknownDataset as error:
        raise SuiteError(f"--add-scm {where}: {error.args[0]}") from None


def outside(spec: str) -> Entry:
    """A suite entry from ``--add-model`` text. Raises `SuiteError` that says what is wrong with it."""
    try:
        name, options = split(spec)
        label = str(options.pop("label", name.rpartition(":")[2]))
        return Entry(name, label, str(options.pop("variant", "")), options).resolved()
    except (ValueError, TypeError) as error:
        raise SuiteError(f"--add-model {spec}: {error}") from None
