"""Every method against one of them: the table of ratios paired by seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...judging.cells import Method, Question
from ...judging.paired import HIGHER, LEAST, LOWER
from ..layout import Layout, question_name
from ..render import Table, Text, number

SAME_MEMBERS = "the members are the same at every seed: this says nothing about others"
"""What must be said of an interval over seeds where a dataset has members, such as patients."""


def relative_table(compared: pd.DataFrame, base: Method, layout: Layout, *, members: bool = False) -> Table:
    """Per method and question: the ratio's geometric mean over SCMs, and on how many it is surely lower or higher."""
    rows: list[Any] = []
    for method in methods_of(compared, layout):
        entries: list[Text | str] = []
        for question in questions_of(compared, layout):
            lines = lines_of(compared, method, question)
            ratio = float(np.exp(lines["log_ratio"].replace([np.inf, -np.inf], np.nan).mean()))
            lower, higher = (int((lines["change"] == word).sum()) for word in (LOWER, HIGHER))
            entries.append(f"{number(ratio)}  ({lower}↓ {higher}↑ of {len(lines)})")
        rows.append([layout.method(method), *entries])
    questions = [question_name(q, short=True) for q in questions_of(compared, layout)]
    notes = [
        f"Score of the method / score of {layout.method(base)}, paired by seed. {layout.better()}.",
        f"The ratio is the geometric mean over SCMs and seeds; ↓ and ↑ count SCMs whose 95 % interval (Student's t, "
        f"{seeds_of(compared)}, at least {LEAST}) leaves out 1{'; ' + SAME_MEMBERS if members else ''}.",
    ]
    return Table("relative", f"Against {layout.method(base)}", ["method", *questions], rows, notes, 1)


def seeds_of(compared: pd.DataFrame) -> str:
    """How many seeds are common: ``n = 10``, or ``n = 5 to 10``."""
    low, high = int(compared["n"].min()), int(compared["n"].max())
    return f"n = {high}" if low == high else f"n = {low} to {high}"


def methods_of(compared: pd.DataFrame, layout: Layout) -> list[Method]:
    """The methods that were compared, in the layout's order."""
    there = set(zip(compared["model"], compared["variant"], strict=True))
    return [m for m in layout.methods if m in there]


def questions_of(compared: pd.DataFrame, layout: Layout) -> list[Question]:
    """The questions that were compared, in the layout's order."""
    there = set(zip(compared["query"], compared["metric"], strict=True))
    return [q for q in layout.questions if q in there]


def lines_of(compared: pd.DataFrame, method: Method, question: Question) -> pd.DataFrame:
    """The lines of one method and question, a SCM each."""
    keys = dict(zip(("model", "variant", "query", "metric"), (*method, *question), strict=True))
    return compared[np.logical_and.reduce([compared[name] == key for name, key in keys.items()])]
