"""The harness's side of a chamber: a model from outside, fitted and asked in a process that knows no truth."""

from __future__ import annotations

import atexit
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import spawn
from multiprocessing.connection import Connection, Pipe
from pickle import UnpicklingError
from typing import IO, Any

import psutil
import torch
from scmbench.datasets import Problem, Values
from scmbench.datasets.hidden import CONFOUNDED
from scmbench.datasets.values import Intervention
from torch import Tensor

from ..judging.methods import METHOD
from ..records.checking import clean
from ..suites.suite import Entry
from .blame import Told, costs
from .chamber import FORKS, pack, unpack

DIED = "its process died (exit code {}): killed, out of memory, or a crash in native code"
GRACE, GRACE_OF_THE_BUSY = 5.0, 0.5
"""Seconds that a chamber has to end by itself, and one that was interrupted."""

_MAIN = ("init_main_from_name", "init_main_from_path")


class Nursery:
    """The process that chambers come from: started when first needed, and ended with this one."""

    process: subprocess.Popen[bytes] | None = None
    control: socket.socket

    def ready(self) -> None:
        """See that it runs. Call it where processes are started that outlive a batch.

        Raises `ChildProcessError` where it does not start.
        """
        if self.process is not None and self.process.poll() is None:
            return
        self.control, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", f"{__package__}.chamber", str(theirs.fileno())]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()
        if not self.control.recv(1):
            raise ChildProcessError(f"the process for models from outside does not start: {' '.join(command)}")

    def hatch(self, *handed: int) -> int:
        """A new chamber with these file descriptors; returns its process id."""
        self.ready()
        socket.send_fds(self.control, [b"."], list(handed))
        return self._told() if FORKS else self.process.pid  # type: ignore[union-attr]

    def ended(self) -> int:
        """Wait until the chamber has ended, and return its exit code."""
        return self._told() if FORKS else self.process.wait()  # type: ignore[union-attr]

    def _told(self) -> int:
        content = self.control.recv(8, socket.MSG_WAITALL)
        if len(content) < 8:
            raise Told("failed", DIED.format("unknown"))
        return struct.unpack("q", content)[0]

    def end(self) -> None:
        """End it."""
        if self.process is not None:
            self.control.close()
            self.process.kill()
            self.process.wait()
            self.process = None


NURSERY = Nursery()
atexit.register(NURSERY.end)


class OutsideModel:
    """A fitted model in a chamber, with the public methods that a question may call: all it hands over is values."""

    role = METHOD

    def __init__(self, chamber: Outside, name: int, about: Mapping[str, Any]):
        self.chamber, self.name = chamber, name
        self.answers, self.powers = frozenset(about["answers"]), frozenset(about["powers"]) - {"replay"}
        self.waives = {clean(str(name)): clean(str(why)) for name, why in about["waives"].items()}
        self.stream, self.drawn = 0, False

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """As `CausalModel.sample`."""
        return self._ask("sample", n, do, seed=seed)

    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """As `CausalModel.counterfactual`."""
        return self._ask("counterfactual", factual, do, seed=seed)

    def interval(self, factual: Values, do: Intervention, level: float = 0.9, *, seed: int) -> Values:
        """As `CausalModel.interval`."""
        return self._ask("interval", factual, do, level, seed=seed)

    def predict(self, do: Intervention) -> Values:
        """As `CausalModel.predict`."""
        return self._ask("predict", do)

    def log_prob(self, x: Values) -> Tensor:
        """As `CausalModel.log_prob`."""
        return self._ask("log_prob", x)

    def abduct(self, factual: Values) -> Values:
        """As `CausalModel.abduct`."""
        return self._ask("abduct", factual)

    def _ask(self, method: str, *arguments: Any, **seed: int) -> Any:
        told = {"model": self.name, "method": method, "arguments": list(arguments), "seed": seed}
        answer, drawn = self.chamber.call("ask", stream=self.stream, **told)
        self.drawn |= drawn
        return answer


class Outside:
    """A chamber for one batch. Trouble in it is `Told`; one that died starts anew when it is fitted again."""

    def __init__(self, entry: Entry, device: str | None):
        self.entry, self.execution = entry, {} if device is None else {"device": device}
        self.connection: Connection | None = None
        self.process: psutil.Process | None = None
        self.spent, self.busy = 0.0, False

    where = ""
    """What device the model computes on is its own affair."""

    def start(self) -> None:
        """Start the chamber and build the model in it."""
        ours, theirs = Pipe()
        output, out = os.pipe()
        try:
            pid = NURSERY.hatch(theirs.fileno(), out)
        finally:
            theirs.close()
            os.close(out)
        self.connection = ours
        with suppress(psutil.NoSuchProcess):
            self.process = psutil.Process(pid)
        self.relay = threading.Thread(target=_relay, args=(os.fdopen(output, "rb", buffering=0),), daemon=True)
        self.relay.start()
        place = {
            "environment": dict(os.environ),
            "folder": os.getcwd(),
            "path": list(sys.path),
            "threads": torch.get_num_threads(),
            "main": _main() if self.entry.name.startswith("__main__:") else {},
        }
        options = _options(self.entry)
        self.call("begin", place=place, name=self.entry.name, options=options, execution=self.execution)

    def fit(self, problems: Sequence[Problem], seeds: Sequence[int]) -> tuple[list[int], bool]:
        """Fit to all problems together: what the fitted models are called, and whether global generators were used."""
        if self.connection is None:
            self.start()
        given = [
            {
                "seed": p.seed,
                "nodes": list(p.graph.nodes),
                "edges": list(p.graph.edges),
                "confounded": p.graph.graph.get(CONFOUNDED, ()),
                "train": dict(p.train),
            }
            for p in problems
        ]
        return self.call("fit", problems=given, seeds=list(seeds))

    def configured(self, model: Any, entry: Entry) -> OutsideModel:
        """A fitted model as this entry, which shares its fit, asks it."""
        about, _ = self.call("configured", model=model, options=_options(entry))
        return OutsideModel(self, about["model"], about)

    def cost(self, model: Any) -> dict[str, int | float]:
        """What the model says its fit took."""
        with suppress(Told):
            return costs(self.call("cost", model=model)[0])
        return {}

    def about(self, entry: Entry) -> tuple[dict[str, str], str]:
        """What an unfitted model of this entry waives, and its role."""
        if self.connection is not None:
            with suppress(Told):
                told, _ = self.call("waives", options=_options(entry))
                return {clean(str(name)): clean(str(why)) for name, why in told.items()}, METHOD
        return {}, METHOD

    def call(self, name: str, /, **arguments: Any) -> tuple[Any, bool]:
        """The answer to a call, and whether global generators were used for it. Raises `Told` for trouble."""
        if self.connection is None:
            raise Told("failed", DIED.format("see the first failure"))
        self.busy = True
        try:
            self.connection.send_bytes(pack({"call": name, "arguments": arguments}))
            reply = unpack(self.connection.recv_bytes())
            self.busy = False
            drawn = bool(reply["drawn"])
            if "trouble" in reply:
                status, message = map(str, reply["trouble"])
                raise Told("unsupported" if status == "unsupported" else "failed", message)
            return reply["answer"], drawn
        except (EOFError, OSError) as error:
            raise Told("failed", DIED.format(self.close())) from error
        except (UnpicklingError, KeyError, TypeError, ValueError, RuntimeError) as error:
            self.close()
            raise Told("failed", f"its process answered with what is no data: {error}") from None

    def cpu(self) -> float:
        """CPU seconds of this process and of the chamber, as the kernel counts them."""
        if self.process is not None:
            with suppress(psutil.Error):
                times = self.process.cpu_times()
                self.spent = max(self.spent, times.user + times.system)
        return time.process_time() + self.spent

    def peak(self) -> float:
        """Peak memory of the chamber, MB."""
        with suppress(Told, TypeError, ValueError):
            return max(float(self.call("peak")[0]), 0.0)
        return 0.0

    def close(self) -> int | None:
        """End the chamber, by force where it does not answer; returns its exit code, None where there is none."""
        if self.connection is None:
            return None
        self.connection.close()
        self.connection, process, self.process = None, self.process, None
        if process is not None:
            with suppress(psutil.Error):
                try:
                    process.wait(GRACE_OF_THE_BUSY if self.busy else GRACE)
                except psutil.TimeoutExpired:
                    process.kill()
        self.busy = False
        code = NURSERY.ended()
        self.relay.join(1.0)
        return code


def _relay(output: IO[bytes]) -> None:
    """Pass on what the chamber prints, also native code's."""
    with output:
        while chunk := output.read(65536):
            if sys.stdout is not None:
                sys.stdout.write(chunk.decode(errors="backslashreplace"))


def _options(entry: Entry) -> dict[str, Any]:
    variant = {"variant": entry.variant} if entry.variant else {}
    return {**{name: list(v) if isinstance(v, tuple) else v for name, v in entry.options.items()}, **variant}


def _main() -> dict[str, Any]:
    """What another process needs to import this one's script, as `multiprocessing` does it."""
    return {name: x for name, x in spawn.get_preparation_data("chamber").items() if name in _MAIN}
