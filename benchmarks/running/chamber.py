"""A process of its own for a model from outside: it is shown rows and questions, and never a world or a truth.

`outside.py` is the other side. A *nursery* process, started once, waits with the libraries loaded; for each batch it
forks a chamber (where forking is not safe it becomes one itself). What goes between the two sides is data: numbers,
texts, tensors, and lists and dicts of these (`torch.load` with ``weights_only``), so that nothing the adapter's side
sends can run code on the other.
"""

from __future__ import annotations

import io
import multiprocessing.spawn
import os
import signal
import socket
import struct
import sys
import warnings
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from multiprocessing.connection import Connection
from pickle import UnpicklingError
from typing import Any

import networkx as nx
import torch
from scmbench import models
from scmbench.datasets import Problem, ValuesError
from scmbench.datasets.hidden import CONFOUNDED
from scmbench.datasets.registry import FAMILIES, catalogue
from scmbench.models import CausalModel

from .blame import TROUBLE, blame, own_cost, waived
from .environment import peak_mb
from .isolation import isolated
from .processes import children_ended, end_with_parent

FORKS = sys.platform == "linux"
"""Elsewhere libraries may not survive a fork."""

ASKED = ("sample", "counterfactual", "interval", "predict", "log_prob", "abduct")
"""The methods that a question may call; no `replay`, which takes the truth."""


def pack(content: Any) -> bytes:
    """Plain data as bytes, and of a tensor no more than it shows: rows that a view leaves out stay where they are."""
    buffer = io.BytesIO()
    torch.save(_cut(content), buffer)
    return buffer.getvalue()


def _cut(content: Any) -> Any:
    if isinstance(content, torch.Tensor):
        return content.detach().cpu().clone()
    if isinstance(content, Mapping):
        return {name: _cut(x) for name, x in content.items()}
    return [_cut(x) for x in content] if isinstance(content, list) else content


def unpack(content: bytes) -> Any:
    """What `pack` packed. Raises `UnpicklingError` for anything but plain data."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return torch.load(io.BytesIO(content), weights_only=True)
    except Exception as error:  # whatever a parser stumbles over
        raise UnpicklingError(f"no plain data: {error}") from error


class _Fence(MetaPathFinder):
    """Refuses the modules that define worlds: a chamber has no use for them that is honest.

    A fence and no wall: whoever wants to can read the files.
    """

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        known = {f"scmbench.datasets.{module}" for module in (*catalogue(), *FAMILIES)}
        if fullname in known:
            raise ImportError(f"{fullname} defines worlds, which a model does not get to see while it is judged")


class Chamber:
    """The models of one batch, called by name."""

    def __init__(self) -> None:
        self.model: CausalModel
        self.fitted: list[CausalModel] = []
        self.drawn = False

    def begin(
        self, place: Mapping[str, Any], name: str, options: Mapping[str, Any], execution: Mapping[str, Any]
    ) -> None:
        """Go where the other side is, and build the model; of the `execution` options those that it has are set."""
        os.environ.clear()
        os.environ.update(place["environment"])
        os.chdir(place["folder"])
        sys.path[:] = place["path"]
        torch.set_num_threads(place["threads"])
        sys.meta_path.insert(0, _Fence())
        if place["main"]:
            multiprocessing.spawn.prepare(place["main"])
        self.name = name
        self.model = self._built(options)
        for option in self.model.execution_options & set(self.model.options()) & set(execution):
            setattr(self.model, option, execution[option])

    def _built(self, options: Mapping[str, Any]) -> CausalModel:
        return models.build(models.load(self.name), options)

    def waives(self, options: Mapping[str, Any]) -> dict[str, str]:
        """What an unfitted model of this configuration waives."""
        return waived(self._built(options))

    def fit(self, problems: list[dict[str, Any]], seeds: list[int]) -> list[int]:
        """Fit copies to all problems together; returns what they are called."""
        given = []
        for problem in problems:
            graph = nx.DiGraph()
            graph.add_nodes_from(problem["nodes"])
            graph.add_edges_from(problem["edges"])
            if problem["confounded"]:
                graph.graph[CONFOUNDED] = tuple(map(tuple, problem["confounded"]))
            given.append(Problem("", problem["seed"], graph, problem["train"], ()))
        with isolated(seeds[0]) as watch:
            fitted = list(self.model.fit_many(given, seeds))
        self.drawn = watch.touched
        if len(fitted) != len(given):
            raise ValuesError(f"fit_many gave {len(fitted)} models for {len(given)} problems")
        self.fitted += fitted
        return list(range(len(self.fitted) - len(fitted), len(self.fitted)))

    def configured(self, model: int, options: Mapping[str, Any]) -> dict[str, Any]:
        """A fitted model with the query options of this configuration, what it is called, and what it says it can."""
        fitted = self.fitted[model]
        chosen = {k: v for k, v in self._built(options).options().items() if k in fitted.query_options}
        self.fitted.append(fitted.with_query_options(**chosen))
        asked = self.fitted[-1]
        can = {"answers": sorted(map(str, asked.answers)), "powers": sorted(map(str, asked.powers))}
        return {"model": len(self.fitted) - 1, "waives": waived(asked), **can}

    def cost(self, model: int) -> dict[str, int | float]:
        """What the model says its fit took."""
        return own_cost(self.fitted[model])

    def ask(self, model: int, method: str, arguments: list[Any], seed: dict[str, int], stream: int) -> Any:
        """Call one of the methods `ASKED`, global generators on `stream`; returns tensors."""
        if method not in ASKED:
            raise ValuesError(f"{method!r} is no question")
        with isolated(stream) as watch:
            answer = getattr(self.fitted[model], method)(*arguments, **seed)
        self.drawn = watch.touched
        return _plain(answer)

    def peak(self) -> float:
        """Peak memory of this process, MB."""
        return peak_mb()


def _plain(answer: Any) -> Any:
    if isinstance(answer, torch.Tensor):
        return answer
    if isinstance(answer, Mapping):
        return {node: _plain(x) if isinstance(x, torch.Tensor) else _named(x) for node, x in answer.items()}
    return _named(answer)


def _named(answer: Any) -> str:
    """What is no tensor does not leave the process; its type does, for the message."""
    raise ValuesError(f"the model answered with a {type(answer).__name__}; expected a dict of node to tensor")


def serve(connection: Connection) -> None:
    """Answer calls until the other side closes the connection."""
    chamber = Chamber()
    with children_ended(), isolated(0):
        while True:
            try:
                call = unpack(connection.recv_bytes())
            except (EOFError, OSError):
                return
            chamber.drawn = False
            try:
                answer = {"answer": getattr(chamber, call["call"])(**call["arguments"])}
                reply = pack({**answer, "drawn": chamber.drawn})
            except TROUBLE as error:
                reply = pack({"trouble": list(blame(error)), "drawn": chamber.drawn})
            sys.stdout.flush()
            sys.stderr.flush()
            connection.send_bytes(reply)


def _become(connection: int, output: int) -> None:
    """Make this process a chamber, its output going to `output`."""
    end_with_parent()
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    serve(Connection(connection))


def main(control: socket.socket) -> None:
    """The nursery: for every pair of file descriptors that comes, a chamber; says with what exit code it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides when to stop
    end_with_parent()
    control.sendall(b".")
    while True:
        _, handed, _, _ = socket.recv_fds(control, 1, 2)
        if len(handed) != 2:
            return
        if not FORKS:
            _become(*handed)
            return
        child = os.fork()
        if child == 0:
            code = 1
            try:
                control.close()
                _become(*handed)
                code = 0
            finally:
                os._exit(code)
        control.sendall(struct.pack("q", child))
        for one in handed:
            os.close(one)
        _, status = os.waitpid(child, 0)
        control.sendall(struct.pack("q", os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    from scmbench.benchmarks.running import chamber  # the module under its own name, not a second copy of it

    chamber.main(socket.socket(fileno=int(sys.argv[1])))
