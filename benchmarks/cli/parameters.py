"""Types of what options take: seeds, parts of the work, names."""

from __future__ import annotations

from typing import Any

import click

from ..suites.reader import MOST_SEEDS

MOST_SHARDS = 100_000
"""Parts of a run; an array of jobs is shorter."""


class Seeds(click.ParamType):
    """``10`` is seeds 0 to 9, ``0,4,7`` and ``3-5`` are those seeds."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The seeds that the text names."""
        try:
            if value.isdigit():
                ranges = [range(int(value))]
            else:
                parts = [part.partition("-") for part in value.split(",")]
                ranges = [range(int(a), int(b if dash else a) + 1) for a, dash, b in parts]
        except ValueError:
            self.fail(f"{value!r}: write a count (10), a list (0,4,7) or a range (3-5)", param, ctx)
        if sum(max(r.stop - r.start, 0) for r in ranges) > MOST_SEEDS:
            self.fail(f"{value!r} names more than {MOST_SEEDS:,} seeds", param, ctx)
        seeds = dict.fromkeys(seed for r in ranges for seed in r)  # each once
        if not seeds:
            self.fail(f"{value!r} is a count of no seeds, or names none; seed 0 alone is --seed 0", param, ctx)
        return tuple(seeds)


class Shard(click.ParamType):
    """``2/4`` is the second of four parts of the work."""

    name = "k/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """The part, counted from 1, and how many parts there are."""
        k, slash, n = value.partition("/")
        if not (slash and k.isdecimal() and n.isdecimal() and 1 <= int(k) <= int(n) <= MOST_SHARDS):
            self.fail(f"{value!r}: write 2/4 for the second of four parts, of at most {MOST_SHARDS:,}", param, ctx)
        return int(k), int(n)


class Names(click.ParamType):
    """Comma-separated names."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names between the commas."""
        names = tuple(part.strip() for part in value.split(",") if part.strip())
        if not names:
            self.fail(f"{value!r} names nothing", param, ctx)
        return names
