"""The command line for one's own table: fit a model and diagnose it, ask a fitted one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import say
from .options import parse
from .outputs import check_writable, write, writing
from .own_questions import ANSWERS, answer, check, read_questions
from .telling import note, note_reading, noting, show_diagnosis, show_graph

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from scmbench.datasets.values import Values
    from scmbench.models.keeping.frames import FrameModel

MODEL, DIAGNOSIS = "model", "diagnosis.json"
MOST_ROWS = 10_000_000
"""Rows that are sampled at most: more would not fit into the memory of an ordinary machine."""

TOO_FEW = 2
"""Held-out rows that a diagnosis needs: a distance is between pairs of rows."""

_DO = "Intervene: NODE=1 sets, NODE*=1.1 and NODE+=1 change the natural value; repeatable."


def _asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what to ask a fitted model; whatever goes wrong is one line."""
    for option in reversed(
        [
            click.option("--do", "assignments", multiple=True, metavar="NODE=VALUE", help=_DO),
            click.option("--do-file", type=click.Path(path_type=Path), help="A table with a value a row for --do."),
            click.option("--n", type=click.IntRange(1, MOST_ROWS), help="Rows to sample; 1000, or those of --do-file."),
            click.option("--counterfactual", type=click.Path(path_type=Path), help="Rows to ask `--do` about."),
            click.option(
                "--effect", "effects", multiple=True, metavar="NODE", help="Mean of NODE, --do less --versus."
            ),
            click.option("--versus", multiple=True, metavar="NODE=VALUE", help="What --effect compares --do with."),
            click.option("--seed", default=0, show_default=True, help="The only source of randomness."),
            click.option("--out", type=click.Path(path_type=Path), default="fitted", show_default=True, help="Folder."),
        ]
    ):
        command = option(command)

    @wraps(command)
    def told(**arguments: Any) -> Any:
        from scmbench.datasets import ValuesError

        try:
            return command(**arguments)
        except ValuesError as error:
            cure = "; scmbench fit --real treats whole numbers as measurements"
            whole = "takes integers" in str(error) or "fitted on integers" in str(error)
            raise click.ClickException(f"{error}{cure if whole else ''}") from None
        except (click.ClickException, click.Abort, LookupError, OSError):
            raise
        except Exception as error:  # a method's own failure, whatever it is
            raise click.ClickException(_line(error)) from None

    return told


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--graph", "graph_file", required=True, type=click.Path(path_type=Path), help="Who causes whom.")
@click.option("--model", "name", required=True, help="A registry name or package.module:Class (scmbench list models).")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the model; repeatable.")
@click.option(
    "--held-out", default=0.2, show_default=True, type=click.FloatRange(0.01, 0.9), help="Share kept to test."
)
@click.option("--real", is_flag=True, help="Columns of whole numbers are measurements, not counts.")
@_asking
def fit(
    data: Path,
    graph_file: Path,
    name: str,
    options: Sequence[str],
    held_out: float,
    real: bool,
    seed: int,
    out: Path,
    **asking: Any,
) -> None:
    """Fit a model to the table DATA (CSV or Parquet) and a causal graph, and say how well it does on held-out rows.

    GRAPH is an edge list (`a -> b` a line), an adjacency matrix, DOT, GML, GraphML, DAGitty or Tetrad text; its nodes
    are columns of DATA. Where a method has variants, `corrected` is fitted unless --option variant=reference. Into the
    folder --out go the fitted model, the diagnosis, samples (under --do where it is given), and with --counterfactual
    the answers for the rows of that file.
    """
    from scmbench.datasets.files.graphs import read_graph
    from scmbench.datasets.files.tables import read_table, table_columns
    from scmbench.datasets.values import from_frame, to_frame
    from scmbench.models.keeping.labels import Labels

    from ..judging.diagnosis import split

    check_writable(out)
    graph = read_graph(graph_file, table_columns(data))
    nodes = sorted(graph)
    table = read_table(data, nodes, real=real)
    labels = Labels.of(table, nodes)
    values = from_frame(labels.encode(table), nodes)
    questions = read_questions(nodes, labels, seed=seed, **asking)
    check(questions, graph, values, table, labels)
    show_graph(graph, graph_file)
    note_reading(data, table)
    train, rest = split(values, held_out, seed=seed)
    if not len(train[nodes[0]]):
        raise click.ClickException(f"{data}: --held-out {held_out} leaves no row to fit to")
    fitted = _fitted(name, options, graph, labels.decode(to_frame(train)), seed)
    wrote = []
    try:
        with writing(out / MODEL):
            fitted.save(out / MODEL)
        wrote.append(MODEL)
        say(f"{out / MODEL}: the fitted model; ask it more with: scmbench ask {out / MODEL}")
    except _unsupported() as error:
        say((f"not saved: {error}", "yellow"))
    wrote += _diagnosed(fitted, graph, train, rest, seed, out)
    wrote += answer(fitted, questions, out)
    if stale := [v for v in (MODEL, DIAGNOSIS, *ANSWERS) if v not in wrote and (out / v).exists()]:
        note(f"{', '.join(str(out / file) for file in stale)}: from an earlier run, of another model")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--model", "name", help="package.module:Class of a model that no installed package registers.")
@_asking
def ask(folder: Path, name: str | None, seed: int, out: Path, **asking: Any) -> None:
    """Ask the fitted model that `scmbench fit` saved in FOLDER: samples, interventions, counterfactuals, effects."""
    from scmbench.models.keeping.frames import FrameModel
    from scmbench.models.keeping.saving import HEADER, SavedModelError

    check_writable(out)
    try:
        with noting():
            fitted = FrameModel.load(folder, model=name)
    except SavedModelError as error:
        inside = folder / MODEL
        hint = f"; scmbench ask {inside} asks the one in it" if (inside / HEADER).exists() else ""
        raise click.ClickException(f"{error}{hint}") from None
    answer(fitted, read_questions(sorted(fitted.graph), fitted.labels, seed=seed, **asking), out)


def _fitted(name: str, options: Sequence[str], graph: nx.DiGraph, train: pd.DataFrame, seed: int) -> FrameModel:
    from scmbench.datasets import ValuesError
    from scmbench.models import load
    from scmbench.models.keeping.frames import FrameModel

    cls = load(name)
    try:
        with noting():
            return FrameModel(cls, **parse(options)).fit(graph, train, seed=seed)
    except _unsupported() as error:
        whole = "int" in str(error) and any(str(dtype).startswith("int") for dtype in train.dtypes)
        hint = "; --real treats whole numbers as measurements" if whole else ""
        raise click.ClickException(f"{name} cannot model this table: {error}{hint}") from None
    except ValuesError:
        raise
    except Exception as error:  # a method's own failure, whatever it is
        raise click.ClickException(f"{name} could not be fitted: {_line(error)}") from None


def _diagnosed(fitted: FrameModel, graph: nx.DiGraph, train: Values, rest: Values, seed: int, out: Path) -> list[str]:
    """Show and write the diagnosis; where there can be none, say why: the model is as good as without."""
    from ..judging.diagnosis import diagnose

    held_out, n = (len(next(iter(values.values()))) for values in (rest, train))
    if held_out < TOO_FEW:
        few = f"{n + held_out} rows leave {held_out} to judge by; too few: hold out more (--held-out), or get more rows"
        say((f"not diagnosed: {few}", "yellow"))
        return []
    try:
        diagnosis = diagnose(fitted.model, graph, train, rest, seed=seed)
    except Exception as error:  # whatever a method's answers do to it
        say((f"not diagnosed: {_line(error)}", "yellow"))
        return []
    show_diagnosis(diagnosis)
    write(out / DIAGNOSIS, json.dumps(diagnosis.to_json(), indent=1) + "\n")
    return [DIAGNOSIS]


def _unsupported() -> type[Exception]:
    from scmbench.models import Unsupported

    return Unsupported


def _line(error: Exception) -> str:
    """An exception in one line, with its kind where the message alone does not say enough."""
    text = " ".join(str(error).split())
    return text if isinstance(error, ValueError | ArithmeticError) and text else f"{type(error).__name__}: {text}"
