"""Properties of asking and fitting again: seeds decide, nothing else does, and nothing is left behind."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import networkx as nx
import numpy as np
import pyro
import torch
from scmbench.datasets.values import Values
from torch import Tensor

from ..contract.base import CausalModel
from .subject import BATCHED, ROUNDING, Broken, NotApplicable, Subject, compare, holds
from .worlds import World, worlds


@holds(
    "same seed, same answer",
    "A result is reproduced from its seed alone.",
)
def same_seed_same_answer(subject: Subject) -> None:
    """The same query at the same seed twice in a row, with global generators reseeded in between."""
    for question, model in subject.questions():
        with other_randomness(1):
            first = question.ask(model, seed=3)
        with other_randomness(2):
            second = question.ask(model, seed=3)
        if off := compare(second, first, question.world.scale(), ROUNDING):
            raise Broken(f"{question}, asked twice at one seed: {off}; draw from generators made from `seed` only")


@holds(
    "another seed, another sample",
    "Averages over seeds mean nothing if the seed is ignored.",
)
def another_seed_another_sample(subject: Subject) -> None:
    """Every node that is not intervened on differs between samples of two seeds."""
    for question, model in subject.questions("observational", "interventional"):
        first, second = question.ask(model, seed=3), question.ask(model, seed=4)
        for node in sorted(set(first) - set(question.do)):
            if torch.equal(first[node], second[node]):
                raise Broken(f"{question}: {node!r} is the same at seeds 3 and 4 in all {question.n} rows")


@holds(
    "queries leave no state",
    "The harness asks in any order; an answer that depends on what was asked before is not an answer.",
)
def queries_leave_no_state(subject: Subject) -> None:
    """All questions in order, then in reverse: the answers are the same."""
    asked = subject.questions()
    forward = [question.ask(model) for question, model in asked]
    backward = [question.ask(model) for question, model in reversed(asked)][::-1]
    for (question, _), first, second in zip(asked, forward, backward, strict=True):
        if off := compare(second, first, question.world.scale(), ROUNDING):
            raise Broken(f"{question}, asked after the others: {off}; an intervention is a value, not a state")


@holds(
    "fit is repeatable",
    "A number that cannot be trained again cannot be checked; a second fit must not start from the first.",
)
def fit_is_repeatable(subject: Subject) -> None:
    """A new model at the same seed answers alike, and so does one that had been fitted at another seed before."""
    for world, model in subject.fitted():
        with other_randomness(1):
            again = subject.fit(world)
        _agree(subject, world, model, again, "fitted again at the same seed", ROUNDING)
    world, model = subject.fitted()[0]
    refitted = subject.fit(world, seed=9).fit_problem(subject.given(world), seed=0)
    _agree(subject, world, model, refitted, "fitted at another seed first", ROUNDING)


@holds(
    "fit_many equals fit",
    "The harness trains in batches of its own choosing: a result must not depend on its batch mates.",
)
def fit_many_equals_fit(subject: Subject) -> None:
    """`fit_many` over all worlds gives the models that fits one by one give."""
    fitted = subject.fitted()
    many = subject.make().fit_many([subject.given(world) for world, _ in fitted], [0] * len(fitted))
    if len(many) != len(fitted):
        raise Broken(f"fit_many gave {len(many)} models for {len(fitted)} problems")
    for (world, model), mate in zip(fitted, many, strict=True):
        _agree(subject, world, model, mate, f"fitted among {len(fitted)}", BATCHED)


@holds(
    "query options share the fit",
    "Configurations that differ in `query_options` alone are trained once and asked twice.",
)
def query_options_share_the_fit(subject: Subject) -> None:
    """``with_query_options(variant=...)`` answers as a model of that variant that was fitted itself."""
    cls = type(subject.make())
    if "variant" not in cls.query_options:
        raise NotApplicable("`variant` is not among its query_options")
    if len(cls.variants) < 2:
        raise Broken("`variant` is a query option, but `variants` does not list what it takes")
    world, model = subject.fitted()[0]
    for variant in cls.variants:
        own = cls(**(subject.make().options() | {"variant": variant})).fit_problem(subject.given(world), seed=0)
        shared = model.with_query_options(variant=variant)
        _agree(subject, world, own, shared, f"asked as variant {variant!r}", BATCHED)


@holds(
    "global state untouched",
    "A library that reseeds a generator or changes a default alters its caller's results, and other models'.",
)
def global_state_untouched(subject: Subject) -> None:
    """Fits and queries leave torch's, NumPy's and Python's generators, defaults, threads and Pyro's store alone."""
    world, model = subject.fitted()[0]
    calls: dict[str, Callable[[], Any]] = {"fit": partial(subject.fit, world)}
    calls |= {str(question): partial(question.ask, model) for question, _ in subject.questions(world=world)}
    for what, call in calls.items():
        with other_randomness(11):  # a model that reseeds with the seed of its last fit would seem to change nothing
            before = _global_state()
            call()
            after = _global_state()
        if changed := [name for name in before if before[name] != after[name]]:
            raise Broken(f"{what} changed {' and '.join(changed)}; draw from torch.Generator objects of your own")


@holds(
    "inputs untouched",
    "The harness gives the same rows to every model, and scores answers against them afterwards.",
)
def inputs_untouched(subject: Subject) -> None:
    """Training rows, graph, factual rows and interventions are as before, and no answer shares their memory."""
    fitted, _ = subject.fitted()[0]
    world = next(world for world in worlds() if world.name == fitted.name)  # one that no fit has seen yet
    rows, graph = _copied(world.problem.train), world.problem.graph.copy()
    subject.fit(world)
    _unchanged("fit", "the training rows", rows, world.problem.train)
    if not nx.utils.graphs_equal(graph, world.problem.graph):
        raise Broken(f"{world.name}: fit changed the graph; work on graph.copy()")
    for question, model in subject.questions():
        do = {node: a for node, a in question.do.items() if isinstance(a, Tensor)}
        given = {"the factual rows": question.factual, "the intervention": do, "the noise": question.noise}
        before = {what: _copied(values) for what, values in given.items()}
        answer = question.ask(model)
        for what, values in given.items():
            _unchanged(str(question), what, before[what], values)
            for node, x in values.items():
                if shared := [v for v, y in answer.items() if _memory(x) == _memory(y)]:
                    raise Broken(
                        f"{question}: the answer's {shared[0]!r} shares memory with {what} ({node!r}): clone it"
                    )


def _agree(subject: Subject, world: World, model: CausalModel, other: CausalModel, what: str, tolerance: float) -> None:
    for question, _ in subject.questions(world=world):
        if off := compare(question.ask(other), question.ask(model), world.scale(), tolerance):
            raise Broken(f"{question}, {what}: {off}; take all randomness of fit from `seed`")


@contextmanager
def other_randomness(seed: int) -> Iterator[None]:
    """Global generators of torch, NumPy and Python in another state, then back as they were."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])


def _global_state() -> dict[str, Any]:
    numpy_state: Any = np.random.get_state()  # noqa: NPY002
    return {
        "torch's random state": torch.get_rng_state().tolist(),
        "NumPy's random state": [numpy_state[1].tolist(), *numpy_state[2:]],
        "Python's random state": random.getstate(),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's gradient mode": torch.is_grad_enabled(),
        "Pyro's parameter store": sorted(pyro.get_param_store().keys()),
    }


def _copied(values: Values) -> Values:
    return {node: x.clone() for node, x in values.items()}


def _unchanged(who: str, what: str, before: Values, after: Values) -> None:
    for node, x in before.items():
        if not torch.equal(x, after[node]):
            raise Broken(f"{who} changed {what}: {node!r} is another; work on clones")


def _memory(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()
