"""The tables of the page on images, from the committed runs of its suites: ``python docs/catalogue.py``.

Where there is no such run, every table is the sentence that says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from committed_runs import runs
from queries import run
from scmbench.benchmarks.judging.cells import Method
from scmbench.benchmarks.judging.proxies import TRUTH
from scmbench.benchmarks.reporting.render import DASH, number
from shown import not_run, plain, table, there, write

OUT = Path(__file__).parent / "numbers" / "images" / "tables"
SUITES = {
    "image": ("truth", "proxies"),
    "image-morpho": ("truth",),
    "image-proxies": ("truth", "proxies"),
    "diff-scm-small": ("proxies",),
}
"""Tables by suite; `image/morpho` knows no truth of another class, and MNIST's test images know none at all."""


Column = tuple[str, str, str, str]
"""Head, and the question: query, metric, and the node that is set (empty: mean over all that are)."""

CLASS = "digit"
"""The class of every world of images here."""

PROXIES: tuple[Column, ...] = (
    ("true error", "counterfactual", TRUTH, CLASS),
    ("validity", "counterfactual", "validity", CLASS),
    ("IM1", "counterfactual", "im1", CLASS),
    ("IM2", "counterfactual", "im2", CLASS),
    ("CLD", "counterfactual", "cld", CLASS),
    ("L1", "counterfactual", "l1", CLASS),
    ("Fréchet", "interventional", "frechet64", CLASS),
    ("composition, once", "composition", "composition_1", ""),
)
"""What papers report of an image whose class is another, beside its true error."""

AXIOMS: tuple[Column, ...] = (
    ("composition, once", "composition", "composition_1", ""),
    ("ten times", "composition", "composition_10", ""),
    ("reversibility", "reversibility", "l1", ""),
)


def main() -> None:
    """Write the tables of every suite of images."""
    write(tables(), OUT)


def tables() -> dict[str, str]:
    """Markdown by name, ``truth_image`` and ``proxies_image`` for the suite `image`."""
    found = {}
    for suite, kinds in SUITES.items():
        made = rendered(suite) if there(suite) else dict.fromkeys(kinds, not_run(suite))
        found |= {f"{kind}_{suite}": made[kind] for kind in kinds}
    return found


def rendered(suite: str) -> dict[str, str]:
    """Both tables of a suite that has a committed run."""
    (layout,) = (one.layout for one in runs() if one.name == suite)
    names = {method: layout.method(method) for method in layout.methods}
    rows = run(suite).rows
    return {"truth": truth(rows, names), "proxies": proxies(rows, names)}


def truth(rows: pd.DataFrame, names: Mapping[Method, str]) -> str:
    """The error against the true image by intervened node, by the image's mechanism alone, and the two axioms."""
    set_ = list(dict.fromkeys(rows[(rows["query"] == "counterfactual") & (rows["metric"] == TRUTH)]["node"]))
    order = sorted(set_, key=lambda node: (node != CLASS, set_.index(node)))
    columns = [(f"do({node})", "counterfactual", TRUTH, node) for node in order]
    columns.append(("causes given", "counterfactual-image", TRUTH, ""))
    return by_method(rows, names, [*columns, *AXIOMS])


def proxies(rows: pd.DataFrame, names: Mapping[Method, str]) -> str:
    """Under ``do(digit)``: the true error where it is known, and what proxies say of the same answers."""
    known = TRUTH in set(rows["metric"])
    # Where samples come from no world, the Fréchet distance is that of the answers to real images of the class.
    columns = (
        PROXIES if known else [(h, "counterfactual" if m == "frechet64" else q, m, n) for h, q, m, n in PROXIES[1:]]
    )
    return by_method(rows, names, columns)


def by_method(rows: pd.DataFrame, names: Mapping[Method, str], columns: Sequence[Column]) -> str:
    """A line a method, a column a question: the median over seeds, and the lowest and highest below it."""
    shown = [
        [plain(name), *(_cell(scored(rows, method, *column[1:])) for column in columns)]
        for method, name in names.items()
    ]
    return table(["method", *(column[0] for column in columns)], [row for row in shown if set(row[1:]) != {DASH}])


def _cell(scores: pd.Series) -> str:
    if scores.empty:
        return DASH
    ends = f"<br>{number(scores.min())} to {number(scores.max())}" if scores.nunique() > 1 else ""
    return number(float(scores.median())) + ends


def scored(rows: pd.DataFrame, method: Method, query: str, metric: str, node: str) -> pd.Series:
    """Scores of a method by seed: the mean over all that `node` or, where it is empty, every node was set to."""
    keep = (rows["model"] == method[0]) & (rows["variant"].fillna("") == method[1])
    keep &= (rows["query"] == query) & (rows["metric"] == metric)
    part = rows[keep & (rows["node"] == node)] if node else rows[keep]
    nodes = part.groupby(["seed", "node"], dropna=False)["score"].mean()
    return nodes.groupby(level="seed").mean().dropna()


if __name__ == "__main__":
    main()
