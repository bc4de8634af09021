"""Progress of a run: a bar on a terminal that moves while a batch is computed, lines in a log."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

Say = Callable[[], tuple[str, str]]
"""How long the rest may take, and what is running: ``("about 3 min left", "running: dcm (12 of 44 networks)")``."""


class Bar:
    """A bar on a terminal, what is running below it; in a log, a line at most every half minute that says what is new.

    `say` is asked by a thread now and then, so that one sees what a long batch is at: what it reads is changed in the
    block `changing` only.
    """

    def __init__(self, console: Console, total: int, say: Say):
        self.console, self.total, self.say, self.changing = console, total, say, threading.RLock()
        self.often = 1.0 if console.is_terminal else 30.0
        self._done, self._last, self._line, self._over = 0, -math.inf, "", threading.Event()
        self._bar = _TwoLines(console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("records", total=total, left="")

    def __enter__(self) -> Self:
        self._bar.start()
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        with self.changing:  # a word that is being said is said to its end
            self._bar.stop()

    def show(self, advance: int, *, last: bool) -> None:
        """Count finished records, and say where things are, where it was not said just now or is the `last` word."""
        with self.changing:
            self._done += advance
            self._bar.update(self._task, advance=advance)
            if last or self._done == self.total or time.monotonic() - self._last > self.often:
                self._show()

    def _show(self) -> None:
        self._last, (left, running) = time.monotonic(), self.say()
        if self.console.is_terminal:
            self._bar.below = running
            self._bar.update(self._task, left=left)
            return
        line = f"{self._done}/{self.total} records, {'; '.join(filter(None, (left, running)))}"
        if line != self._line:
            self._line = line
            self.console.print(Text(line))

    def _tick(self) -> None:
        while not self._over.wait(self.often):
            with self.changing:
                if self._over.is_set():
                    return
                try:
                    self._show()
                except (OSError, ValueError):  # a console that is closed: the run finds that out by itself
                    return


class _TwoLines(Progress):
    """A bar with its counts, and a line `below` it, cut where the terminal ends."""

    def __init__(self, *, console: Console, disable: bool):
        self.below = ""
        left = TextColumn("{task.fields[left]}", markup=False)
        columns = (TextColumn("records"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), left)
        super().__init__(*columns, console=console, disable=disable)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        if self.below:
            yield Text(self.below, no_wrap=True, overflow="ellipsis")
