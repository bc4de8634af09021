"""Tables of scores: ours above the paper's with their spread, and a narrow one for terminals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ...judging.cells import CELL, NOT_RUN, UNSUPPORTED, Method, Question
from ...judging.leaders import beaten, leaders, published_leaders
from ...judging.paired import LEAST
from ...judging.proxies import asks_no_truth
from ...judging.published import Published
from ..layout import Layout, question_name
from ..render import DASH, SYMBOLS, Section, Table, Text, number

Line = dict[Any, Any]


def by_cell(table: pd.DataFrame) -> dict[tuple[str, ...], Line]:
    """The lines of a frame with the columns of `CELL`, by cell."""
    return {tuple(row[c] for c in CELL): row for row in table.to_dict("records")}


def in_units(what: str, layout: Layout) -> str:
    """A title with the factor that its numbers are in units of."""
    return f"{what}, {layout.factor()}" if layout.factor() else what


def state(line: Line | None) -> Text:
    """Why a cell has no score."""
    word = line["state"] if line else NOT_RUN
    return Text(word, word=word)


def waiver_notes(layout: Layout) -> list[str]:
    """One note for all methods that waive the same properties for the same reasons."""
    return [f"{', '.join(methods)} waives: {why}" for why, methods in _waived(layout).items()]


def waivers_in_brief(layout: Layout) -> list[str]:
    """One sentence on what is waived, for a terminal; the report says by whom and why."""
    names = dict.fromkeys(part.partition(":")[0].strip() for why in _waived(layout) for part in why.split(";"))
    return [f"† waives what a causal model must keep ({'; '.join(names)}): the report says why."] if names else []


def _waived(layout: Layout) -> dict[str, list[str]]:
    whose: dict[str, list[str]] = {}
    for method in layout.methods:
        if method in layout.waived:
            whose.setdefault(layout.waived[method], []).append(layout.method(method))
    return whose


def doubt_notes(layout: Layout) -> list[str]:
    """One sentence on what is marked as to be doubted: which methods, and why."""
    whose: dict[str, list[str]] = {}
    for (dataset, _, method), messages in layout.doubts.items():
        if dataset in layout.datasets and method in layout.methods:
            for message in sorted(messages):
                whose.setdefault(message, []).append(layout.method(method))
    told = [f"{message} ({', '.join(dict.fromkeys(methods))})" for message, methods in whose.items()]
    return [f"§ Not to be taken at face value: {'; '.join(told)}."] if told else []


def _share(line: Line) -> str:
    return f" ({line['n']}/{line['n'] + line['missing']})" if line["missing"] else ""


def _leading(scores: pd.DataFrame, layout: Layout) -> str:
    sizes = scores.dropna(subset="score").groupby(CELL)["seed"].nunique()
    n = "no seeds" if sizes.empty else f"n = {sizes.max()} seeds"
    if sizes.empty or sizes.max() < LEAST:
        return f"{layout.better()}. {n}: below {LEAST}, nothing is bold."
    return (
        f"{layout.better()}. Bold: the best and all that {n} cannot tell from it (95 % interval of the ratio paired by "
        f"seed, Student's t; at least {LEAST} seeds), floors and ceilings such as the oracle aside."
    )


class _Floors:
    """Rows in which a floor beats methods: their label gets a mark, and the table a note on each."""

    def __init__(self, layout: Layout):
        self.layout, self.notes = layout, []

    def label(self, dataset: str, question: Question, medians: Mapping[Method, float]) -> str:
        text = question_name(question, short=True)
        if asks_no_truth(question[1]):  # it says something about the score then, and nothing about methods
            return text
        known = {m: x for m, x in medians.items() if not math.isnan(x)}
        found = beaten(known, self.layout.roles, higher=question in self.layout.higher)
        for floor, methods in found.items():
            where = f"{self.layout.dataset(dataset)} {text}"
            level = f"{self.layout.method(floor)} ({number(self.layout.scale * known[floor])})"
            self.notes.append(f"{where}: {level} beats {', '.join(map(self.layout.method, methods))}")
        return text + (" ‡" if found else "")

    def note(self) -> list[str]:
        head = "‡ A floor, which knows nothing of causes, has a better median than a method. "
        return [head + "; ".join(self.notes) + "."] if self.notes else []


def _partial(found: pd.DataFrame) -> str:
    return "(k/n): only k of n seeds have a score." if ((found["n"] > 0) & (found["missing"] > 0)).any() else ""


def _write(line: Line, layout: Layout, *, moments: bool, sample_sd: bool = False) -> str:
    k = layout.scale
    if not moments:
        return f"{number(k * line['median'])} [{number(k * line['q1'])}, {number(k * line['q3'])}]"
    population = math.sqrt((line["n"] - 1) / line["n"]) if sample_sd else 1.0
    return f"{number(k * line['mean'])} ± {number(k * population * line['sd'])}"


def score_table(
    found: pd.DataFrame,
    layout: Layout,
    published: Published | None,
    scores: pd.DataFrame,
    *,
    moments: bool = False,
) -> Table:
    """Ours above the paper's, method by method: median [q1, q3], or with `moments` mean ± population sd.

    `scores` are those per seed, of which `found` is the summary: they say which methods share a row's lead.
    """
    form, centre = ("moments", "mean") if moments else ("box", "median")
    theirs = by_cell(published.cells[published.cells["form"] == form]) if published else {}
    ours, lead, floors = by_cell(found), leaders(scores, layout.higher, layout.roles), _Floors(layout)
    rows: list[Any] = []
    for heading, datasets in layout.groups():
        if heading:
            rows.append(Section(heading))
        for dataset, question in ((d, q) for d in datasets for q in layout.questions):
            keys = {m: (dataset, *question, *m) for m in layout.methods}
            mine = {m: ours[key] for m, key in keys.items() if key in ours}
            paper = {m: theirs[key] for m, key in keys.items() if key in theirs}
            if not mine:
                continue
            best = lead.get((dataset, *question), set())
            entries = [
                Text(
                    _write(mine[m], layout, moments=moments)
                    + _share(mine[m])
                    + layout.mark(m, dataset)
                    + layout.doubt(dataset, question, m),
                    bold=m in best,
                )
                if m in mine and mine[m]["n"]
                else state(mine.get(m))
                for m in layout.methods
            ]
            label = floors.label(dataset, question, {m: line[centre] for m, line in mine.items()})
            rows.append([layout.problem(dataset), label, "ours", *entries])
            if paper:
                best = published_leaders(paper, higher=question in layout.higher)
                entries = [
                    Text(_write(paper[m], layout, moments=moments, sample_sd=True), bold=m in best)
                    if m in paper
                    else DASH
                    for m in layout.methods
                ]
                rows.append(["", "", layout.theirs, *entries])
    what = "mean ± population standard deviation" if moments else "median [first quartile, third quartile]"
    absent = published and moments and not theirs
    notes = [
        _leading(scores, layout),
        "In the published rows the same holds of intervals from their spread and runs." if theirs else "",
        _partial(found),
        "The paper's means are not given." if absent else "",
        *floors.note(),
    ]
    return Table(
        name="scores_mean" if moments else "scores_median",
        title=in_units(f"Scores over seeds, {what}", layout),
        columns=["SCM", "score", "", *map(layout.method, layout.methods)],
        rows=rows,
        notes=[*filter(None, notes), *doubt_notes(layout), *waiver_notes(layout), *layout.marks()],
        left=3,
    )


def overview(
    verdicts: pd.DataFrame | None,
    found: pd.DataFrame,
    layout: Layout,
    scores: pd.DataFrame,
    *,
    questions: Sequence[Question] | None = None,
) -> Table:
    """One line a question, for a terminal: our median, the verdict's sign, the published one (with verdicts).

    `questions` are those that are shown; a note counts the others.
    """
    judged, ours = {} if verdicts is None else by_cell(verdicts), by_cell(found)
    lead, floors = leaders(scores, layout.higher, layout.roles), _Floors(layout)
    silent: dict[str, None] = {}  # methods that do not answer by design

    def entry(cell: tuple[str, ...], bold: bool, mark: str) -> Text:
        line, verdict = ours.get(cell), judged.get(cell, {"form": "", "verdict": ""})
        if line and not line["n"] and line["state"] == UNSUPPORTED:
            silent[layout.short((cell[3], cell[4]))] = None
            return Text(DASH, word=UNSUPPORTED)
        if not line or not line["n"]:
            return state(line)
        text = number(layout.scale * line["median"]) + _share(line) + mark
        if verdict["form"]:
            text += f" {SYMBOLS.get(verdict['verdict'], ' ')} {number(layout.scale * verdict['theirs'])}"
        return Text(text + layout.doubt(cell[0], cell[1:3], cell[3:]), bold=bold, word=verdict["verdict"])  # type: ignore[arg-type]

    shown = [q for q in layout.questions if questions is None or q in questions]
    rows: list[Any] = []
    for heading, datasets in layout.groups():
        if heading:
            rows.append(Section(heading))
        for dataset, question in ((d, q) for d in datasets for q in shown):
            keys = {m: (dataset, *question, *m) for m in layout.methods}
            if any(key in ours for key in keys.values()):
                best = lead.get((dataset, *question), set())
                entries = [entry(key, m in best, layout.mark(m, dataset)) for m, key in keys.items()]
                medians = {m: ours[key]["median"] for m, key in keys.items() if key in ours}
                rows.append([layout.problem(dataset), floors.label(dataset, question, medians), *entries])
    signs = ", ".join(f"{sign} {word}" for word, sign in SYMBOLS.items())
    beside = "" if verdicts is None else f", beside them those of the {layout.theirs}"
    left_out = len(layout.questions) - len(shown)
    return Table(
        name="overview",
        title=in_units(f"Medians over seeds{beside}", layout),
        columns=["SCM", "score", *map(layout.short, layout.methods)],
        rows=rows,
        notes=[
            *([] if verdicts is None else [f"Ours, sign, the other: {signs}."]),
            *filter(None, [_leading(scores, layout), _partial(found)]),
            *([f"{DASH}: not answered, by design (unsupported): {', '.join(silent)}."] if silent else []),
            *([f"{left_out} further scores are in the report."] if left_out else []),
            *floors.note(),
            *doubt_notes(layout),
            *waivers_in_brief(layout),
            *layout.marks(),
        ],
        left=2,
        apart=len(layout.floors()),
    )
