"""Properties of a model's options and of what `fit` refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from scmbench.datasets.problem import Problem

from ..contract.base import Unsupported
from ..contract.options import constructor_parameters
from .subject import Broken, NotApplicable, Subject, describe, holds

PLAIN = (bool, int, float, str, type(None))


@holds(
    "options are plain values",
    "Resolved options identify a result in the store and are written in suites: they must be readable and complete.",
)
def options_are_plain(subject: Subject) -> None:
    """Every constructor argument is kept as the attribute of its name and is a plain value."""
    model = subject.make()
    for parameter in constructor_parameters(type(model)):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise Broken(f"the constructor takes {parameter}: spell its options out, with defaults")
        if parameter.default is parameter.empty:
            raise Broken(f"option {parameter.name!r} has no default: a suite must be able to name the model alone")
        if not hasattr(model, parameter.name):
            raise Broken(f"option {parameter.name!r} is not kept: write self.{parameter.name} = {parameter.name}")
    for name, value in model.options().items():
        if not _plain(value):
            raise Broken(
                f"option {name!r} is a {type(value).__name__} ({value!r}); expected a number, string, boolean, None or "
                f"a tuple of these"
            )


@holds(
    "fit refuses bad data",
    "A NaN, a missing column or a cycle that slips through gives numbers that look like results.",
)
def fit_refuses_bad_data(subject: Subject) -> None:
    """NaN, infinity, a missing column and a cycle are `ValueError`s whose message names the culprit."""
    world, node = subject.worlds[0], "m"
    if world.name not in subject.models:
        raise NotApplicable(f"it was not fitted to {world.name}")
    problem = subject.given(world)
    x = problem.train[node]
    cycle = problem.graph.copy()
    cycle.add_edge("a", "z")
    bad = {
        f"NaN in {node!r}": replace(problem, train=problem.train | {node: torch.where(x == x[3], torch.nan, x)}),
        f"infinity in {node!r}": replace(problem, train=problem.train | {node: torch.where(x == x[3], torch.inf, x)}),
        f"no column {node!r}": replace(problem, train={k: v for k, v in problem.train.items() if k != node}),
        "the cycle z -> a -> z": replace(problem, graph=cycle),
    }
    for what, given in bad.items():
        _refused(subject, what, given, "z" if "cycle" in what else node)


def _refused(subject: Subject, what: str, problem: Problem, culprit: str) -> None:
    try:
        subject.make().fit_problem(problem, seed=0)
    except (ValueError, Unsupported) as error:
        if culprit not in str(error):
            raise Broken(f"{what}: fit raised {describe(error)}, which does not name {culprit!r}") from error
    except Exception as error:
        advice = "expected a ValueError that names it (scmbench.datasets.values.check_values, check_graph do this)"
        raise Broken(f"{what}: fit raised {describe(error)}; {advice}") from error
    else:
        advice = "call check_graph(graph) and check_values(data, order) of scmbench.datasets.values first"
        raise Broken(f"{what}: fit accepted it; {advice}")


def _plain(value: Any) -> bool:
    return isinstance(value, PLAIN) or (isinstance(value, tuple) and all(map(_plain, value)))
