"""What the markers of `docs/claims.py` may ask of the runs on images, beside what `queries` has."""

from __future__ import annotations

from functools import cache

import pandas as pd
from image_results import CLASS, scored
from queries import method, run
from scmbench.benchmarks.judging import proxies
from scmbench.benchmarks.judging.cells import roles
from scmbench.benchmarks.judging.methods import CEILING
from scmbench.benchmarks.judging.proxies import TRUTH
from scmbench.models import load

DIFF_SCM = "diff-scm(corrected)"
WORLD = {"image": "image/strokes", "image-proxies": "image/strokes", "image-morpho": "image/morpho"}
"""The world of each suite."""
ALONG = "diff-scm s="
"""How rows of Diff-SCM along its guidance scale are named."""


def picture(name: str, who: str, metric: str = TRUTH, node: str = CLASS, query: str = "counterfactual") -> float:
    """A method's median over seeds of a score of images, of `node` set or, where it is empty, the mean over all."""
    scores = scored(run(name).rows, method(who), query, metric, node)
    if scores.empty:
        raise ValueError(f"no {metric} of {who} under {query} of {node} in {name}")
    return float(scores.median())


def guidance() -> float:
    """The guidance scale of Diff-SCM where none is named."""
    return float(load("diff-scm")().options()["scale"])


def along(name: str, metric: str, query: str = "counterfactual", node: str = CLASS, *, highest: bool = False) -> float:
    """The guidance scale of Diff-SCM at which a score's median over seeds is least, or `highest`."""
    titles = [one for one in run(name).rows["model"].unique() if one.startswith(ALONG)]
    scores = {float(one.removeprefix(ALONG)): picture(name, f"{one}(corrected)", metric, node, query) for one in titles}
    return (max if highest else min)(scores, key=lambda scale: scores[scale])


def at_scale(name: str, scale: str, metric: str = TRUTH, query: str = "counterfactual", node: str = CLASS) -> float:
    """A score of Diff-SCM at a guidance scale, the median over seeds."""
    return picture(name, f"{ALONG}{scale}(corrected)", metric, node, query)


@cache
def _agreement(name: str) -> pd.DataFrame:
    results = run(name)
    ceilings = [one for one, role in roles(results.provenance).items() if role == CEILING]
    return proxies.agreement(proxies.pairs(results.rows, WORLD[name], without=ceilings)).set_index("proxy")


def agrees(name: str, proxy: str) -> tuple[float, float, float]:
    """A proxy's rank correlation with the true error over methods, and its interval."""
    line = _agreement(name).loc[proxy]
    return float(line["rho"]), float(line["low"]), float(line["high"])


NAMES = {name: value for name, value in globals().items() if not name.startswith("_") and name != "annotations"}
"""What an expression may use."""
