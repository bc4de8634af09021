"""What is not chaotic is compared exactly: options, versions, gradient steps, parameters, rows, waivers, outcomes.

Training amplifies rounding, so that scores need tolerances; the number of its steps does not. A method that trains for
half as long may stay within the tolerance of a chaotic score, and is found here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from scmbench import datasets
from scmbench.datasets.files.texts import json_of
from scmbench.datasets.files.whole import replace_with

from ..judging.cells import ASKED, statuses, text_columns
from ..records import committed
from ..records.results import Results
from ..running import planner
from ..suites.suite import Suite

IDENTITIES = "identities.json"

RECORD = ["dataset", "model", "variant", "seed"]
"""What names a record within a suite."""

FACTS = ("parameters", "gradient_steps", "mechanisms", "rows", "waives")
"""Columns of a run's provenance that must be equal, as far as the committed run has them."""

COLUMNS = ["where", "what", "committed", "now"]

ABSENT = "–"


def identities(suite: Suite) -> dict[str, Any]:
    """What determines the outcomes of a suite, as plain values: protocol, versions, resolved options of every model."""
    asked = {one.entry.title: one.identity for one in planner.trials(suite)}
    first = next(iter(asked.values()))
    return {
        "protocol": {first.protocol: first.protocol_version},
        "metrics": dict(first.metric_versions),
        "datasets": {name: datasets.get(name).version for name in suite.datasets},
        "models": {
            title: {"name": one.model, "version": one.model_version, "options": one.to_json()["options"]}
            for title, one in asked.items()
        },
    }


def write(folder: Path, suite: Suite, results: Results) -> None:
    """Keep the suite's `identities` beside its committed run, and earlier ones of what else is in `results`."""
    found = identities(suite)
    if (folder / IDENTITIES).exists():
        old, there = read(folder), results.provenance
        methods = text_columns(there, ["model", "variant"])[["model", "variant"]].drop_duplicates().to_numpy()
        titles = {f"{model} ({variant})" if variant else model for model, variant in methods}
        found["models"] = {t: one for t, one in old["models"].items() if t in titles} | found["models"]
        found["datasets"] = {d: v for d, v in old["datasets"].items() if d in set(there["dataset"])} | found["datasets"]
    replace_with(folder / IDENTITIES, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """The identities of a committed run. Raises `CommittedError` where they are missing or damaged."""
    path = folder / IDENTITIES
    try:
        found = json_of(path, committed.CommittedError)
    except FileNotFoundError:
        raise committed.CommittedError(f"{path} is missing: scmbench committed update records the options") from None
    parts = ("protocol", "metrics", "datasets", "models")
    if not (isinstance(found, dict) and all(isinstance(found.get(part), dict) for part in parts)):
        raise committed.CommittedError(f"{path} lacks one of {list(parts)}: scmbench committed update writes it")
    return found


def differences(suite: Suite, now: Results, before: Results, known: Mapping[str, Any]) -> pd.DataFrame:
    """Everything about `suite` that differs between a run, the committed one and its identities: columns `COLUMNS`.

    Records and models that only one side has are left to `moves.judge`, which calls their cells lost or unknown.
    """
    records = [*_facts(now.provenance, before.provenance), *_scores(now.rows, before.rows)]
    lines = [*_identities(identities(suite), known), *_by_seeds(records)]
    return pd.DataFrame(lines, columns=COLUMNS)


def describe(line: Mapping[Any, Any]) -> str:
    """A difference in words.

    >>> describe({"where": "carefl (reference)", "what": "options.epochs", "committed": "200", "now": "100"})
    'carefl (reference): options.epochs was 200, is now 100'
    """
    return f"{line['where']}: {line['what']} was {line['committed']}, is now {line['now']}"


def _identities(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[list[str]]:
    """Options and versions that differ. A metric or dataset that is new changes no committed number."""
    parts = {"protocol": "version of the protocol", "metrics": "version of the metric", "datasets": "version"}
    for part, what in parts.items():
        for name, version in before[part].items():
            if part == "datasets" and name not in now[part]:
                continue
            if (there := now[part].get(name)) != version:
                where, said = (name, what) if part == "datasets" else ("every record", f"{what} {name}")
                yield [where, said, _text(version), _text(there)]
    for title in now["models"].keys() & before["models"].keys():
        ours, theirs = (_flat(side["models"][title]) for side in (now, before))
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name, ABSENT) != theirs.get(name, ABSENT):
                yield [title, name, _text(theirs.get(name)), _text(ours.get(name))]


def _flat(model: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in model.items() if name != "options"}
    return rest | {f"options.{name}": value for name, value in model.get("options", {}).items()}


def _facts(now: pd.DataFrame, before: pd.DataFrame) -> Iterator[list[Any]]:
    """Facts of the records that both sides have: ``[dataset, model, variant, seed, what, committed, now]``."""
    if now.empty or before.empty:
        return
    known = [name for name in FACTS if name in before]
    sides = [
        _outcomes(side).merge(text_columns(side, RECORD[:3]).reindex(columns=[*RECORD, *known]), on=RECORD)
        for side in (before, now)
    ]
    both = sides[0].merge(sides[1], on=RECORD, suffixes=(" committed", " now"))
    for name in ["outcome", *known]:
        ours, theirs = (both[f"{name} {side}"].map(_text) for side in ("now", "committed"))
        counted = (name != "rows") | (theirs != ABSENT)  # rows of older committed runs were not counted
        for i in both.index[(ours != theirs) & counted]:
            yield [*both.loc[i, RECORD], name, theirs[i], ours[i]]


def _outcomes(provenance: pd.DataFrame) -> pd.DataFrame:
    """What became of every record and of the queries it could not answer: `RECORD` and `outcome`."""
    asked = statuses(provenance)
    said = asked["query"].where(asked["query"] != "", "record") + " " + asked["status"]
    return asked.assign(outcome=said).groupby(RECORD, sort=False)["outcome"].agg(", ".join).reset_index()


def _scores(now: pd.DataFrame, before: pd.DataFrame) -> Iterator[list[Any]]:
    """Scores of common records that only one side has."""
    names = [*ASKED, "node", "metric", "member"]
    sides = [text_columns(side, names).reindex(columns=[*names, "seed"]).drop_duplicates() for side in (before, now)]
    both = sides[0].merge(sides[1], how="outer", indicator="side")
    common = sides[0][RECORD].merge(sides[1][RECORD]).drop_duplicates()
    for line in both[both["side"] != "both"].merge(common, on=RECORD).to_dict("records"):
        what = " ".join(filter(None, ("score", *(line[c] for c in ("query", "metric", "node", "member")))))
        there, gone = ("there", ABSENT) if line["side"] == "left_only" else (ABSENT, "there")
        yield [*(line[c] for c in RECORD), what, there, gone]


def _by_seeds(records: list[list[Any]]) -> Iterator[list[str]]:
    """The same difference at several seeds is one line."""
    frame = pd.DataFrame(records, columns=[*RECORD, *COLUMNS[1:]])
    for key, group in frame.groupby([c for c in frame if c != "seed"], sort=False):
        dataset, model, variant, *rest = map(str, key)
        seeds = ", ".join(str(seed) for seed in sorted(group["seed"]))
        title = f"{model} ({variant})" if variant else model
        yield [f"{dataset}, {title}, seed {seeds}", *rest]


def _text(value: Any) -> str:
    """A value as text, numbers alike whether they were read from a file or not; what is not there as ``–``."""
    if value is None or (isinstance(value, float) and value != value):
        return ABSENT
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else str(value)
    return f"{float(value):.10g}"
