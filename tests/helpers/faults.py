"""Plausible mistakes, planted one at a time, across methods, protocols, metrics, data and the rule of verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import faults_of_dcm
import torch
from scmbench.benchmarks.judging import published, verdict
from scmbench.benchmarks.questions import causal, protocols
from scmbench.datasets import fmri, sachs
from scmbench.datasets.seeds import generator
from scmbench.metrics import mmd
from scmbench.models.anm import Additive
from scmbench.models.bounds import posterior, trivial
from scmbench.models.carefl import CAREFL
from scmbench.models.causal_nf import model as causal_nf
from scmbench.models.dscm import DSCM
from scmbench.models.linear import LinearMechanism
from scmbench.models.vaca import model as vaca

TRIANGLE, SINE, LADDER = "dcm/triangle/nlin", "check/sine", "dcm/ladder/nlin"


@dataclass(frozen=True)
class Fault:
    """A mistake, and the part of the suite that is run with it; `slow` if training takes longer than a unit test may.

    Nothing is run for a fault without `methods`: it concerns the verdicts of a committed run.
    """

    plant: Callable[[Any], None]
    methods: Sequence[str] = ()
    scms: Sequence[str] = ()
    seeds: Sequence[int] = (0,)
    slow: bool = False

    @property
    def name(self) -> str:
        """Its name, in words."""
        return self.plant.__name__.replace("_", " ")


def carefl_trained_for_half_as_long(monkeypatch):
    """CAREFL goes through its rows 100 times instead of 200."""
    recipe = CAREFL._recipe
    monkeypatch.setattr(CAREFL, "_recipe", lambda self: replace(recipe(self), epochs=self.epochs // 2))


def dscm_learns_half_as_fast(monkeypatch):
    """DSCM's optimiser has half of the learning rate that its options say."""
    adam = torch.optim.Adam

    def train(self, z, *, seed):
        with monkeypatch.context() as inner:
            inner.setattr(torch.optim, "Adam", lambda parameters, lr, **rest: adam(parameters, lr=lr / 2, **rest))
            learn(self, z, seed=seed)

    learn = DSCM._train
    monkeypatch.setattr(DSCM, "_train", train)


def causal_nf_holds_out_half_as_much(monkeypatch):
    """A twentieth of the rows is held out instead of a tenth."""
    monkeypatch.setattr(causal_nf, "HELD_OUT", causal_nf.HELD_OUT / 2)


def linear_takes_the_variance_for_the_deviation(monkeypatch):
    """Noise of the linear model is scaled by its variance, not by the root of it."""

    def noise(self, n, generator):
        eigenvalues, Q = torch.linalg.eigh(self.S)
        e = torch.randn(n, len(self.b), generator=generator, dtype=torch.float64)
        return e * eigenvalues.clamp(min=0) @ Q.T

    monkeypatch.setattr(LinearMechanism, "noise", noise)


def posterior_draw_for_mean(monkeypatch):
    """The posterior oracle answers one draw of the noise where it should average over many."""
    abduct = posterior.abduct

    def one(*args, **names):
        u = abduct(*args, **names)
        return u[:, :1].expand_as(u)

    monkeypatch.setattr(posterior, "abduct", one)


def parents_beyond_the_third_forgotten(monkeypatch):
    """The linear model uses three parents at most: of these SCMs the large one alone has nodes with more."""
    fit = LinearMechanism.fit

    def shortened(self, task):
        fit(self, task)
        self.W[:, 3:] = 0
        return self

    monkeypatch.setattr(LinearMechanism, "fit", shortened)


def first_volume_kept(monkeypatch):
    """The fMRI runs keep the volume that the published code loses."""
    monkeypatch.setattr(fmri, "rows", lambda values, part: {node: x[part.start - 1 :] for node, x in values.items()})


def verdicts_twice_as_lenient(monkeypatch):
    """A log-ratio of log 3 passes where log 1.5 is the limit."""
    judge = verdict.judge
    monkeypatch.setattr(verdict, "judge", lambda r, *rest, **names: judge(r * 0.369, *rest, **names))


def anm_draws_from_half_of_the_residuals(monkeypatch):
    """The noise of the additive-noise model is a bootstrap of the first half of its residuals."""

    def noise(self, n, generator):
        return self.residuals[torch.randint(len(self.residuals) // 2, (n,), generator=generator)]

    monkeypatch.setattr(Additive, "noise", noise)


def vaca_without_dropout(monkeypatch):
    """VACA trains without ever hiding a node's parents."""
    train = vaca.train
    monkeypatch.setattr(vaca, "train", lambda *args, **names: train(*args, **{**names, "dropout": 0.0}))


def flow_of_other_width(monkeypatch):
    """The conditioner of causal-nf has a unit less in every layer."""
    flow = causal_nf.CausalFlow
    monkeypatch.setattr(
        causal_nf, "CausalFlow", lambda *args, **names: flow(*args, **{**names, "hidden": (47, 47, 47)})
    )


def option_resolved_otherwise(monkeypatch):
    """The default number of DSCM's particles changes: of no effect on scalar nodes, and on record."""
    options = DSCM.options
    monkeypatch.setattr(DSCM, "options", lambda self: {**options(self), "particles": 16})


def distance_without_its_diagonal(monkeypatch):
    """The biased MMD loses its bias: a row is no longer compared with itself."""
    biased = mmd.mmd2_biased
    monkeypatch.setattr(mmd, "mmd2_biased", lambda x, y, gamma: biased(x, y, gamma) - 1 / x.shape[-2] - 1 / y.shape[-2])


def interventions_further_out(monkeypatch):
    """Values are set between the 5 % and 95 % quantiles instead of 10 % and 90 %."""
    values = causal.quantile_values
    monkeypatch.setattr(protocols, "quantile_values", lambda x, count: values(x, count, 0.05, 0.95))


def one_value_fewer(monkeypatch):
    """A node is set to 19 values instead of 20."""
    values = causal.quantile_values
    monkeypatch.setattr(protocols, "quantile_values", lambda x, count: values(x, count)[:-1])


def noise_of_other_scale(monkeypatch):
    """The SCMs' noise is one per cent too large."""
    from scmbench.datasets.scm import SCM

    functions = SCM.__dict__["sample"]

    def sample(self, n, *args, **names):
        with monkeypatch.context() as inner:
            scaled = {v: (lambda u, *pa, f=f: f(1.01 * u, *pa)) for v, f in self.functions.items()}
            inner.setattr(self, "functions", scaled)
            return functions(self, n, *args, **names)

    monkeypatch.setattr(SCM, "sample", sample)


def marginal_keeps_rows_together(monkeypatch):
    """The floor that knows no causes draws whole rows, and so their dependence."""
    monkeypatch.setattr(trivial, "generator", lambda seed, purpose, node=None: generator(seed, purpose))


def identity_answers_the_next_row(monkeypatch):
    """The identity returns the factual row of its neighbour."""
    answer = trivial.Identity.counterfactual

    def shifted(self, factual, do, *, seed):
        return answer(self, {node: x.roll(1, 0) for node, x in factual.items()}, do, seed=seed)

    monkeypatch.setattr(trivial.Identity, "counterfactual", shifted)


def persistence_of_two_steps(monkeypatch):
    """The series is predicted by what it was two volumes ago."""
    fit = trivial.Persistence.fit_problem

    def fitted(self, problem, *, seed):
        fit(self, problem, seed=seed)
        self.predicted = {node: x.roll(1, 0) for node, x in self.predicted.items()}
        return self

    monkeypatch.setattr(trivial.Persistence, "fit_problem", fitted)


def a_tenth_of_cells_held_out(monkeypatch):
    """A tenth of Sachs' cells is held out instead of a fifth."""
    monkeypatch.setattr(sachs, "HELD_OUT", 0.1)


def a_waiver_forgotten(monkeypatch):
    """The marginal floor no longer says which properties it breaks."""
    monkeypatch.setattr(trivial.Marginal, "waives", {})


def a_published_number_edited(monkeypatch):
    """Published medians are a fifth higher than in the paper."""
    load = published.load

    def edited(name):
        numbers = load(name)
        cells = numbers.cells.copy()
        for column in {"q1", "median", "q3", "mean"} & set(cells):
            cells[column] = cells[column] * 1.2
        return replace(numbers, cells=cells)

    monkeypatch.setattr(published, "load", edited)


BLIND = (
    Fault(carefl_trained_for_half_as_long, ["carefl (reference)"], [SINE], slow=True),
    Fault(dscm_learns_half_as_fast, ["dscm"], [TRIANGLE], slow=True),
    Fault(causal_nf_holds_out_half_as_much, ["causal-nf"], [TRIANGLE], slow=True),
    Fault(linear_takes_the_variance_for_the_deviation, ["linear"], [TRIANGLE]),
    Fault(posterior_draw_for_mean, ["posterior"], [SINE]),
    Fault(parents_beyond_the_third_forgotten, ["linear"], [LADDER]),
    Fault(first_volume_kept, ["linear", "persistence"], ["fmri/hg-cg"]),
    Fault(verdicts_twice_as_lenient),
)
"""What an earlier gate did not see: it had no cell, looked at no gradient steps, and at fallen verdicts alone."""

PLANTED = (
    Fault(anm_draws_from_half_of_the_residuals, ["anm (reference)"], [SINE]),
    Fault(vaca_without_dropout, ["vaca (reference)"], [SINE], slow=True),
    Fault(flow_of_other_width, ["causal-nf"], [TRIANGLE], slow=True),
    Fault(option_resolved_otherwise, ["dscm"], [TRIANGLE], slow=True),
    Fault(distance_without_its_diagonal, ["oracle", "marginal"], [TRIANGLE]),
    Fault(interventions_further_out, ["oracle", "marginal"], [TRIANGLE]),
    Fault(one_value_fewer, ["oracle", "marginal"], [TRIANGLE]),
    Fault(noise_of_other_scale, ["linear"], [TRIANGLE]),
    Fault(marginal_keeps_rows_together, ["marginal"], [TRIANGLE]),
    Fault(identity_answers_the_next_row, ["identity"], [TRIANGLE]),
    Fault(persistence_of_two_steps, ["persistence"], ["fmri/hg-cg"]),
    Fault(a_tenth_of_cells_held_out, ["resample"], ["sachs/real"]),
    Fault(a_waiver_forgotten, ["marginal"], [TRIANGLE]),
    Fault(a_published_number_edited),
)

OF_DCM = tuple(Fault(plant, ["dcm (reference)"], [TRIANGLE], (0, 1), slow=True) for plant in faults_of_dcm.FAULTS)

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in (*BLIND, *PLANTED, *OF_DCM)}
