"""Electrical-stimulation fMRI: predict one brain region from another, in a run during which the brain is stimulated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import networkx as nx

from .files import bold, download
from .problem import Dataset, Problem, QueryBuilder
from .registry import add
from .values import Values, rows

STIMULATED = {292: 3, 294: 2, 302: 2, 303: 4, 307: 2, 316: 2, 320: 2, 352: 2, 357: 2, 372: 3, 376: 2, 399: 2, 400: 2}
STIMULATED |= {403: 2}
"""The run that each of the 14 patients is asked about, in sorted file order; the training run is always the first."""

VARIATIONS = {"": "", "first-volume": ", first volume kept", "swapped": ", the runs in turned roles"}
"""What may be done otherwise, and how it is told."""


class Stimulation(Dataset):
    """Cross-run prediction under stimulation: one member a patient, trained on one run and asked about another.

    The experiment of "Causal Autoregressive Flows", Khemakhem, Monti, Leech, Hyvärinen, AISTATS 2021, section 5.2, on
    data of Thompson et al., Scientific Data 2020. A patient's `train` is the run taken for rest, and the query sets the
    `cause` to what was measured in the stimulated run, volume by volume, and predicts the `effect`. Both runs are
    standardised by their own mean and standard deviation. Nothing is random: every seed gives the same problems.

    `variation` departs from this in one way: ``first-volume`` keeps the first volume of each run, which the published
    code loses because it reads the files as if they had a header; ``swapped`` learns from the stimulated run and asks
    about the other one, since nothing but the order of file names says which is which.
    """

    version = 1

    def __init__(self, cause: str, effect: str, variation: str = ""):
        self.cause, self.effect, self.variation = cause, effect, variation
        self.name = "/".join(filter(None, [f"fmri/{cause}-{effect}".lower(), variation]))
        self.__doc__ = (
            f"14 patients under electrical stimulation: {effect} predicted from {cause}" + VARIATIONS[variation]
        )

    def missing(self) -> str | None:
        """What files are missing and the command that gets them."""
        return download.missing("fmri")

    def size(self, seed: int) -> int:
        """One mechanism a patient."""
        return len(STIMULATED)

    def problems(self, protocol: QueryBuilder, *, seed: int) -> list[Problem]:
        """A problem for every patient. Raises `DataMissing`, and `ValuesError` that names file and line."""
        files = download.paths("fmri")
        labels = bold.read_labels(files["labels.txt"])
        graph = nx.DiGraph([(self.cause, self.effect)])
        problems = []
        for patient, run in STIMULATED.items():
            numbers = (run, 1) if self.variation == "swapped" else (1, run)
            train, asked = (self._run(files, f"sub-{patient}run-{r:02d}.txt", labels) for r in numbers)
            query = protocol.predictive(self.cause, asked[self.cause], {self.effect: asked[self.effect]})
            problems.append(Problem(self.name, seed, graph, train, [query], member=f"sub-{patient}"))
        return problems

    def _run(self, files: Mapping[str, Path], name: str, labels: list[str]) -> Values:
        series = rows(bold.read_run(files[name], labels), slice(0 if self.variation == "first-volume" else 1, None))
        return {node: bold.standardise(x, f"{files[name]}: {node}") for node, x in series.items()}


for _cause, _effect in (("HG", "CG"), ("CG", "HG")):
    for _variation in VARIATIONS:
        add(Stimulation(_cause, _effect, _variation))
