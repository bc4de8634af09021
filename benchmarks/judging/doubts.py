"""Scores that no honest method has: far below what the world itself scores against its own truth.

The oracle draws from the world, independently of the truth that it is compared with. Group by group (a seed, a query,
an intervened node and its value) its distance and that of a method share the truth's rows. A method whose answers are
draws, from the world or from anything else, is nearer than the oracle in at most half of the groups. In counterfactuals
`posterior` has the least squared error that the factual rows allow, on average over rows: without the noise behind a
row nobody does better. A method is *suspect* in a query where, of one metric, over all seeds,

1. there are at least `LEAST` groups, and scores are below the bound's in so many of them that a fair coin does that
   with probability `SURE` at most (sign test, one-sided), and
2. their mean is below a tenth of the bound's (`FACTOR`). Draws that are spread evenly rather than independent, as
   quasi-random ones are, save at most their own half of the oracle's distance, and so stay above;
3. in counterfactuals also: the posterior's mean is at least a hundredth of the marginal's (`UNKNOWABLE`), so that there
   is enough which a row does not tell; or it is nothing but rounding (`ROUNDING`), which no learned number gets below.
   A root mean squared error is squared first.

The bounds are those of the same run: without the oracle, or for counterfactuals the posterior and the marginal, nothing
is judged. Nor is an unbiased distance, around 0 for the oracle itself, of which there is no tenth; nor a floor.
"""

from __future__ import annotations

import pandas as pd
from scipy import stats

from .cells import named, roles, text_columns
from .methods import METHOD, Method
from .notes import SUSPECT, Note, notes_of

LEAST, SURE, FACTOR = 20, 1e-6, 0.1
UNKNOWABLE, ROUNDING = 0.01, 1e-20

GROUP = ["dataset", "seed", "member", "query", "node", "value", "metric"]
"""What names a group of rows that all methods were asked about."""

Record = tuple[str, str, str]
"""(dataset, model, variant)"""


def with_suspects(rows: pd.DataFrame, provenance: pd.DataFrame) -> pd.DataFrame:
    """The provenance of a run with a `Note` on every suspect query.

    Notes of earlier runs are kept on what cannot be judged here, for want of the oracle or of seeds.
    """
    if provenance.empty or rows.empty:
        return provenance
    judged = suspects(rows, provenance)
    notes = []
    for row in provenance.to_dict("records"):
        found = judged.get((str(row["dataset"]), str(row["model"]), str(row["variant"])), {})
        kept = [note for note in notes_of(row) if note.status != SUSPECT or note.query not in found]
        notes.append((*kept, *(note for note in found.values() if note is not None)))
    return provenance.assign(notes=pd.Series(notes, index=provenance.index, dtype=object))


def suspects(rows: pd.DataFrame, provenance: pd.DataFrame) -> dict[Record, dict[str, Note | None]]:
    """Of each dataset and method the queries that can be judged, with a note on those that are suspect.

    `rows` are scores in long form, by value.
    """
    rows = text_columns(rows, ["dataset", "model", "variant", "member", "query", "node", "metric"])
    known = roles(provenance)
    bounds = ("oracle", "posterior", "marginal")
    oracle, posterior, marginal = (_scores(rows, named(provenance, name)) for name in bounds)
    names = zip(rows["model"], rows["variant"], strict=True)
    methods = rows[[known.get(method, METHOD) == METHOD for method in names]]
    factual = methods["query"] == "counterfactual"
    judged: dict[Record, dict[str, Note | None]] = {}
    for part, bound, what in ((methods[~factual], oracle, "oracle"), (methods[factual], posterior, "posterior")):
        both = part.merge(bound, on=GROUP, suffixes=("", "_bound"))
        both = both.merge(marginal, on=GROUP, how="left", suffixes=("", "_marginal"))
        for (dataset, model, variant, query), asked in both.groupby(["dataset", "model", "variant", "query"]):
            cells = {str(metric): cell for metric, cell in asked.groupby("metric") if _can_be_judged(cell)}
            if cells:
                found = [m for m, cell in cells.items() if _is_suspect(cell, m, counterfactual=what == "posterior")]
                message = f"{', '.join(found)} below a tenth of what the {what} scores: out of an honest method's reach"
                note = Note(str(query), SUSPECT, message) if found else None
                judged.setdefault((str(dataset), str(model), str(variant)), {})[str(query)] = note
    return judged


def _scores(rows: pd.DataFrame, methods: set[Method]) -> pd.DataFrame:
    """The scores of the first of these methods that there is, one a group."""
    names = pd.Series(list(zip(rows["model"], rows["variant"], strict=True)), index=rows.index, dtype=object)
    return rows[names.isin(methods)].drop_duplicates(GROUP)[[*GROUP, "score"]]


def _can_be_judged(cell: pd.DataFrame) -> bool:
    bound = cell["score_bound"]
    return len(cell) >= LEAST and bound.min() >= 0 and bound.mean() > 0


def _is_suspect(cell: pd.DataFrame, metric: str, *, counterfactual: bool) -> bool:
    ours, bound, marginal = cell["score"], cell["score_bound"], cell["score_marginal"]
    if stats.binom.sf((ours < bound).sum() - 1, len(cell), 0.5) > SURE:
        return False
    if not counterfactual:
        return bool(ours.mean() < FACTOR * bound.mean())
    power = 2 if metric.startswith("rmse") else 1
    mean, least, most = ((x**power).mean() for x in (ours, bound, marginal))
    told = least >= UNKNOWABLE * most or least <= ROUNDING * most  # false without a marginal, whose mean is NaN
    return bool(told and mean < FACTOR * least)
