"""Records that were taken from another run to stand beside one's own: which, and from which commit."""

from __future__ import annotations

import pandas as pd

from ..judging.cells import text_columns
from ..judging.methods import Method

MARK = "°"
"""Stands in tables beside the names of methods whose numbers another run computed."""

COLUMN = "taken"
"""Column of a run's provenance: where a record was taken from; absent or empty for one's own."""


def marked(provenance: pd.DataFrame, origin: str) -> pd.DataFrame:
    """The provenance of another run, each record with `origin` and its commit.

    >>> marked(pd.DataFrame({"commit": ["bab7ba5bcb9c"]}), "the committed run")["taken"].tolist()
    ['the committed run, commit bab7ba5']
    """
    commits = text_columns(provenance, ["commit"])["commit"].str[:7]
    return provenance.assign(**{COLUMN: [f"{origin}, commit {commit}" if commit else origin for commit in commits]})


def is_marked(provenance: pd.DataFrame) -> pd.Series:
    """Which records were taken from another run."""
    return text_columns(provenance, [COLUMN])[COLUMN] != ""


def methods(provenance: pd.DataFrame | None) -> dict[Method, set[str]]:
    """Where records of each method were taken from, for those with any."""
    if provenance is None or COLUMN not in provenance.columns:
        return {}
    found: dict[Method, set[str]] = {}
    told = text_columns(provenance[is_marked(provenance)], ["model", "variant", COLUMN])
    for model, variant, origin in zip(told["model"], told["variant"], told[COLUMN], strict=True):
        found.setdefault((model, variant), set()).add(origin)
    return found


def told(provenance: pd.DataFrame | None) -> str:
    """Where what was taken comes from, with its commits; empty where nothing was."""
    found = sorted(set().union(*methods(provenance).values()))
    return f"taken as it is, and not computed again, from {'; '.join(found)}." if found else ""
