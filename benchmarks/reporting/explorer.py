"""What the page's explorer is given: every cell with its seeds, what was published, and what was made of it, as JSON.

The page shows all of this as plain tables too; the explorer sorts, filters and opens them.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd

from ..judging.cells import CELL, NOT_RUN, text_columns
from ..judging.methods import METHOD
from ..judging.published import Published
from ..judging.rule import why
from .layout import RUNGS, Layout, question_name
from .tables.scores import by_cell

DIGITS = 5
"""Significant digits of a score; of a page's three megabytes these take a tenth."""


def explored(
    suite: str,
    layout: Layout,
    scores: pd.DataFrame,
    found: pd.DataFrame,
    judged: pd.DataFrame | None = None,
    published: Published | None = None,
) -> dict[str, Any]:
    """Of a report's frames: rows (a SCM and a question), methods, and cells by (row, method), in the tables' units.

    ``{rows: [{scm, group, score, rung, metric, higher}], methods: [{name, floor}], cells: [[row, method, {...}]],
    theirs, units, suite}``; a cell has ``m, q1, q3, mean, sd, n, seeds`` and, where it was judged, ``word, why, theirs,
    box, ratio, low, high``; one without a score has ``state``.
    """
    by_seed: dict[tuple[str, ...], list[tuple[int, float]]] = {}
    told = text_columns(scores, CELL)
    for row in told[np.isfinite(told["score"].to_numpy(dtype=float))].to_dict("records"):
        by_seed.setdefault(tuple(row[c] for c in CELL), []).append((int(row["seed"]), layout.scale * row["score"]))
    verdicts = {} if judged is None else by_cell(judged)
    theirs = {} if published is None else by_cell(published.cells)
    ours, rows, cells = by_cell(found), [], []
    for group, datasets in layout.groups():
        for dataset, question in ((d, q) for d in datasets for q in layout.questions):
            keys = {i: (dataset, *question, *m) for i, m in enumerate(layout.methods)}
            some = {i: _cell(ours[key], by_seed.get(key, []), layout.scale) for i, key in keys.items() if key in ours}
            if not any(cell.get("n") for cell in some.values()):
                continue
            for i, cell in some.items():
                if (line := verdicts.get(keys[i])) and line["form"]:
                    cell |= _verdict(line, theirs.get(keys[i], {}), layout.scale)
                cells.append([len(rows), i, cell])
            rows.append(
                {
                    "scm": layout.dataset(dataset),
                    "dataset": dataset,
                    "group": group,
                    "score": question_name(question, short=True),
                    "rung": question[0] if question[0] in RUNGS else "other",
                    "metric": question[1],
                    "higher": question in layout.higher,
                }
            )
    methods = [
        {"name": layout.method(m), "label": m[0], "floor": layout.roles.get(m, METHOD) != METHOD}
        for m in layout.methods
    ]
    about = {"suite": suite, "theirs": layout.theirs, "units": layout.factor()}
    return {**about, "rows": rows, "methods": methods, "cells": cells}


def as_script(data: Any) -> str:
    """JSON for a ``<script type="application/json">``: nothing in it ends the element or begins another.

    >>> as_script({"a": "</script><!--"})
    '{"a":"\\\\u003c/script\\\\u003e\\\\u003c!--"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    unsafe = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    whole = "".join(unsafe.get(c, c) for c in text)
    return whole.encode("utf-8", "backslashreplace").decode()


def _cell(line: dict[Any, Any], scores: list[tuple[int, float]], scale: float) -> dict[str, Any]:
    if not line["n"]:
        return {"state": line["state"] or NOT_RUN}
    names = {"m": "median", "q1": "q1", "q3": "q3", "mean": "mean", "sd": "sd"}
    numbers = {short: _round(scale * line[name]) for short, name in names.items()}
    missing = {"missing": int(line["missing"])} if line["missing"] else {}
    return {**numbers, "n": int(line["n"]), **missing, "seeds": [[seed, _round(x)] for seed, x in sorted(scores)]}


def _verdict(line: dict[Any, Any], theirs: dict[Any, Any], scale: float) -> dict[str, Any]:
    names = ("whisker_low", "q1", "median", "q3", "whisker_high", "mean", "sd")
    box = {name: _round(scale * float(theirs[name])) for name in names if name in theirs}
    told = {"word": line["verdict"], "why": why(line) if line["n"] else "", "theirs": _round(scale * line["theirs"])}
    judged = {"box": {name: x for name, x in box.items() if x is not None}, "theirs_n": _round(float(line["theirs_n"]))}
    with np.errstate(over="ignore"):
        of_ratio = (("ratio", "log_ratio"), ("low", "low"), ("high", "high"))
        ends = {name: _round(float(np.exp(float(line[key])))) for name, key in of_ratio}
    return told | judged | {name: x for name, x in ends.items() if x is not None}


def _round(x: float) -> float | None:
    """To `DIGITS` significant digits; None for what is no number, which JSON has none for."""
    return float(f"{x:.{DIGITS}g}") if math.isfinite(x) else None
