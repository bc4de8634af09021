"""What the markers of `docs/claims.py` may ask of the committed runs.

A method is written ``dcm(reference)`` or ``linear``; a question ``obs``, ``int``, ``cf`` (first descendant), ``all``
(all descendants) or ``pred``; a dataset by the end of its name, ``chain/nlin``; several are a list, of which `SMALL`,
`LARGE` and `ALL` are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from inspect import signature
from pkgutil import resolve_name

import numpy as np
import pandas as pd
from scmbench.benchmarks.gate.tolerance import read as read_tolerances
from scmbench.benchmarks.judging import published
from scmbench.benchmarks.judging.cells import Method, summarise
from scmbench.benchmarks.judging.members import Estimate, difference, estimate, series
from scmbench.benchmarks.judging.paired import contrast
from scmbench.benchmarks.judging.verdict import verdicts
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.records import committed
from scmbench.benchmarks.records.results import Results, scores_of
from scmbench.benchmarks.suites import suite as suites

QUESTIONS = {
    "obs": ("observational", "mmd"),
    "int": ("interventional", "mmd"),
    "cf": ("counterfactual", "mse_first"),
    "all": ("counterfactual", "mse_all"),
    "pred": ("predictive", "abs_error"),
    "kl": ("observational", "kl"),
    "ate": ("interventional", "ate_norm"),
    "rows": ("counterfactual", "row_norm"),
    "rmse": ("counterfactual", "rmse_raw"),
    "mse_columns": ("counterfactual", "mse_columns"),
    "ctf_rmse": ("counterfactual", "rmse_standardised"),
    "obs_sinkhorn": ("observational", "sinkhorn"),
    "ks_int": ("interventional", "ks"),
    "w1_int": ("interventional", "w1"),
    "shape_int": ("interventional", "mmd_standardised"),
    "ks_rows": ("counterfactual", "ks"),
    "forest_int": ("interventional", "c2st_forest"),
}
SMALL = [f"{scm}/{noise_model}" for scm in ("chain", "triangle", "diamond", "y") for noise_model in ("nlin", "nadd")]
LARGE = [f"{scm}/{noise_model}" for scm in ("ladder", "random", "sachs") for noise_model in ("nlin", "nadd")]
ALL = SMALL + LARGE
LOST = [f"flat-{w}" for w in ("0.2", "0.4", "0.6", "0.8", "1.0")] + [
    f"sine-{f}" for f in ["0.25", "0.30", "0.35", "0.40", "0.45", "0.5", "1.0", "2.0", "4.0", "6.0", "8.0", "10.0"]
]
"""Worlds of `violations/` in which several noises give one value."""
CCNF = ["chain4/lin", "triangle", "simpson", "m", "network", "chain8", "backdoor/published"]
"""Worlds of the suite `ccnf` that have a published KL."""
NOISES = ["normal", "rademacher", "gamma", "cauchy", "inversegamma"]
"""Noises of `cocycles/pair/`."""
VECTORS = ["stair", "fork", "backdoor", "barbell"]
"""Worlds of `tmscm/`."""
DCM, ANM, VACA, CAREFL = (f"{model}(reference)" for model in ("dcm", "anm", "vaca", "carefl"))
DCM_C, ANM_C, VACA_C, CAREFL_C = (f"{model}(corrected)" for model in ("dcm", "anm", "vaca", "carefl"))
NADD = [name for name in ALL if name.endswith("nadd")]
NLIN = [name for name in ALL if name.endswith("nlin")]


def method(text: str) -> Method:
    """``dcm(reference)`` as (model, variant)."""
    model, _, variant = text.rstrip(")").partition("(")
    return model, variant


@cache
def run(name: str) -> Results:
    """A committed run, as its suite asks for it."""
    return committed.read(committed.folder(name)).of(suites.load(name))


@cache
def seed_scores(name: str) -> pd.DataFrame:
    """Its scores per seed."""
    return scores_of(suites.load(name), run(name))


@cache
def cells(name: str) -> pd.DataFrame:
    """Its medians, quartiles and means."""
    return summarise(seed_scores(name))


def _of(table: pd.DataFrame, who: str | None, question: str | None, datasets: Sequence[str] | None) -> pd.DataFrame:
    keep = pd.Series(True, index=table.index)
    if who is not None:
        keep &= (table["model"] == method(who)[0]) & (table["variant"] == method(who)[1])
    if question is not None:
        keep &= (table["query"] == QUESTIONS[question][0]) & (table["metric"] == QUESTIONS[question][1])
    if datasets is not None:
        keep &= table["dataset"].map(lambda name: any(name.endswith("/" + end) for end in datasets))
    found = table[keep]
    if found.empty:
        raise ValueError(f"no cell of {who}, {question}, {datasets}")
    return found


def median(name: str, who: str, question: str, dataset: str, scale: float = 1.0) -> float:
    """Median over seeds of one cell, times `scale`."""
    return scale * _of(cells(name), who, question, [dataset])["median"].item()


def medians(name: str, who: str, question: str, datasets: Sequence[str] = tuple(ALL), scale: float = 1.0) -> pd.Series:
    """Medians over seeds, by dataset."""
    return scale * _of(cells(name), who, question, datasets).set_index("dataset")["median"]


def mean(name: str, who: str, question: str, dataset: str) -> float:
    """Mean over seeds of one cell."""
    return float(_of(cells(name), who, question, [dataset])["mean"].item())


def printed_median(name: str, who: str, question: str, dataset: str) -> float:
    """Median of a published cell that is given as a box."""
    return float(_of(_numbers(name), who, question, [dataset])["median"].item())


@cache
def _numbers(name: str) -> pd.DataFrame:
    return published.load(name).cells


def printed(name: str, question: str, dataset: str, who: str | None = None) -> tuple[float, float]:
    """Mean and sample standard deviation of a published cell; `who` may be left out where the file has one model."""
    cell = _of(_numbers(name), who, question, [dataset])
    return float(cell["mean"].item()), float(cell["sd"].item())


def at_oracle(run_name: str, name: str, question: str) -> pd.Series:
    """What the oracle scores in per cent of what is published, by dataset: sampling alone."""
    theirs = _of(_numbers(name), None, question, None).set_index("dataset")["mean"]
    ours = _of(cells(run_name), "oracle", question, None).set_index("dataset")["mean"]
    return 100 * (ours / theirs).dropna()


def number_of(values: pd.Series, above: float) -> tuple[int, int]:
    """How many are above a bound, of how many."""
    return int((values > above).sum()), len(values)


@cache
def _contrast(name: str, a: str, b: str) -> pd.DataFrame:
    return contrast(seed_scores(name), method(a), method(b))


def ratios(name: str, a: str, b: str, question: str, datasets: Sequence[str] | None = None) -> pd.Series:
    """a / b paired by seed: the geometric mean over seeds, by dataset."""
    return np.exp(_of(_contrast(name, a, b), None, question, datasets).set_index("dataset")["log_ratio"])


def ratio(name: str, a: str, b: str, question: str, datasets: Sequence[str] | None = None) -> float:
    """The geometric mean over datasets of `ratios`."""
    return float(np.exp(np.log(ratios(name, a, b, question, datasets)).mean()))


def surely(name: str, a: str, b: str, question: str, datasets: Sequence[str] | None = None) -> tuple[int, int, int]:
    """On how many datasets a is surely lower than b, on how many higher, and of how many."""
    change = _of(_contrast(name, a, b), None, question, datasets)["change"]
    return int((change == "lower").sum()), int((change == "higher").sum()), len(change)


@cache
def judged(name: str = "paper") -> pd.DataFrame:
    """Verdicts on the published cells of a run."""
    (numbers,) = (published.load(paper) for paper in suites.load(name).published)
    table = verdicts(seed_scores(name), numbers, run(name).provenance)
    return table[table["form"] != ""]


def count(*words: str, name: str = "paper", who: str | None = None) -> int:
    """How many published cells, of one method or of all, have one of these verdicts; all of them without a word."""
    cells = _of(judged(name), who, None, None)
    return int((cells["verdict"].isin(words) if words else cells["n"] > 0).sum())


def rows_in_order(name: str = "paper") -> tuple[int, int]:
    """Rows whose methods stand in the published order, of how many."""
    one = judged(name).drop_duplicates(["dataset", "query", "metric"])["order_agrees"]
    return int(one.sum()), len(one)


def outside(name: str = "paper") -> int:
    """Cells whose interval of the ratio leaves out 1."""
    table = judged(name)
    return int(((table["low"] > 0) | (table["high"] < 0)).sum())


def off(who: str, question: str, dataset: str, name: str = "paper") -> float:
    """How far our median is from the published one, in per cent."""
    return 100 * (float(np.exp(_of(judged(name), who, question, [dataset])["log_ratio"].item())) - 1)


def offs(*words: str, name: str = "paper") -> pd.Series:
    """The same of all cells with one of these verdicts."""
    table = judged(name)
    return 100 * (np.exp(table[table["verdict"].isin(words)]["log_ratio"]) - 1)


def over_paper(name: str, who: str, question: str, dataset: str) -> float:
    """Our median of any method of any run over the published median of DCM."""
    theirs = _of(judged(), "dcm(reference)", question, [dataset])["theirs"].item()
    return median(name, who, question, dataset) / theirs


def away(name: str, who: str) -> tuple[float, float, float]:
    """Counterfactual errors of the small SCMs over DCM's published ones: how far off on average, lowest, highest.

    The average is the geometric mean of the factors by which they are off, in either direction.
    """
    factors = np.array([over_paper(name, who, "cf", d) for d in SMALL])
    return float(np.exp(np.abs(np.log(factors)).mean())), float(factors.min()), float(factors.max())


def _provenance(name: str, who: str) -> pd.DataFrame:
    table = run(name).provenance
    return table[(table["model"] == method(who)[0]) & (table["variant"] == method(who)[1])]


def parameters(name: str, who: str) -> float:
    """Median number of parameters."""
    return float(_provenance(name, who)["parameters"].median())


def fit_cost(name: str, a: str, b: str) -> float:
    """CPU time of all fits of a over those of b."""
    return float(_provenance(name, a)["fit_cpu_s"].sum() / _provenance(name, b)["fit_cpu_s"].sum())


def query_cost(name: str, a: str, b: str) -> float:
    """The same of all queries."""
    return float(_provenance(name, a)["query_cpu_s"].sum() / _provenance(name, b)["query_cpu_s"].sum())


def lower(factor: float) -> float:
    """A ratio as per cent lower."""
    return 100 * (1 - factor)


def higher(factor: float) -> float:
    """A ratio as per cent higher."""
    return 100 * (factor - 1)


def size(protocol: str, part: str) -> int:
    """Rows of a protocol that are to ``train`` on, ``observational``, an intervened ``values``' or ``factual``."""
    return int(getattr(protocols.get(protocol), f"n_{part}"))


def fits(who: str, name: str = "paper") -> int:
    """Mechanisms that were trained for a method in a run."""
    return int(_provenance(name, who)["mechanisms"].sum())


def constant(path: str) -> float:
    """A number of the code by its address, ``scmbench.models.keeping.support:KEPT``."""
    return float(resolve_name(path))


def default(path: str, parameter: str) -> float:
    """The default of a function's or a class's parameter."""
    return float(signature(resolve_name(path)).parameters[parameter].default)


def ends(values: pd.Series) -> tuple[float, float]:
    """The lowest and the highest."""
    return float(min(values)), float(max(values))


def share(a: str, b: str, question: str, datasets: Sequence[str], name: str = "paper") -> pd.Series:
    """Median of a in per cent of that of b, by dataset: how much of a distance is the oracle's floor."""
    return 100 * medians(name, a, question, datasets) / medians(name, b, question, datasets)


def minutes(*models: str, name: str = "paper", datasets: Sequence[str] | None = None) -> float:
    """CPU-minutes of these models, all of them without a name; a fit that variants share counts once."""
    table = run(name).provenance
    table = table[table["model"].isin(models)] if models else table
    if datasets is not None:
        table = table[table["dataset"].map(lambda d: any(d.endswith("/" + end) for end in datasets))]
    fits = table.drop_duplicates(["dataset", "seed", "model", "fit_cpu_s"])["fit_cpu_s"].sum()
    return float(fits + table["query_cpu_s"].sum()) / 60


@cache
def members(name: str, dataset: str = "fmri/hg-cg") -> dict[Method, dict[str, np.ndarray]]:
    """Errors by method and member."""
    rows = run(name).rows
    return series(rows[rows["dataset"] == dataset])


def error(who: str, dataset: str = "fmri/hg-cg", name: str = "fmri") -> Estimate:
    """Mean over members of a method, with its uncertainty."""
    return estimate(members(name, dataset)[method(who)])


def minus(a: str, b: str, dataset: str = "fmri/hg-cg", name: str = "fmri") -> Estimate:
    """The same of the difference of two methods, member by member."""
    found = members(name, dataset)
    return difference(found[method(a)], found[method(b)])


def by_seed(who: str, name: str = "fmri") -> pd.Series:
    """Scores of a method at every seed."""
    return _of(seed_scores(name), who, None, None)["score"]


def tolerances(who: str) -> tuple[float, float, float]:
    """Least, median and largest tolerance of a model in the gate, in per cent."""
    table = read_tolerances(committed.folder("regress")).cells
    mine = 100 * table[table["model"] == who]["tolerance"]
    return float(mine.min()), float(mine.median()), float(mine.max())


def clean_runs() -> pd.DataFrame:
    """The gate's clean runs."""
    return pd.read_csv(committed.folder("regress") / "clean_runs.csv")


def targets(who: str) -> float:
    """What the authors' code gave, run by us, on the fMRI experiment."""
    return float(_of(judged("fmri"), who, None, None)["theirs"].item())


NAMES = {name: value for name, value in globals().items() if not name.startswith("_") and name != "annotations"}
"""What an expression may use."""
