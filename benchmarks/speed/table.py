"""Turns the JSON of `make bench` into the tables of docs/speed.md: ``python benchmarks/speed/table.py JSON PAGE``."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from statistics import median


def per_unit(benchmark: dict) -> tuple[float, float | None]:
    """Median CPU seconds a unit of work, ours and the plain counterpart's."""
    info = benchmark["extra_info"]
    plain = median(info["plain_seconds"]) / info["plain_units"] if info["plain_seconds"] else None
    return benchmark["stats"]["median"] / info["ours_units"], plain


def ratios(benchmark: dict) -> list[float]:
    """Plain over ours, a pair each round, smallest first."""
    info = benchmark["extra_info"]
    units = info["ours_units"] / info["plain_units"]
    rounds = zip(info["plain_seconds"], benchmark["stats"]["data"], strict=True)
    return sorted(plain / ours * units for plain, ours in rounds)


def show(seconds: float) -> str:
    """Three digits in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def comparison(benchmarks: list[dict]) -> list[str]:
    """A row for every benchmark that has a plain counterpart: training, then queries, then metrics."""
    rows = ["| work | ours | plain | times less (range over rounds) |", "|---|---|---|---|"]
    for benchmark in sorted(benchmarks, key=lambda b: b["fullname"].split("::")[0], reverse=True):
        info, (ours, plain) = benchmark["extra_info"], per_unit(benchmark)
        if plain is not None and not info.get("part"):
            each = ratios(benchmark)
            notes = [
                f"{who} {info[key]}" for who, key in (("ours", "ours_note"), ("plain", "plain_note")) if key in info
            ]
            work = info["unit"] + (f" ({'; '.join(notes)})" if notes else "")
            rows.append(
                f"| {work} | {show(ours)} | {show(plain)} | **{median(each):.3g}** ({each[0]:.3g} to {each[-1]:.3g}) |"
            )
    return rows


def parts(benchmarks: list[dict]) -> list[str]:
    """What a training step is made of: each part beside whole steps in turns, its share the median over rounds."""
    rows = ["| part | time | share of a step |", "|---|---|---|"]
    total = whole = 0.0
    for benchmark in (b for b in benchmarks if b["extra_info"].get("part")):
        seconds, share = per_unit(benchmark)[0], median(1 / ratio for ratio in ratios(benchmark))
        total, whole = total + seconds, whole + share
        name = benchmark["extra_info"]["unit"].removeprefix("part of a step: ")
        rows.append(f"| {name} | {show(seconds)} | {share:.0%} |")
    return [*rows, f"| sum of the parts | {show(total)} | {whole:.0%} |"]


def machine(report: dict) -> list[str]:
    """Where and when the numbers come from."""
    cpu, commit = report["machine_info"]["cpu"], report["commit_info"]
    where = f"{cpu.get('brand_raw', 'unknown processor')}, Python {report['machine_info']['python_version']}"
    code = f"commit {commit.get('id', 'unknown')[:10]}{' with local changes' if commit.get('dirty') else ''}"
    return [f"{where}, one thread, CPU time; {code}, {report['datetime'][:10]}."]


def replace_between(page: str, name: str, rows: list[str]) -> str:
    """The page with everything between the markers of `name` replaced. Raises `ValueError` where they are missing."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no markers '<!-- {name} -->' ... '<!-- end -->'")
    return pattern.sub(lambda match: match[1] + "\n".join(rows) + "\n" + match[2], page)


def main(source: str, target: str) -> None:
    """Rewrite the tables of a page."""
    report, page = json.loads(Path(source).read_text()), Path(target)
    text = page.read_text()
    for name, rows in {
        "machine": machine(report),
        "table": comparison(report["benchmarks"]),
        "parts": parts(report["benchmarks"]),
    }.items():
        text = replace_between(text, name, rows)
    page.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
