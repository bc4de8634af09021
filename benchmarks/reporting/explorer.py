"""What the page's explorer is given: every cell with its seeds, what was published, and what was made of it, as JSON.

The page shows all of this as plain tables too; the explorer sorts, filters and opens them.
"""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scmbench.datasets.attributes import attributes
from scmbench.datasets.errors import UserError

from ..judging.cells import CELL, NOT_RUN, registered, text_columns
from ..judging.methods import METHOD
from ..judging.published import Published
from ..judging.rule import why
from ..suites import papers
from .layout import RUNGS, Layout, question_name
from .tables.scores import by_cell

COSTS = ("cpu_s", "query_cpu_s", "parameters", "gradient_steps", "peak_mb")
"""What the explorer says of a method's cost on a dataset, in this order: medians over finished seeds."""

SMALL = 5
"""A world of more nodes is tagged as large."""

DIGITS = 5
"""Significant digits of a score; of a page's three megabytes these take a tenth."""


def explored(
    suite: str,
    layout: Layout,
    scores: pd.DataFrame,
    found: pd.DataFrame,
    judged: pd.DataFrame | None = None,
    published: Published | None = None,
    provenance: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Of a report's frames: rows (a SCM and a question), methods, and cells by (row, method), in the tables' units.

    ``{rows: [{scm, group, tags, papers, score, rung, metric, higher}], methods: [{name, floor, papers}], cells: [[row,
    method, {...}]], costs: {dataset: {method: [...]}}, papers: {key: BibTeX}, theirs, units, suite}``; a cell has ``m,
    q1, q3, mean, sd, n, seeds`` and, where it was judged, ``word, why, theirs, box, ratio, low, high``; one without a
    score has ``state``. Costs, as `COSTS`, and papers of methods are what `provenance` says of the records.
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
                    "tags": tags(dataset),
                    "papers": [paper.key for paper in papers.of_dataset(dataset)],
                    "score": question_name(question, short=True),
                    "rung": question[0] if question[0] in RUNGS else "other",
                    "metric": question[1],
                    "higher": question in layout.higher,
                }
            )
    names = registered(provenance)
    methods = [
        {
            "name": layout.method(m),
            "label": m[0],
            "floor": layout.roles.get(m, METHOD) != METHOD,
            "papers": [paper.key for paper in papers.of_model(names.get(m, m[0]))],
        }
        for m in layout.methods
    ]
    keys = {key for part in (*rows, *methods) for key in part["papers"]}
    cited = {"": papers.itself()} | {paper.key: paper.bibtex() for paper in papers.papers() if paper.key in keys}
    about = {"suite": suite, "theirs": layout.theirs, "units": layout.factor()}
    return {
        **about,
        "rows": rows,
        "methods": methods,
        "cells": cells,
        "costs": _costs(layout, provenance),
        "papers": cited,
    }


@cache
def tags(dataset: str) -> list[str]:
    """What a world can be chosen by: small or large, ``n=3``, and what its dataset says of itself where that is short.

    A world with an image is only said to have one: to build it may take half a minute. Of a dataset that is not here
    nothing is said.
    """
    if dataset.startswith("image/"):
        return ["image"]
    try:
        told = dict(attributes(dataset))
    except UserError:
        return []
    found = [f"n={told['n']}", "small" if told["n"] <= SMALL else "large"] if "n" in told else ["measured"]
    found += [name for name in ("latent", "image") if told.get(name)]
    known = ("name", "paper", "kind", "n", "edges", "degree", "latent", "image")
    return found + [f"{name}={x}" for name, x in told.items() if name not in known and isinstance(x, str | bool | int)]


def _costs(layout: Layout, provenance: pd.DataFrame | None) -> dict[str, dict[int, list[float | None]]]:
    if provenance is None:
        return {}
    told = text_columns(provenance, ["dataset", "model", "variant", "status"])
    done = told[told["status"] == "ok"].reindex(columns=["dataset", "model", "variant", *COSTS])
    numbers = done.assign(**{name: pd.to_numeric(done[name], errors="coerce") for name in COSTS})
    place = {method: i for i, method in enumerate(layout.methods)}
    found: dict[str, dict[int, list[float | None]]] = {}
    for (dataset, model, variant), line in numbers.groupby(["dataset", "model", "variant"]).median().iterrows():  # type: ignore[misc]
        if (model, variant) in place:
            found.setdefault(dataset, {})[place[model, variant]] = [_whole(float(line[name])) for name in COSTS]
    return found


def _whole(x: float) -> float | None:
    """A count as it is, another number rounded."""
    return int(x) if x.is_integer() else _round(x)


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
