"""A verdict per cell: the rule of `rule` asked of every published number that we have scores for, and summaries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from .cells import CELL, QUESTION, cells, named, roles
from .methods import METHOD, Method
from .published import Published
from .rule import JUDGED, at_floor, difference, interval, judge, judge_difference, spread

UNPUBLISHED = "no published number"


def verdicts(scores: pd.DataFrame, published: Published, provenance: pd.DataFrame | None = None) -> pd.DataFrame:
    """One line per published cell, then per cell of ours without a published number (floors excepted).

    `scores` are those of `seed_scores`. Columns: ``CELL``; `verdict`; `form`, `statistic` (median or mean, what is
    compared); `ours, ours_q1, ours_q3, ours_mean, ours_sd, n`, `missing` (seeds without a score);
    `theirs, theirs_q1, theirs_q3, theirs_sd, theirs_n`; `higher_is_better`; `log_ratio, low, high`; `difference,
    difference_low, difference_high, width`, which a cell has that is judged by difference, and no log-ratio then;
    `oracle` and `posterior`: the median
    scores of these two on the same question (what sampling alone costs; for counterfactuals the least error that the
    factual row allows); `order_agrees` and `tau`: whether the methods of this question stand in the published order,
    and Kendall's tau of the two orders (missing with fewer than two methods).
    """
    found = cells(scores, provenance, also=published.cells)
    both = found.merge(published.cells, on=CELL, how="left", suffixes=("", "_theirs"))
    both["form"] = both["form"].fillna("").astype(str)
    bounds = {method for method, role in roles(provenance).items() if role != METHOD}
    both = both[(both["form"] != "") | ~_is_of(both, bounds)]
    finite = scores[np.isfinite(scores["score"].to_numpy(dtype=float))]
    by_cell: dict[Any, NDArray] = {
        key: group["score"].to_numpy(dtype=float) for key, group in finite.groupby(CELL, sort=False)
    }
    table = pd.DataFrame([_line(row, by_cell.get(tuple(row[c] for c in CELL))) for row in both.to_dict("records")])
    for floor in ("oracle", "posterior"):
        methods = named(provenance, floor)
        medians = found[_is_of(found, methods)].drop_duplicates(QUESTION).rename(columns={"median": floor})
        table = table.merge(medians[[*QUESTION, floor]], on=QUESTION, how="left")
    return table.merge(_orders(table), on=QUESTION, how="left")


def _is_of(table: pd.DataFrame, methods: set[Method]) -> pd.Series:
    there = zip(table["model"], table["variant"], strict=True)
    return pd.Series([method in methods for method in there], index=table.index, dtype=bool)


def _line(row: dict[Any, Any], scores: NDArray | None) -> dict[str, Any]:
    statistic = "mean" if row["form"] == "moments" else "median"
    theirs = {"form": row["form"], **{k: row[f"{k}_theirs"] for k in ("n", "q1", "median", "q3", "mean", "sd")}}
    theirs["tolerance"] = row.get("tolerance", math.nan)
    higher = row.get("higher_is_better") is True
    r = low = high = d = d_low = d_high = width = math.nan
    if not row["form"]:
        verdict = UNPUBLISHED if scores is not None else row["state"]
    elif scores is None:
        verdict = row["state"]
    elif (floor := at_floor(theirs)) or not row[statistic] > 0:  # neither has a ratio
        d, d_low, d_high = difference(scores, theirs)
        if floor:
            width = spread(theirs) if math.isnan(theirs["tolerance"]) else theirs["tolerance"]
        verdict = judge_difference(
            d, d_low, d_high, width if floor else None, seeds=len(scores), higher_is_better=higher
        )
    else:
        r, low, high = interval(scores, theirs)
        verdict = judge(r, low, high, seeds=len(scores), higher_is_better=higher)
    ours = {"ours": row[statistic], **{f"ours_{k}": row[k] for k in ("q1", "q3", "mean", "sd")}}
    published = {"theirs": theirs[statistic], **{f"theirs_{k}": theirs[k] for k in ("q1", "q3", "sd", "n")}}
    return {
        **{name: row[name] for name in CELL},
        "verdict": verdict,
        "form": row["form"],
        "statistic": statistic,
        **ours,
        "n": row["n"],
        "missing": row["missing"],
        **published,
        "higher_is_better": higher,
        "log_ratio": r,
        "low": low,
        "high": high,
        "difference": d,
        "difference_low": d_low,
        "difference_high": d_high,
        "width": width,
    }


def _orders(table: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for question, group in table.groupby(QUESTION, sort=False):
        group = group.loc[(group["n"] > 0) & (group["form"] != "")]
        agrees, tau = None, math.nan
        if len(group) >= 2:
            ours, theirs = group["ours"].to_numpy(), group["theirs"].to_numpy()
            agrees = bool((np.argsort(ours, kind="stable") == np.argsort(theirs, kind="stable")).all())
            tau = float(stats.kendalltau(ours, theirs).statistic)
        lines.append([*question, agrees, tau])
    return pd.DataFrame(lines, columns=[*QUESTION, "order_agrees", "tau"])


def counts(table: pd.DataFrame, by: Sequence[str] = ("model", "variant", "query")) -> pd.DataFrame:
    """How many published cells have each verdict, by the columns `by`: the rule's words, then the states that occur."""
    table = table[table["form"] != ""]
    words = [*JUDGED, *sorted(set(table["verdict"]) - set(JUDGED))]
    one = table.assign(one=1).pivot_table(index=list(by), columns="verdict", values="one", aggfunc="sum", sort=False)
    return one.reindex(columns=words).fillna(0).astype(int).rename_axis(columns=None).reset_index()


def floor_shares(table: pd.DataFrame, metric: str = "mmd") -> pd.DataFrame:
    """How much of each distance is sampling alone: `ours_share` = oracle / ours, `theirs_share` = oracle / theirs.

    A biased distance between two samples of the same distribution is not zero; a share near 1 is a cell in which
    methods cannot be told apart.
    """
    part = table[table["metric"] == metric]
    part = part[[*CELL, "oracle", "ours", "theirs"]].copy()
    part["ours_share"] = part["oracle"] / part["ours"]
    part["theirs_share"] = part["oracle"] / part["theirs"]
    return part.reset_index(drop=True)


def as_json(table: pd.DataFrame, published: Published) -> dict[str, Any]:
    """Verdicts as plain JSON values: source, counts, and cells; numbers that are missing or infinite become null."""

    def plain(x: Any) -> Any:
        if isinstance(x, np.generic):
            x = x.item()
        return None if (isinstance(x, float) and not math.isfinite(x)) or x is pd.NaT else x

    records = [{k: plain(v) for k, v in row.items()} for row in table.to_dict("records")]
    return {
        "published": published.name,
        "source": published.cite(),
        "protocol": published.protocol,
        "counts": {str(k): int(v) for k, v in table.loc[table["form"] != "", "verdict"].value_counts().items()},
        "cells": records,
    }
