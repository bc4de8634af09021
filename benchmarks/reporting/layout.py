"""What all tables and figures of a report agree on: order and names of datasets, questions, methods; the scale."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from ..judging.cells import NOT_RUN, Method, Question, in_order, roles, text_columns
from ..judging.methods import CEILING, FLOOR, METHOD, title
from ..judging.notes import DOUBTS, notes_of
from ..judging.proxies import PROXIES
from ..judging.published import Published
from ..records import staleness, taken
from ..records.staleness import MARK

RUNGS: tuple[str, ...] = ("observational", "likelihood", "interventional", "counterfactual", "predictive")
SHORT: dict[str, str] = dict(zip(RUNGS, ("obs", "", "int", "CF", "pred"), strict=True))
METRICS = {
    "mmd": "MMD",
    "mse_first": "MSE (first descendant)",
    "mse_all": "MSE (all descendants)",
    "energy": "energy distance",
    "nll": "negative log-likelihood",
    "kl": "KL",
    "ate_norm": "error of effects",
    "row_norm": "error of rows",
    "c2st_forest": "classifier above chance",
    "mse_columns": "MSE (all columns)",
    "mae_columns": "MAE (all columns)",
    "mmd_standardised": "MMD (standardised)",
    "ks": "KS",
    "ks_effect": "KS of effects",
    "w1": "W1",
    "w1_effect": "W1 of effects",
    "rmse_raw": "RMSE",
    "rmse_standardised": "RMSE (all columns)",
    "sinkhorn": "Sinkhorn divergence",
    "abs_error": "absolute error",
    "sliced_wasserstein": "sliced Wasserstein",
    "total_variation": "total variation (labels)",
    "label_error": "wrong labels",
    "mean_effect": "error of mean effects",
    "sign_error": "effects of wrong sign",
    "rank_error": "effects in wrong order",
    "cf_mse": "image MSE",
    "cf_mae": "image MAE",
    "cf_relative": "error / doing nothing",
    "im1": "IM1",
    "im1_median": "IM1 (median)",
    "im2": "IM2",
    "im2_median": "IM2 (median)",
    "cld": "CLD",
    "cld_weighted": "CLD (weighted)",
    "frechet64": "Fréchet distance (64 features)",
    "l1": "L1 to the factual image",
    "leak_class": "class lost",
    "hsic": "HSIC",
    "hsic_p": "p of HSIC",
    "reconstruction": "own error",
    "monotone_share": "pairs in order",
    "coverage": "coverage",
    "width": "width",
    "interval_score": "interval score",
}
HIGHER = {"hsic_p", "monotone_share", "coverage"}
"""Scores of which higher is better; a p-value is no more than a yes or no, and coverage is worth its width."""

MARKED = "made, at least in part, by other code than there is now: scmbench run SUITE --stale computes it again."

LAST = (METHOD, CEILING, FLOOR)
"""The order of methods by their role: what competes first, then what it is read between."""

SCALES = {"paper": 100.0}
"""By protocol, where no published numbers say so: one suite's MMDs stand in the units of another's."""

HEADINGS = {"nlin": "nlin (additive)", "nadd": "nadd (nonadditive)"}


@dataclass(frozen=True)
class Layout:
    """Order and names: built once from the cells of a run and handed to everything that shows them.

    Numbers are shown multiplied by `scale`; `waived` holds what a method waives, by method; `roles` are what their
    records say they are; `doubts` says what is to be doubted and why, by dataset, query and method. Of the questions in
    `higher` higher scores are better; `theirs` is what the published side is called. `stale` are the methods and
    datasets with a record that other code made than there is now; `taken` those methods of which records were taken
    from another run, and `origins` says from which.
    """

    datasets: Sequence[str]
    questions: Sequence[Question]
    methods: Sequence[Method]
    names: Mapping[Method, str] = field(default_factory=dict)
    waived: Mapping[Method, str] = field(default_factory=dict)
    roles: Mapping[Method, str] = field(default_factory=dict)
    doubts: Mapping[tuple[str, str, Method], Set[str]] = field(default_factory=dict)
    scale: float = 1.0
    higher: Collection[Question] = ()
    theirs: str = "paper"
    stale: Set[tuple[str, Method]] = frozenset()
    taken: Set[Method] = frozenset()
    origins: str = ""

    @classmethod
    def of(
        cls,
        found: pd.DataFrame,
        published: Published | None = None,
        provenance: pd.DataFrame | None = None,
        *,
        protocol: str = "",
    ) -> Layout:
        """The layout of `found` (of `cells`): published order first, then by appearance; floors last.

        Numbers are in the units of the published ones, or else in those of the suite's `protocol`.

        Methods and datasets of which nothing was run do not appear.
        """
        found = found[found["state"] != NOT_RUN]
        theirs = published.cells if published else found.iloc[:0]

        def pairs(frame: pd.DataFrame, a: str, b: str) -> list[tuple[str, str]]:
            return list(zip(frame[a], frame[b], strict=True))

        models = in_order(found["model"], first=theirs["model"])
        methods = [m for model in models for m in dict.fromkeys(pairs(found, "model", "variant")) if m[0] == model]
        known = roles(provenance)
        methods.sort(key=lambda method: LAST.index(known.get(method, METHOD)))
        first = dict.fromkeys(pairs(theirs, "query", "metric"))
        questions = [*first, *dict.fromkeys(pairs(found, "query", "metric"))]
        present = set(pairs(found, "query", "metric"))
        questions = [q for q in dict.fromkeys(questions) if q in present]
        return cls(
            datasets=in_order(found["dataset"], first=theirs["dataset"]),
            questions=sorted(questions, key=lambda q: RUNGS.index(q[0]) if q[0] in RUNGS else len(RUNGS)),
            methods=methods,
            names=titles(methods, published),
            roles=known,
            waived=waivers(provenance),
            doubts=doubts(provenance),
            scale=published.scale if published else SCALES.get(protocol, 1.0),
            higher={q for q in questions if PROXIES.get(q[1]) or q[1] in HIGHER}
            | (published.higher() if published else set()),
            theirs=published.whose if published else "paper",
            stale=_stale(provenance),
            taken=frozenset(taken.methods(provenance)),
            origins=taken.told(provenance),
        )

    def method(self, method: Method) -> str:
        """A method's name, with a dagger where it waives a property and a ring where another run computed it."""
        marks = "†" * bool(self.waived.get(method)) + taken.MARK * (method in self.taken)
        return self.names.get(method, " ".join(filter(None, method))) + marks

    def short(self, method: Method) -> str:
        """`method` without its variant, where the layout has no other variant of that model."""
        alone = sum(model == method[0] for model, _ in self.methods) == 1
        return self.method(method).replace(f" ({method[1]})", "") if alone and method[1] else self.method(method)

    def mark(self, method: Method, dataset: str = "") -> str:
        """What stands beside numbers of a method (on a dataset) that other code made; empty for today's."""
        made = any(m == method and dataset in ("", d) for d, m in self.stale)
        return f" {MARK}" if made else ""

    def marks(self) -> list[str]:
        """Notes that say what the marks of other code and of other runs mean, where they are used."""
        told = [(MARK, MARKED if self.stale else ""), (taken.MARK, self.origins)]
        return [f"{mark} {text}" for mark, text in told if text]

    def doubt(self, dataset: str, question: Question, method: Method) -> str:
        """The mark of a score that is to be doubted; empty for others."""
        return " §" if (dataset, question[0], method) in self.doubts else ""

    def dataset(self, name: str) -> str:
        """A dataset's name without the part that all datasets of the report share."""
        heads = {d.split("/")[0] for d in self.datasets}
        return name.partition("/")[2] if len(heads) == 1 and "/" in name else name

    def problem(self, name: str) -> str:
        """`dataset` without the last part of its name."""
        return self.dataset(name).rpartition("/")[0] or self.dataset(name)

    def factor(self) -> str:
        """What numbers are in units of: ``×10⁻²``, empty for plain values."""
        power = round(math.log10(self.scale), 6)
        if power == 0:
            return ""
        return (
            f"×10{str(-int(power)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
            if power % 1 == 0
            else f"/{self.scale:g}"
        )

    def better(self) -> str:
        """Which way is better, in words, for a table's notes."""
        if not self.higher:
            return "Lower is better"
        named = ", ".join(question_name(q, short=True) for q in self.questions if q in self.higher)
        return f"Lower is better, but for {named}, where higher is"

    @cached_property
    def bounds(self) -> Set[Method]:
        """Floors and ceilings, whether they are shown or not."""
        return {method for method, role in self.roles.items() if role != METHOD}

    def floors(self) -> list[Method]:
        """The floors and ceilings among the methods."""
        return [m for m in self.methods if m in self.bounds]

    def groups(self) -> list[tuple[str, list[str]]]:
        """Datasets by the last part of their names, with a heading; those that share it with none come last.

        Where none does, there is one group, and it needs no heading.
        """
        found: dict[str, list[str]] = {}
        for name in self.datasets:
            found.setdefault(name.rpartition("/")[2], []).append(name)
        shared = {last: group for last, group in found.items() if len(group) > 1 or last in HEADINGS}
        alone = [name for last, group in found.items() if last not in shared for name in group]
        named = [(HEADINGS.get(last, last), shared[last]) for last in in_order(shared, first=HEADINGS)]
        return named + ([("others" if named else "", alone)] if alone else [])


def titles(methods: Iterable[Method], published: Published | None) -> dict[Method, str]:
    """What methods are called: as the published numbers call their models, else by their own names."""
    labels = {model: label for (model, _), label in (published.labels if published else {}).items()}
    return {(model, variant): title(labels.get(model, model), variant) for model, variant in methods}


def question_name(question: Question, *, short: bool = False) -> str:
    """A question in words: ``interventional MMD``, short ``int MMD``.

    >>> question_name(("counterfactual", "mse_first"), short=True), question_name(("composition", "composition_1"))
    ('CF MSE (first)', 'composition, 1 cycle')
    """
    query, metric = question
    name = metric_name(metric)
    asked = "" if name.startswith(query) else SHORT.get(query, query) if short else query
    text = f"{asked} {name}".strip()
    return text.replace(" descendants)", ")").replace(" descendant)", ")") if short else text


def _stale(provenance: pd.DataFrame | None) -> frozenset[tuple[str, Method]]:
    if provenance is None:
        return frozenset()
    made = text_columns(staleness.of(provenance), ["dataset", "model", "variant"])
    return frozenset((d, (m, v)) for d, m, v in zip(made["dataset"], made["model"], made["variant"], strict=True))


def doubts(provenance: pd.DataFrame | None) -> dict[tuple[str, str, Method], set[str]]:
    """Why answers are to be doubted, by dataset, query and method: what notes of any seed say."""
    found: dict[tuple[str, str, Method], set[str]] = {}
    if provenance is not None and "notes" in provenance.columns:
        for row in text_columns(provenance, ["dataset", "model", "variant"]).to_dict("records"):
            for note in notes_of(row):
                if note.status in DOUBTS:
                    key = (row["dataset"], note.query, (row["model"], row["variant"]))
                    found.setdefault(key, set()).add(note.message)
    return found


def metric_name(metric: str) -> str:
    """A metric in words.

    >>> metric_name("cld"), metric_name("composition_1"), metric_name("composition_10")
    ('CLD', 'composition, 1 cycle', 'composition, 10 cycles')
    """
    if cycles := re.fullmatch(r"composition_(\d+)", metric):
        return f"composition, {cycles[1]} cycle{'s' if cycles[1] != '1' else ''}"
    return METRICS.get(metric, metric.replace("_", " "))


def waivers(provenance: pd.DataFrame | None) -> dict[Method, str]:
    """What each method waives, ``property: reason`` separated by semicolons, for those that waive anything."""
    if provenance is None or "waives" not in provenance.columns:
        return {}
    declared = text_columns(provenance, ["model", "variant", "waives"])
    declared = declared[declared["waives"] != ""].drop_duplicates(["model", "variant"])
    return {(m, v): w for m, v, w in zip(declared["model"], declared["variant"], declared["waives"], strict=True)}
