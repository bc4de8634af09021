"""What the command line asks of a model fitted to one's own table, and the files that hold the answers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import say
from .assignments import Asked, asked
from .outputs import writing
from .telling import note, note_reading, noting

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from scmbench.datasets.values import Values
    from scmbench.models.keeping.frames import FrameModel
    from scmbench.models.keeping.labels import Labels

SAMPLES, COUNTERFACTUALS, EFFECTS = ANSWERS = "samples.csv", "counterfactuals.csv", "effects.csv"
REHEARSED = 200
"""Rows that `check` fits its model to."""


@dataclass(frozen=True)
class Questions:
    """What is asked of a fitted model: interventions, rows, outcomes of effects."""

    do: Asked
    versus: Asked | None
    n: int
    factual: pd.DataFrame | None
    ids: pd.DataFrame | None
    effects: Sequence[Any]
    seed: int


def read_questions(
    nodes: Sequence[Any],
    labels: Labels,
    *,
    assignments: Sequence[str],
    do_file: Path | None,
    n: int | None,
    counterfactual: Path | None,
    effects: Sequence[str],
    versus: Sequence[str],
    seed: int,
) -> Questions:
    """The questions that the options ask of a model of these columns. Raises `ClickException` where they clash."""
    from scmbench.datasets.files.tables import OwnTable

    settable = {node: column.labels for node, column in labels.columns.items() if column.labels}
    do = asked(assignments, do_file, nodes, labels=settable)
    if counterfactual and not do.do:
        raise click.ClickException("--counterfactual asks what would have been: say under which --do NODE=VALUE")
    if bool(effects) != bool(versus) or (effects and not do.do):
        raise click.ClickException(
            "an effect is --effect NODE of --do NODE=VALUE less --versus NODE=VALUE: give all three"
        )
    known = {str(node): node for node in nodes}
    if foreign := [node for node in effects if node not in known]:
        raise click.ClickException(f"--effect {foreign[0]}: the graph has no node {foreign[0]!r}; it has {list(known)}")
    for node in effects:
        labels.check_mean(known[node])
    if do.n is not None and n not in (None, do.n):
        raise click.ClickException(f"--n {n}, but {do_file} has {do.n} rows")
    factual = ids = None
    if counterfactual is not None:
        table = OwnTable.read(counterfactual, known)
        factual, ids = table.values(gaps=True), table.others()
        note_reading(counterfactual, factual)
        if factual.columns.empty:
            table.values()  # says which column is missing
        if do.n not in (None, len(factual)):
            raise click.ClickException(f"{counterfactual} has {len(factual)} rows, {do_file} has {do.n}")
        factual.columns = [known.get(str(column), column) for column in factual.columns]
    return Questions(
        do=do,
        versus=asked(versus, None, nodes, option="--versus", labels=settable) if versus else None,
        n=n or do.n or 1000,
        factual=factual,
        ids=ids,
        effects=[known[node] for node in effects],
        seed=seed,
    )


def check(questions: Questions, graph: nx.DiGraph, data: Values, table: pd.DataFrame, labels: Labels) -> None:
    """Refuse before the training what would be refused after it. Raises `ValuesError`.

    `data` are the rows of `table` as values, words by their codes. The questions are asked of a linear model of a few
    rows, which is there at once.
    """
    import pandas as pd
    from scmbench.datasets.values import ValuesError, expand
    from scmbench.models.keeping.frame_do import value_of
    from scmbench.models.keeping.frames import FrameModel

    like = {node: x[:0] for node, x in data.items()}
    for each in (questions.do, questions.versus):
        rows = pd.RangeIndex(each.n or 1) if each else pd.RangeIndex(1)
        given = {node: v for node, v in (each.do if each else {}).items() if not callable(v)}
        expand({node: value_of(node, labels.code(node, v), rows) for node, v in given.items()}, len(rows), like)
    brief = replace(questions, n=questions.do.n or 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            trial = FrameModel("linear").fit(graph, table.head(REHEARSED))
            for _, _, make in _answers(trial, brief):
                make()
        except ValuesError:
            raise
        except Exception:  # the rehearsal's own, such as a kind of column that it cannot model
            return


def answer(fitted: FrameModel, questions: Questions, out: Path) -> list[str]:
    """Write what is asked, all of it or, where a question is refused, none; returns the files written.

    A model that cannot answer says so, and the rest goes on.
    """
    from scmbench.datasets.files.whole import staged
    from scmbench.models import Unsupported

    from ..records.spreadsheet import to_csv

    answered = []
    with noting():  # once, though it is so of several answers
        for file, what, make in _answers(fitted, questions):
            try:
                answered.append((file, what, make()))
            except Unsupported as error:
                say((f"not answered: {what}: {error}", "yellow"))
    with writing(out), staged(out) as aside:  # all answers of one call, or those of the call before
        for file, _, table in answered:
            (aside / file).write_bytes(to_csv(table).encode())
    for file, what, table in answered:
        if file == EFFECTS:
            _tell_effects(table)
        say(f"{out / file}: {what}")
    return [file for file, _, _ in answered]


def _answers(fitted: FrameModel, questions: Questions) -> list[tuple[str, str, Callable[[], pd.DataFrame]]]:
    """File, description and maker of every answer."""
    under = f"do({questions.do.text})"
    answers: list[tuple[str, str, Callable[[], pd.DataFrame]]] = [
        (
            SAMPLES,
            f"{questions.n} samples" + (f" under {under}" if questions.do.do else ""),
            lambda: _samples(fitted, questions),
        )
    ]
    if questions.factual is not None:
        what = f"{len(questions.factual)} counterfactuals under {under}"
        answers.append((COUNTERFACTUALS, what, lambda: _counterfactuals(fitted, questions)))
    if questions.effects and questions.versus:
        what = f"effects of {under} versus do({questions.versus.text})"
        answers.append((EFFECTS, what, lambda: _effects(fitted, questions)))
    return answers


def _samples(fitted: FrameModel, questions: Questions) -> pd.DataFrame:
    return fitted.sample(questions.n, questions.do.do, seed=questions.seed)


def _counterfactuals(fitted: FrameModel, questions: Questions) -> pd.DataFrame:
    import pandas as pd

    answered = fitted.counterfactual(questions.factual, questions.do.do, seed=questions.seed)  # type: ignore[arg-type]
    if unknown := [column for column in answered if answered[column].isna().any()]:
        note(f"{unknown}: empty where the factual value is missing, because its noise cannot be known then")
    return pd.concat([questions.ids, answered], axis=1)


def _effects(fitted: FrameModel, questions: Questions) -> pd.DataFrame:
    import pandas as pd

    assert questions.versus
    rows = []
    for outcome in questions.effects:
        found = fitted.effect(
            outcome, questions.do.do, questions.versus.do, n=questions.n, frame=questions.factual, seed=questions.seed
        )
        rows.append({"do": questions.do.text, "versus": questions.versus.text, **asdict(found)})
    return pd.DataFrame(rows)


def _tell_effects(table: pd.DataFrame) -> None:
    for line in table.to_dict("records"):
        change = f"{line['difference']:.6g} [{line['low']:.6g}, {line['high']:.6g}]"
        say(
            f"effect on {line['outcome']!r}: {change}, the mean under do({line['do']}) less that under "
            f"do({line['versus']}), 95 % bootstrap interval over {line['n']} rows; what the fitted model itself gets "
            "wrong is not in it"
        )
