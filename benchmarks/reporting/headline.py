"""The sentence that a report begins with: what came out as published, or, without such numbers, what differs."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from ..judging.cells import QUESTION, Method
from ..judging.paired import FEW, HIGHER, LOWER
from ..judging.paired import LEAST as LEAST_PAIRED
from ..judging.rule import JUDGED, LEAST
from .layout import Layout


def of_verdicts(judged: pd.DataFrame, layout: Layout) -> str:
    """How many of the published cells were run, and how many of these have which verdict (of `verdicts`)."""
    run = judged[(judged["form"] != "") & (judged["n"] > 0)]
    words = {w: int((run["verdict"] == w).sum()) for w in [*JUDGED, *sorted(set(run["verdict"]) - set(JUDGED))]}
    counts = ", ".join(f"{n} {word}" for word, n in words.items() if n)
    whose = "published cells" if layout.theirs == "paper" else f"cells of the {layout.theirs}, run by us,"
    told = f"{len(run)} of {int((judged['form'] != '').sum())} {whose} were run: {counts or 'none'}."
    if len(run) and run["n"].max() < LEAST:
        told += f" Fewer than {LEAST} seeds decide nothing, so no cell is listed as not reproduced."
    return told


def of_differences(compared: pd.DataFrame, base: Method, layout: Layout) -> str:
    """On how many rows each method is surely better and worse than `base` (of `relatives`)."""
    methods: list[Method] = list(dict.fromkeys(zip(compared["model"], compared["variant"], strict=True)))
    if set(compared["change"]) == {FEW}:
        named = ", ".join(map(layout.method, methods))
        return f"{named} beside {layout.method(base)}: fewer than {LEAST_PAIRED} seeds tell nothing apart."
    better, worse = Counter[Method](), Counter[Method]()
    for line in compared[compared["change"].isin([LOWER, HIGHER])].to_dict("records"):
        gains = (line["change"] == HIGHER) == ((line["query"], line["metric"]) in layout.higher)
        (better if gains else worse)[line["model"], line["variant"]] += 1
    rows = len(compared[QUESTION].drop_duplicates())
    over = f"Of {rows} {'row' if rows == 1 else 'rows'} (a dataset and a score)"
    if not better and not worse:
        return f"{over}, no method is surely better or worse than {layout.method(base)} on any."
    told = "; ".join(f"{layout.method(m)} {better[m]} and {worse[m]}" for m in methods)
    return f"{over}, surely better and worse than {layout.method(base)}: {told}."
