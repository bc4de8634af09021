"""Scores that judges gave are compared only where the judges are the same: the digest in each record says so."""

from __future__ import annotations

import pandas as pd

from .cells import text_columns

JUDGED = (
    *("validity", "im1", "im1_median", "im2", "im2_median", "cld", "cld_weighted", "frechet64", "leak_class"),
    *("measured_thickness", "leak_thickness", "effectiveness_thickness"),
)
"""Scores that depend on judges; a world's unit of thickness is theirs too."""


def mixed(provenance: pd.DataFrame) -> dict[tuple[str, int], list[str]]:
    """Data set and seed to the digests of judges, where records have several.

    `provenance` is that of `Results`; its column ``judges`` is there where a record was judged.
    """
    if "judges" not in provenance.columns:
        return {}
    told = text_columns(provenance, ["dataset", "judges"])
    told = told[told["judges"] != ""]
    found = {
        (str(part["dataset"].iloc[0]), int(part["seed"].iloc[0])): sorted(set(part["judges"]))
        for _, part in told.groupby(["dataset", "seed"], sort=False)
    }
    return {key: digests for key, digests in found.items() if len(digests) > 1}


def without_mixed(rows: pd.DataFrame, provenance: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows without scores that different judges gave for one data set and seed, and a line for each of these."""
    unlike = mixed(provenance)
    if not unlike:
        return rows, []
    keys = zip(rows["dataset"], rows["seed"], rows["metric"], strict=True)
    kept = [not (metric in JUDGED and (dataset, seed) in unlike) for dataset, seed, metric in keys]
    notes = [
        f"{dataset}, seed {seed}: records were scored by different judges ({', '.join(d[:12] for d in digests)}): the "
        "scores of these cannot be compared and are left out. Compute those records anew on one machine."
        for (dataset, seed), digests in unlike.items()
    ]
    return rows[pd.Series(kept, index=rows.index, dtype=bool)], notes
