"""Properties of single answers: complete, exact under `do`, untouched where the intervention does not reach."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from scipy.stats import ks_2samp
from scmbench.datasets.values import Values, expand, rows
from torch import Tensor

from ..contract.base import RUNGS, Unsupported
from ..contract.levels import levels_of, nearest
from .subject import BATCHED, ROUNDING, Broken, NotApplicable, Subject, compare, describe, holds, incomplete, show
from .worlds import Question, World

MANY = 2000
P_VALUE = 1e-6
"""Rows and level of the test of distributions: with one test a component, a false alarm is one in ten thousand kits."""


@holds(
    "answers what it declares",
    "The harness asks what `answers` lists and nothing else; a table must tell 'cannot' from 'failed'.",
)
def answers_what_it_declares(subject: Subject) -> str | None:
    """Every declared kind of query is answered, every other raises `Unsupported`, and nothing crashes."""
    for name, error in subject.crashed.items():
        raise Broken(f"{name}: fit raised {error}; raise Unsupported for what the method cannot model by design")
    declared = subject.make().answers
    if not subject.models:
        raise Broken(f"fit is Unsupported on every world: {subject.unsupported}")
    if not declared or declared - RUNGS:
        raise Broken(f"`answers` is {sorted(declared)}; it must list some of {sorted(RUNGS)}")
    notes = [f"{name}: {reason}" for name, reason in subject.unsupported.items()]
    answered: set[str] = set()
    for question, model in [(q, model) for world, model in subject.fitted() for q in world.questions()]:
        try:
            question.ask(model)
        except Unsupported as error:
            notes += [f"{question}: {error}"] if question.kind in declared else []
        except Exception as error:
            raise Broken(f"{question}: raised {describe(error)}") from error
        else:
            answered.add(question.kind)
            if question.kind not in declared:
                raise Broken(f"{question}: answered, though `answers` lists only {sorted(declared)}")
    if silent := sorted(declared - answered):
        raise Broken(f"`answers` lists {silent}, which are Unsupported on every world: {'; '.join(notes)}")
    return f"Unsupported: {'; '.join(notes)}" if notes else None


@holds(
    "answers are complete",
    "Scores are computed over all nodes: a missing node, a lost row, a NaN or another type is an error there.",
)
def answers_are_complete(subject: Subject) -> None:
    """A dict of every node to a finite tensor ``(n, *event)`` on the CPU, float64 or the integers of the data."""
    for question, model in subject.declared():
        try:
            answer = question.ask(model)
        except Exception:  # told by the property above
            continue
        if complaint := incomplete(answer, question):
            raise Broken(f"{question}: {complaint}")


@holds(
    "do is exact",
    "An intervention *sets* a node; a value that went through a scaler or float32 answers another question.",
)
def do_is_exact(subject: Subject) -> None:
    """Intervened nodes have exactly their value: scalars, values a row, several nodes at once."""
    for question, model in subject.questions("interventional", "counterfactual"):
        answer = question.ask(model)
        for node, a in expand(question.do, question.n, question.factual).items():
            off = (answer[node] != a).reshape(question.n, -1).any(1)
            if off.any():
                row = int(off.nonzero()[0])
                raise Broken(
                    f"{question}: {node!r} is {show(answer[node][row])} in row {row} instead of {show(a[row])} "
                    f"({int(off.sum())} of {question.n} rows are off)"
                )


@holds(
    "discrete nodes keep their levels",
    "A treatment is given or not: a quarter of one, or a dose that nobody took, is a wrong answer without a word.",
)
def discrete_nodes_keep_their_levels(subject: Subject) -> None:
    """A discrete node is answered with values that occur in training, but where `do` or the factual row gives another.

    Of a ceiling it is not asked: the world may draw what the training rows lack.
    """
    if subject.knows_the_world:
        raise NotApplicable("it knows the world, which may draw what training rows lack")
    for question, model in subject.questions():
        answer = question.ask(model)
        kept = set(question.non_descendants()) if question.kind == "counterfactual" else ()
        for node, known in levels_of(question.world.problem.train).items():
            if node in question.do or node in kept:
                continue
            off = (nearest(answer[node], known) != answer[node]).reshape(question.n, -1).any(1)
            if off.any():
                row = int(off.nonzero()[0])
                raise Broken(
                    f"{question}: {node!r} is {show(answer[node][row])} in row {row}, which occurs in no training row "
                    f"({int(off.sum())} of {question.n} rows are off); move it to the nearest value of training"
                )


@holds(
    "non-descendants untouched",
    "In a counterfactual, an intervention changes only what it causes; the rest of the row is as it was.",
)
def non_descendants_untouched(subject: Subject) -> None:
    """In a counterfactual, nodes that the intervention does not reach keep their factual value, to rounding."""
    for question, model in subject.questions("counterfactual"):
        kept = {node: question.factual[node] for node in question.non_descendants()}
        if off := compare(question.ask(model), kept, question.world.scale(), ROUNDING):
            raise Broken(f"{question}: {off}; copy what the intervention cannot reach")


@holds(
    "non-descendants keep their distribution",
    "An intervention on an effect does not move its causes: that is what sets `do` apart from conditioning.",
)
def non_descendants_keep_their_distribution(subject: Subject) -> None:
    """Under `do`, nodes it does not reach are distributed as observed (Kolmogorov-Smirnov, a component at a time).

    That the rows are the same as observational ones at the same seed is not asked.
    """
    for question, model in subject.questions("interventional"):
        do = {node: a if not isinstance(a, Tensor) or a.ndim == 0 else a[:1] for node, a in question.do.items()}
        plain, moved = model.sample(MANY, seed=4), model.sample(MANY, do, seed=5)
        for node in question.non_descendants():
            for j, (x, y) in enumerate(zip(_components(plain[node]), _components(moved[node]), strict=True)):
                test: Any = ks_2samp(x, y)
                if test.pvalue < P_VALUE:
                    raise Broken(
                        f"{question}: component {j} of {node!r} has mean {x.mean():.3g} and sd {x.std():.3g} observed, "
                        f"but {y.mean():.3g} and {y.std():.3g} under do (p = {test.pvalue:.1g} over {MANY} rows)"
                    )


@holds(
    "empty do is identity",
    "Had nothing been changed, the row would be what it is: the distance is the error of abduction itself.",
)
def empty_do_is_identity(subject: Subject) -> None:
    """The counterfactual of no intervention is the factual row, within the class's `abduction_tolerance`."""
    for question, model in _one_a_world(subject, "counterfactual"):
        asked = Question(question.world, "counterfactual", "no do", {}, question.noise, question.factual)
        tolerance = model.abduction_tolerance
        if off := compare(asked.ask(model), question.factual, question.world.scale(), tolerance):
            raise Broken(f"{asked}: {off}; where abduction is approximate by design, declare `abduction_tolerance`")


@holds(
    "empty do is observational",
    "Code that builds interventions must not special-case the empty one.",
)
def empty_do_is_observational(subject: Subject) -> None:
    """``sample(n, {})`` is ``sample(n)`` at the same seed."""
    for question, model in _one_a_world(subject, "interventional"):
        if "observational" not in model.answers:
            raise NotApplicable("it does not answer observational queries")
        got, wanted = model.sample(question.n, {}, seed=3), model.sample(question.n, seed=3)
        if off := compare(got, wanted, question.world.scale(), ROUNDING):
            raise Broken(f"{question.world.name}: sample(n, {{}}) is not sample(n): {off}")


@holds(
    "rows are answered by themselves",
    "A row's counterfactual depends on that row; an answer that changes with its batch cannot be reproduced.",
)
def rows_are_answered_by_themselves(subject: Subject) -> None:
    """Permuting the factual rows permutes the answers, and half the rows get the same answers as all of them."""
    for question, model in subject.questions("counterfactual"):
        whole = question.ask(model)
        shuffled = torch.randperm(question.n, generator=torch.Generator().manual_seed(0))
        for what, index in {"permuted rows": shuffled, "half of the rows": torch.arange(question.n // 2)}.items():
            got = question.take(index).ask(model)
            if off := compare(got, rows(whole, index), question.world.scale(), BATCHED):
                raise Broken(f"{question}, {what}: {off}; a draw a row must not depend on the row's place in the batch")


@holds(
    "queries refuse bad input",
    "A misspelt node in `do` that is ignored gives the observational answer under an interventional name.",
)
def queries_refuse_bad_input(subject: Subject) -> None:
    """An unknown node, NaN or a wrong shape in `do`, NaN or a missing node in the factual rows: `ValueError`s."""
    world, model = cast("tuple[World, Any]", subject.fitted()[0])
    question, node, n = world.questions()[0], sorted(world.scm.graph)[0], world.questions()[0].n
    factual, asks = question.factual, {q.kind for q, _ in subject.questions(world=world)}
    for what, do in {
        "an unknown node": {"no such node": 1.0},
        f"{node} = NaN": {node: float("nan")},
        f"{n + 1} values for {n} rows of {node}": {node: torch.ones(n + 1)},
    }.items():
        if "interventional" in asks:
            _refused(f"{world.name}: sample, do of {what}", partial(model.sample, n, do, seed=0))
        if "counterfactual" in asks and "replay" in model.powers:
            _refused(f"{world.name}: replay, do of {what}", partial(model.replay, question.noise, do))
        elif "counterfactual" in asks:
            _refused(f"{world.name}: counterfactual, do of {what}", partial(model.counterfactual, factual, do, seed=0))
    if "counterfactual" in asks and "replay" not in model.powers:
        other, do = sorted(world.scm.graph)[-1], {node: 0.0}
        for what, bad in {
            f"factual rows without {other!r}": {v: x for v, x in factual.items() if v != other},
            f"NaN in the factual {other!r}": factual | {other: torch.full_like(factual[other], torch.nan)},
        }.items():
            _refused(f"{world.name}: counterfactual, {what}", partial(model.counterfactual, bad, do, seed=0))


@holds(
    "optional methods work",
    "The harness asks `abduct`, `interval`, `log_prob` and `predict` where `powers` lists them, and relies on shapes.",
)
def optional_methods_work(subject: Subject) -> str | None:
    """`abduct` gives n finite rows a node, `log_prob` n numbers, `predict` a complete answer under its `do`.

    `interval` gives two finite ends a row and node, the lower one first, and both at the value of what is set.
    """
    wrongs = {"abduct": _wrong_noise, "interval": _wrong_interval, "log_prob": _wrong_density, "predict": _wrong_point}
    tried: set[str] = set()
    for world, model in subject.fitted():
        for question in world.questions():
            for name, wrong in wrongs.items():
                if name in model.powers:
                    try:
                        complaint = wrong(model, question)
                    except Unsupported:
                        continue
                    if complaint:
                        raise Broken(f"{question}: {name} {complaint}")
                    tried.add(name)
    if not tried:
        raise NotApplicable("it has none of abduct, interval, log_prob, predict")
    return f"it has {', '.join(sorted(tried))}"


def _wrong_noise(model: Any, question: Question) -> str | None:
    noise = model.abduct(question.factual)
    for node in question.factual:
        if node not in noise or len(noise[node]) != question.n or not torch.isfinite(noise[node]).all():
            return f"gives no {question.n} finite rows for {node!r}"
    return None


def _wrong_interval(model: Any, question: Question) -> str | None:
    found: Values = model.interval(question.factual, question.do, seed=0)
    for node, like in question.factual.items():
        expected = (question.n, 2, *like.shape[1:])
        if node not in found or found[node].shape != expected or not torch.isfinite(found[node]).all():
            return f"gives no finite {expected} for {node!r}"
        if bool((found[node][:, 0] > found[node][:, 1]).any()):
            return f"gives {node!r} an upper end below the lower one"
    forced = expand(question.do, question.n, question.factual)
    kept = all(torch.equal(found[v][:, end], a) for v, a in forced.items() for end in (0, 1))
    return None if kept else "does not keep to do"


def _wrong_density(model: Any, question: Question) -> str | None:
    density = model.log_prob(question.factual)
    wrong = density.shape != (question.n,) or not torch.isfinite(density).all()
    return f"has shape {tuple(density.shape)} or NaN; expected {question.n} finite numbers" if wrong else None


def _wrong_point(model: Any, question: Question) -> str | None:
    lengths = [len(a) for a in question.do.values() if isinstance(a, Tensor) and a.ndim]
    n = max(lengths, default=1)
    answer: Values = model.predict(question.do)
    for node, like in question.factual.items():
        if node not in answer or answer[node].shape != (n, *like.shape[1:]):
            return f"gives {node!r} another shape than {(n, *like.shape[1:])}"
    forced = expand(question.do, n, question.factual)
    return None if all(torch.equal(answer[v], a) for v, a in forced.items()) else "does not keep to do"


def _one_a_world(subject: Subject, kind: str) -> list[tuple[Question, Any]]:
    return list({question.world.name: (question, model) for question, model in subject.questions(kind)}.values())


def _refused(what: str, call: Callable[[], Any]) -> None:
    try:
        call()
    except (ValueError, Unsupported):
        return
    except Exception as error:
        advice = "scmbench.datasets.values.expand and check_values refuse it in clear words"
        raise Broken(f"{what}: raised {describe(error)}; {advice}") from error
    raise Broken(f"{what}: was answered; call expand(do, n, like) and check_values(factual, nodes) first")


def _components(x: Tensor) -> list[Any]:
    return list(x.double().reshape(len(x), -1).T.numpy())
