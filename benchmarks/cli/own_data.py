"""The command line for one's own table: fit a model and diagnose it, ask a fitted one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import console
from .options import parse

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from scmbench.models.keeping.frames import FrameModel

    from ..judging.diagnosis import Diagnosis

MODEL, DIAGNOSIS, SAMPLES, COUNTERFACTUALS = "model", "diagnosis.json", "samples.csv", "counterfactuals.csv"


def _asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what to ask a fitted model."""
    for option in reversed(
        [
            click.option("--do", "assignments", multiple=True, metavar="NODE=VALUE", help="Intervene; repeatable."),
            click.option("--n", default=1000, show_default=True, type=click.IntRange(1), help="Rows to sample."),
            click.option("--counterfactual", type=click.Path(path_type=Path), help="Rows to ask `--do` about."),
            click.option("--seed", default=0, show_default=True, help="The only source of randomness."),
            click.option("--real", is_flag=True, help="Columns of whole numbers are measurements, not counts."),
            click.option("--out", type=click.Path(path_type=Path), default="fitted", show_default=True, help="Folder."),
        ]
    ):
        command = option(command)
    return command


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--graph", "graph_file", required=True, type=click.Path(path_type=Path), help="Who causes whom.")
@click.option("--model", "name", required=True, help="A registry name or package.module:Class (scmbench list models).")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the model; repeatable.")
@click.option(
    "--held-out", default=0.2, show_default=True, type=click.FloatRange(0.01, 0.9), help="Share kept to test."
)
@_asking
def fit(
    data: Path,
    graph_file: Path,
    name: str,
    options: Sequence[str],
    held_out: float,
    assignments: Sequence[str],
    n: int,
    counterfactual: Path | None,
    seed: int,
    real: bool,
    out: Path,
) -> None:
    """Fit a model to the table DATA (CSV or Parquet) and a causal graph, and say how well it does on held-out rows.

    GRAPH is an edge list (`a -> b` a line), GraphML or DOT; its nodes are columns of DATA. Into the folder --out go the
    fitted model, the diagnosis, samples (under --do where it is given), and with --counterfactual the answers for the
    rows of that file.
    """
    from scmbench.datasets import ValuesError
    from scmbench.datasets.files.graphs import read_graph
    from scmbench.datasets.files.tables import read_table
    from scmbench.datasets.values import from_frame, to_frame
    from scmbench.models import Unsupported, build, load
    from scmbench.models.keeping.frames import FrameModel

    from ..judging.diagnosis import diagnose, split

    graph = read_graph(graph_file)
    do = _intervention(assignments, graph)
    factual = _factual(counterfactual, graph, do, real)
    values = from_frame(read_table(data, sorted(graph), real=real), sorted(graph))
    train, rest = split(values, held_out, seed=seed)
    try:
        fitted = FrameModel(build(load(name), parse(options))).fit(graph, to_frame(train), seed=seed)
        diagnosis = diagnose(fitted.model, graph, train, rest, seed=seed)
    except Unsupported as error:
        hint = (
            "; --real treats whole numbers as measurements"
            if any(not x.is_floating_point() for x in train.values())
            else ""
        )
        raise click.ClickException(f"{name} cannot model this table: {error}{hint}") from None
    except (ValuesError, LookupError):
        raise
    except (ValueError, TypeError, ArithmeticError, RuntimeError) as error:
        raise click.ClickException(f"{name} could not be fitted: {error}") from None
    _show(diagnosis)
    _write(out / DIAGNOSIS, json.dumps(diagnosis.to_json(), indent=1) + "\n")
    try:
        fitted.save(out / MODEL)
        console.print(f"{out / MODEL}: the fitted model; ask it more with: scmbench ask {out / MODEL}", highlight=False)
    except Unsupported as error:
        console.print(f"[yellow]not saved[/yellow]: {error}", highlight=False)
    _answer(fitted, do, n, factual, seed, out)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--model", "name", help="package.module:Class of a model that no installed package registers.")
@_asking
def ask(
    folder: Path,
    name: str | None,
    assignments: Sequence[str],
    n: int,
    counterfactual: Path | None,
    seed: int,
    real: bool,
    out: Path,
) -> None:
    """Ask the fitted model that `scmbench fit` saved in FOLDER: samples, interventions, counterfactuals."""
    import networkx as nx
    from scmbench.models.keeping.frames import FrameModel
    from scmbench.models.keeping.saving import SavedModelError, saved_like

    try:
        fitted = FrameModel.load(folder, model=name)
        nodes = saved_like(folder)
    except SavedModelError as error:
        raise click.ClickException(str(error)) from None
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    do = _intervention(assignments, graph)
    _answer(fitted, do, n, _factual(counterfactual, graph, do, real), seed, out)


def _intervention(assignments: Sequence[str], graph: nx.DiGraph) -> dict[str, float | int]:
    try:
        do = parse(assignments)
    except ValueError as error:
        raise click.ClickException(f"--do: {error}; write --do NODE=VALUE") from None
    for node, value in do.items():
        if node not in graph:
            raise click.ClickException(f"--do {node}={value}: the graph has no node {node!r}; it has {sorted(graph)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise click.ClickException(f"--do {node}={value}: expected a number")
    return do


def _factual(path: Path | None, graph: nx.DiGraph, do: dict[str, float | int], real: bool) -> pd.DataFrame | None:
    from scmbench.datasets.files.tables import read_table

    if path is None:
        return None
    if not do:
        raise click.ClickException("--counterfactual asks what would have been: say under which --do NODE=VALUE")
    return read_table(path, sorted(graph), real=real)


def _answer(
    fitted: FrameModel, do: dict[str, float | int], n: int, factual: pd.DataFrame | None, seed: int, out: Path
) -> None:
    """Write what is asked; a model that cannot answer says so, and the rest goes on."""
    from scmbench.models import Unsupported

    under = ", ".join(f"{node} = {value}" for node, value in do.items())
    questions = [
        (SAMPLES, f"{n} samples" + (f" under do({under})" if do else ""), lambda: fitted.sample(n, do, seed=seed))
    ]
    if factual is not None:
        what = f"{len(factual)} counterfactuals under do({under})"
        questions.append((COUNTERFACTUALS, what, lambda: fitted.counterfactual(factual, do, seed=seed)))
    for file, what, answer in questions:
        try:
            text = answer().to_csv(index=False)
        except Unsupported as error:
            console.print(f"[yellow]not answered[/yellow]: {what}: {error}", highlight=False)
            continue
        _write(out / file, text)
        console.print(f"{out / file}: {what}", highlight=False)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None


def _show(diagnosis: Diagnosis) -> None:
    from rich.table import Table

    from ..judging.diagnosis import ABDUCTION

    console.print(f"fitted on {diagnosis.n_train} rows, judged on {diagnosis.n_held_out} held out", highlight=False)
    distances = Table(title="Distance to held-out rows, units of standard deviations", title_justify="left")
    columns = list(next(iter(diagnosis.distances.values())))
    for column in ("", *columns):
        distances.add_column(column, justify="right" if column else "left")
    for name, found in diagnosis.distances.items():
        distances.add_row(name, *(f"{found[column]:.4g}" for column in columns))
    console.print(distances)
    if diagnosis.nll is not None:
        console.print(f"negative log-likelihood: {diagnosis.nll:.4f} nats a row", highlight=False)
    nodes = Table(title="Abduction: the inferred noise against the parents", title_justify="left")
    for column in ("node", "round trip (sd)", "distance correlation", "p"):
        nodes.add_column(column, justify="left" if column == "node" else "right")
    for check in diagnosis.nodes:
        nodes.add_row(check.node, *map(_number, (check.round_trip, check.correlation, check.p)))
    console.print(nodes)
    if diagnosis.closest:
        a, b, correlation, p = diagnosis.closest
        console.print(
            f"noises that depend most: {a} and {b}, correlation {correlation:.3g}, p = {p:.3g}", highlight=False
        )
    for what, note in diagnosis.notes.items():
        console.print(f"[dim]{what}: {note}[/dim]", highlight=False)
    if ABDUCTION not in diagnosis.notes:
        console.print("[dim]A small p says that a mechanism, the graph or its lack of common causes is wrong.[/dim]")


def _number(x: float | None) -> str:
    return "-" if x is None else f"{x:.3g}"
