"""From rows to cells: one score a seed, then median, quartiles, mean and standard deviation over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from .methods import Method
from .notes import DOUBTS, notes_of

CELL = ["dataset", "query", "metric", "model", "variant"]
"""What names a cell: the unit that tables show and verdicts judge."""

QUESTION = ["dataset", "query", "metric"]
"""What cells of different methods share where they can be compared."""

ASKED = ["dataset", "model", "variant", "query"]
"""What a record's status speaks of."""

Question = tuple[str, str]
"""(query, metric)"""

NOT_RUN, FAILED, UNSUPPORTED = "not run", "failed", "unsupported"
_STATISTICS = ["median", "q1", "q3", "mean", "sd", "n"]


def text_columns(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """A copy in which `columns` are plain strings; a missing column or entry is the empty string."""
    frame = frame.copy()
    for name in columns:
        frame[name] = frame[name].fillna("").astype(str) if name in frame.columns else ""
    return frame


def roles(provenance: pd.DataFrame | None) -> dict[Method, str]:
    """The role of each method that has a record: what its class says, whatever label it goes by."""
    return _by_method(provenance, "role")


def named(provenance: pd.DataFrame | None, name: str) -> set[Method]:
    """The methods whose records are of the model `name` of the registry; by label where records do not tell."""
    if provenance is None or "name" not in provenance.columns:
        return {(name, "")}
    return {method for method, built in _by_method(provenance, "name").items() if built == name}


def registered(provenance: pd.DataFrame | None) -> dict[Method, str]:
    """The name in the registry of each method that has a record, whatever label it goes by."""
    return _by_method(provenance, "name")


def _by_method(provenance: pd.DataFrame | None, column: str) -> dict[Method, str]:
    if provenance is None or column not in provenance.columns:
        return {}
    told = text_columns(provenance, ["model", "variant", column]).drop_duplicates(["model", "variant"])
    return {(m, v): what for m, v, what in zip(told["model"], told["variant"], told[column], strict=True)}


def seed_scores(
    rows: pd.DataFrame, provenance: pd.DataFrame | None = None, *, values: str = "mean", members: str = "mean"
) -> pd.DataFrame:
    """One score per cell and seed, columns ``CELL + [seed, score]``, in the order of `rows`.

    The rows of a seed are averaged over values (``mean`` or ``median``), then over intervened nodes, then over members
    (``mean`` or ``median``).
    A seed at which part of a query went unanswered (a NaN, or a note in `provenance`) gets NaN: a mean over the
    questions that happened to be answered would be a mean of something else. A score of no node and no member is that
    of one question, and stands where another question under its query is not supported: a model without a density has
    no KL, and its samples are compared all the same. Seed scores come back as they are. Raises `ValueError` for a
    missing column.
    """
    needed = [*QUESTION, "model", "seed", "score"]
    if rows.empty:
        return pd.DataFrame(columns=[*CELL, "seed", "score"]).astype({"score": float})
    if missing := [c for c in needed if c not in rows.columns]:
        raise ValueError(f"rows lack the column(s) {missing}; there are {list(rows.columns)}")
    rows = text_columns(rows, [*CELL, "member", "node"])
    by_node = rows.groupby([*CELL, "seed", "member", "node"], sort=False)["score"].agg(_reduce(values))
    by_member = by_node.groupby([*CELL, "seed", "member"], sort=False).agg(_reduce("mean"))
    scores = by_member.groupby([*CELL, "seed"], sort=False).agg(_reduce(members)).reset_index()
    asked = statuses(provenance)
    unanswered = asked[asked["status"] != "ok"].drop_duplicates([*ASKED, "seed"]).set_index([*ASKED, "seed"])["status"]
    if unanswered.empty:
        return scores
    states = unanswered.reindex(pd.MultiIndex.from_frame(scores[[*ASKED, "seed"]])).to_numpy()
    parted = by_node.reset_index().assign(parted=lambda x: (x["node"] != "") | (x["member"] != ""))
    parted = parted.groupby([*CELL, "seed"], sort=False)["parted"].any().to_numpy()
    hit = pd.notna(states) & (parted | (states != UNSUPPORTED))
    scores.loc[hit, "score"] = np.nan
    return scores


def _reduce(how: str):
    if how not in ("mean", "median"):
        raise ValueError(f"rows are averaged by 'mean' or 'median', not {how!r}")
    statistic = getattr(np, how)
    return lambda s: statistic(s.to_numpy(dtype=float))  # unlike pandas' own, it lets a NaN through


def statuses(provenance: pd.DataFrame | None) -> pd.DataFrame:
    """A status per record and query that it speaks of, columns ``ASKED + [seed, status]``.

    A record that is ``ok`` may have notes on single queries (`Note`s in its column `notes`), which hold for these; the
    line with an empty query is the rest of the record. What is to be doubted (`DOUBTS`) is answered.
    """
    lines = []
    if provenance is not None and not provenance.empty:
        provenance = text_columns(provenance, ["dataset", "model", "variant", "status"])
        for row in provenance.to_dict("records"):
            noted = {note.query: note.status for note in notes_of(row) if note.status not in DOUBTS}
            for query, status in {**noted, "": row["status"]}.items():
                lines.append([row["dataset"], row["model"], row["variant"], query, row["seed"], status])
    return pd.DataFrame(lines, columns=[*ASKED, "seed", "status"])


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Over the seeds of each cell with a finite score: ``median, q1, q3, mean, sd, n`` of these.

    Quartiles interpolate linearly, as box plots do; sd is the population's (divided by n), as in the papers' tables.
    """
    scores = scores[np.isfinite(scores["score"].to_numpy(dtype=float))]
    lines = []
    for key, group in scores.groupby(CELL, sort=False):
        x = group["score"].to_numpy(dtype=float)
        q1, median, q3 = np.quantile(x, [0.25, 0.5, 0.75])
        lines.append([*key, median, q1, q3, x.mean(), x.std(), len(x)])
    return pd.DataFrame(lines, columns=[*CELL, *_STATISTICS])


def cells(
    scores: pd.DataFrame, provenance: pd.DataFrame | None = None, also: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Every cell that has scores or should have: `summarise`, then ``missing`` (seeds without a score) and ``state``.

    `state` is ``ok`` where there is a score, otherwise why there is none: ``failed``, ``unsupported`` or another status
    of its records; ``not run`` where there is no record. Cells that should have scores are those of every model with a
    record of the dataset, for every question that some model answered there, and those of `also`, which come first.
    """
    asked = statuses(provenance)
    table = summarise(scores)
    recorded = asked[ASKED[:3]].merge(scores[QUESTION].drop_duplicates(), on="dataset")
    wanted = pd.concat([part[CELL] for part in (also, scores, recorded) if part is not None])
    table = wanted.drop_duplicates().merge(table, on=CELL, how="left")
    table["n"] = table["n"].fillna(0).astype(int)
    seen = scores.groupby(CELL, sort=False)["seed"].agg(set).to_dict()
    status = asked.set_index(ASKED).groupby(level=ASKED)[["seed", "status"]].apply(lambda g: g.to_numpy().tolist())
    by_asked = status.to_dict() if len(status) else {}
    states, missing = [], []
    for row in table.to_dict("records"):
        key = (row["dataset"], row["model"], row["variant"])
        found = dict(by_asked.get((*key, ""), [])) | dict(by_asked.get((*key, row["query"]), []))
        seeds = set(found) | seen.get(tuple(row[c] for c in CELL), set())
        missing.append(len(seeds) - row["n"])
        states.append("ok" if row["n"] else _why(found.values(), FAILED if seeds - set(found) else NOT_RUN))
    return table.assign(missing=missing, state=states)


def _why(found: Iterable[str], default: str) -> str:
    bad = [status for status in found if status != "ok"]
    return FAILED if FAILED in bad else bad[0] if bad else default


def in_order(present: Iterable[str], first: Iterable[str] = (), last: Iterable[str] = ()) -> list[str]:
    """The distinct items of `present`: those of `first` in its order, then by appearance, then those of `last`."""
    there = list(dict.fromkeys(present))
    head = [x for x in dict.fromkeys(first) if x in there]
    tail = [x for x in dict.fromkeys(last) if x in there and x not in head]
    return head + [x for x in there if x not in head and x not in tail] + tail


def name_of(line: Mapping[Any, Any]) -> str:
    """A cell in one line."""
    return " ".join(filter(None, (str(line[c]) for c in CELL)))
