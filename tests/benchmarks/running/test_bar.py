"""Progress on a terminal and in a log."""

from __future__ import annotations

import io
import time

from rich.console import Console
from scmbench.benchmarks.running.bar import Bar


def wait_for(seen, seconds=20.0):
    end = time.monotonic() + seconds
    while not seen() and time.monotonic() < end:
        time.sleep(0.01)
    assert seen()


def test_a_log_tells_what_moves_within_a_batch_and_nothing_twice():
    console, words = Console(file=io.StringIO(), width=200), ["a", "a", "b"]
    bar = Bar(console, 3, lambda: ("left", words.pop(0) if len(words) > 1 else words[0]))
    bar.often = 0.01
    with bar:
        bar.show(0, last=False)
        wait_for(lambda: "0/3 records, left; b" in console.file.getvalue())
        time.sleep(0.05)
    assert console.file.getvalue().splitlines() == ["0/3 records, left; a", "0/3 records, left; b"]


def test_a_log_counts_and_has_the_last_word():
    console = Console(file=io.StringIO(), width=200)
    with Bar(console, 3, lambda: ("done", "")) as bar:
        bar.show(1, last=False)
        bar.show(1, last=False)  # just said
        bar.show(1, last=True)
    assert console.file.getvalue().splitlines() == ["1/3 records, done", "3/3 records, done"]


def test_a_terminal_shows_both_lines_within_its_width():
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with Bar(console, 8, lambda: ("about 3 min left", "running: " + "dcm (12 of 44 networks), " * 5)) as bar:
        bar.show(5, last=False)
        shown = Console(file=io.StringIO(), width=80)
        shown.print(bar._bar.get_renderable())
    first, second = shown.file.getvalue().splitlines()
    assert "5/8" in first
    assert first.rstrip().endswith("about 3 min left")
    assert second.endswith("…")
    assert max(len(first), len(second)) <= 80


def test_a_closed_log_ends_the_telling_alone():
    console = Console(file=io.StringIO())
    bar = Bar(console, 3, lambda: ("left", str(time.monotonic())))
    bar.often = 0.01
    with bar:
        console.file.close()
        time.sleep(0.1)
