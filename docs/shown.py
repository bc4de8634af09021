"""What the committed runs say of a world or a method, as Markdown for the pages made from the registry."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from committed_runs import Committed, runs
from scmbench import datasets
from scmbench.benchmarks.judging.cells import Method, text_columns
from scmbench.benchmarks.judging.methods import FLOOR, METHOD
from scmbench.benchmarks.records import committed
from scmbench.benchmarks.reporting import escaping
from scmbench.benchmarks.reporting.layout import question_name
from scmbench.benchmarks.reporting.render import DASH, SYMBOLS, number
from scmbench.benchmarks.suites import papers


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table of Markdown; its cells are Markdown already."""
    rules = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rules, *rows]) + "\n"


def there(suite: str) -> bool:
    """Whether a run of the suite is committed."""
    return (committed.folder(suite) / "scores.csv").exists()


def not_run(suite: str) -> str:
    """What stands in the place of a table whose run is not committed."""
    return f"*Not run yet*: no run of the suite `{suite}` is committed.\n"


def write(tables: Mapping[str, str], folder: Path) -> None:
    """Every table, Markdown by name, as a file that pages include."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in tables.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    return escaping.markdown(text)


def link(page: str, text: str) -> str:
    """A link to a page of a method or world, where the text names it."""
    return f"[{plain(text)}]({page})"


def world_page(name: str) -> str:
    """The file of a world's page."""
    return name.replace("/", "-") + ".md"


def world_link(name: str, text: str) -> str:
    """A link from a page of a method to that of a world; worlds of a family have none, and are named alone."""
    return link(f"../worlds/{world_page(name)}", text) if name in datasets.names() else plain(text)


def method_page(name: str) -> str:
    """The file of a method's page."""
    return f"{name}.md"


def cited(found: Sequence[papers.Paper]) -> str:
    """Papers in a sentence, linked where they have an address."""
    named = [f"[{paper.short}]({paper.url})" if paper.url else paper.short for paper in found]
    titles = [f"{name}: *{plain(paper.title)}*" for name, paper in zip(named, found, strict=True)]
    return "; ".join(titles)


def of_world(dataset: str) -> str:
    """What every committed run has on a world: a line a method, a column a question."""
    parts = []
    for one in runs():
        if dataset not in one.layout.datasets:
            continue
        asked = [q for q in one.layout.questions if any((dataset, *q, *m) in one.cells for m in one.layout.methods)]
        rows = [[_named(one, m), *(_whole(one, (dataset, *q, *m)) for q in asked)] for m in one.layout.methods]
        shown = [row for row in rows if set(row[1:]) != {DASH}]
        if shown:
            heads = [question_name(q, short=True) for q in asked]
            parts.append(
                f"### {one.name}\n\n{_caption(one, one.layout.dataset(dataset))}\n\n" + table(["method", *heads], shown)
            )
    daggers = (
        "\n† waives a property of the contract: its page says which, and why.\n" if any("†" in p for p in parts) else ""
    )
    return "\n".join(parts) + daggers


def _named(one: Committed, method: Method) -> str:
    role = one.layout.roles.get(method, METHOD)
    name = link(f"../methods/{method_page(one.registered.get(method, method[0]))}", one.layout.method(method))
    return name if role == METHOD else f"*{name}* ({role})"


def _caption(one: Committed, words: str) -> str:
    seeds = one.provenance["seed"].nunique()
    over = f"{plain(one.title)}. Medians [quartiles] over {seeds} seed{'s' * (seeds > 1)}"
    told = [over, one.layout.factor(), one.layout.better().lower()]
    judged = f"beside them the [verdicts](../verdicts.md) against the {one.layout.theirs}" if one.words else ""
    more = one.report(words)
    return ", ".join(filter(None, [*told, judged])) + "." + (f" ({more})" if more else "")


def _whole(one: Committed, key: tuple[str, ...]) -> str:
    line = one.cells.get(key)
    if line is None or not line["n"]:
        return DASH if line is None or line["state"] in ("unsupported", "not run") else plain(line["state"])
    middle, low, high = (number(one.layout.scale * line[name]) for name in ("median", "q1", "q3"))
    sign = SYMBOLS.get(one.words.get(key, ""), "")
    return " ".join(filter(None, [middle, sign, f"[{low}, {high}]"]))


def of_method(name: str) -> str:
    """What every committed run has of a method: a line a world and variant, a column a question."""
    return "\n".join(part for one in runs() if (part := _cells_of(one, name)))


def _mine(one: Committed, name: str) -> list[Method]:
    return [m for m in one.layout.methods if one.registered.get(m, m[0]) == name]


MANY = 3
"""A run with more configurations of one method than this is an experiment about it: its report shows them."""


def _cells_of(one: Committed, name: str) -> str:
    mine = _mine(one, name)
    asked = one.layout.questions
    there = [(d, m) for d in one.layout.datasets for m in mine if any((d, *q, *m) in one.cells for q in asked)]
    if not there:
        return ""
    head, caption = f"### {one.name}\n\n", _caption(one, "").replace("Medians [quartiles]", "Medians")
    if len(mine) > MANY:
        labels = ", ".join(plain(one.layout.method(m)) for m in mine)
        return f"{head}{caption} {len(mine)} configurations, each shown there: {labels}.\n"
    asked = [q for q in asked if any((d, *q, *m) in one.cells for d, m in there)]
    competes = any(m in one.methods(METHOD) for m in mine)
    rows = []
    for dataset, method in there:
        world = world_link(dataset, one.layout.dataset(dataset))
        shown = [_brief(one, (dataset, *q, *method), competes) for q in asked]
        rows.append([world, *([plain(one.layout.method(method))] if len(mine) > 1 else []), *shown])
    heads = ["world", *(["variant"] if len(mine) > 1 else []), *(question_name(q, short=True) for q in asked)]
    more = " Behind the slash: the place among the methods that compete." if competes else ""
    return f"{head}{caption}{more}\n\n{table(heads, rows, left=2 if len(mine) > 1 else 1)}"


def _brief(one: Committed, key: tuple[str, ...], competes: bool) -> str:
    line = one.cells.get(key)
    if line is None or not line["n"]:
        return DASH if line is None or line["state"] in ("unsupported", "not run") else plain(line["state"])
    place, of = one.place(key)
    rank = f" / {place} of {of}" if competes and of > 1 else ""
    return " ".join(filter(None, [number(one.value(key)), SYMBOLS.get(one.words.get(key, ""), "")])) + rank


def costs(name: str) -> str:
    """What a method took in every committed run: medians over problems, with the least and most CPU time."""
    rows = []
    for one in runs():
        for method in _mine(one, name):
            told = text_columns(one.provenance, ["model", "variant", "status"])
            done = told[(told["model"] == method[0]) & (told["variant"] == method[1]) & (told["status"] == "ok")]
            if done.empty or "cpu_s" not in done or len(_mine(one, name)) > MANY:
                continue
            cpu, memory = done["cpu_s"].astype(float), pd.to_numeric(done["peak_mb"], errors="coerce").median()
            span = f"{number(cpu.median())} [{number(cpu.min())}, {number(cpu.max())}]"
            queries = number(float(pd.to_numeric(done["query_cpu_s"], errors="coerce").median()))
            sizes = [pd.to_numeric(done[c], errors="coerce").median() for c in ("parameters", "gradient_steps")]
            shown = [DASH if math.isnan(x) else f"{x:,.0f}" for x in [*sizes, memory]]
            rows.append([plain(one.name), plain(one.layout.method(method)), span, queries, *shown])
    heads = [
        "run",
        "method",
        "CPU-seconds a problem",
        "of these, queries",
        "parameters",
        "gradient steps",
        "memory, MB",
    ]
    return table(heads, rows, left=2) if rows else ""


def failings(name: str) -> str:
    """Where a method fails: cells that a floor wins, that did not come out as published, or that have no score."""
    parts = [text for one in runs() for text in _failings(one, name)]
    return "\n".join(f"* {text}" for text in parts) + ("\n" if parts else "")


def _failings(one: Committed, name: str) -> Iterable[str]:
    mine = [m for m in _mine(one, name) if m in one.methods(METHOD)]
    if not mine or len(mine) > MANY:
        return
    for method in mine:
        own = plain(one.layout.method(method)) if len(mine) > 1 else "it"
        keys = [key for key in one.cells if key[3:] == method and math.isfinite(one.value(key))]
        lost = {floor: [k for k in keys if _beats(one, floor, k)] for floor in one.methods(FLOOR)}
        for floor, beaten in lost.items():
            if beaten:
                told = f"the floor {plain(one.layout.method(floor))} is ahead of {own} on {_some(one, beaten)}"
                yield f"{one.name}: {told}."
        words: dict[str, list[tuple[str, ...]]] = {}
        for key in keys:
            if one.words.get(key, "reproduced") not in ("reproduced", "better"):
                words.setdefault(one.words[key], []).append(key)
        for word, found in words.items():
            yield f"{one.name}: {word} {SYMBOLS.get(word, '')} against the {one.layout.theirs}: {_some(one, found)}."
        silent: dict[str, list[tuple[str, ...]]] = {}
        for key, line in one.cells.items():
            if key[3:] == method and not line["n"] and line["state"] in ("unsupported", "failed"):
                silent.setdefault(line["state"], []).append(key)
        for state, found in silent.items():
            yield f"{one.name}: {state}: {_some(one, found)}."


def _beats(one: Committed, floor: Method, key: tuple[str, ...]) -> bool:
    other = one.value((*key[:3], *floor))
    return math.isfinite(other) and one.better((key[1], key[2]), other, one.value(key))


def _some(one: Committed, keys: Sequence[tuple[str, ...]], most: int = 6) -> str:
    named = [f"{world_link(k[0], one.layout.dataset(k[0]))} {question_name((k[1], k[2]), short=True)}" for k in keys]
    return ", ".join(named[:most]) + (f" and {len(named) - most} more cells" if len(named) > most else "")
