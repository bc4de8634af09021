"""Walks of DCM's sampler on a GPU: all T steps as one graph, captured once for a shape and replayed for every network.

A step for a few thousand rows is some ten short operations, so that a GPU waits for the program most of the time. The
weights are arguments of the graph: networks of one shape share it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol, Self

import torch
from torch import Tensor

from .schedule import Schedule

ROWS, LEAST, KEPT = 16_384, 256, 48
"""Rows of a walk at most; graphs are for powers of two of rows from `LEAST` on; how many are kept a process."""


class Sampler(Protocol):
    """What walks: `sampler.Sampler`, which names this module."""

    @property
    def schedule(self) -> Schedule: ...  # noqa: D102
    @property
    def guidance(self) -> float: ...  # noqa: D102
    def tensors(self) -> list[Tensor]: ...  # noqa: D102
    def with_tensors(self, tensors: Sequence[Tensor]) -> Self: ...  # noqa: D102
    def walk(self, kind: str, start: Tensor, parents: Tensor, *, watched: bool = True) -> tuple[Tensor, Tensor]: ...  # noqa: D102


class Walk:
    """One kind of walk (`Sampler.walk`) for networks of one shape and a number of rows."""

    def __init__(self, sampler: Sampler, kind: str, start: Tensor, parents: Tensor, rows: int):
        copies = [tensor.clone() for tensor in sampler.tensors()]
        self.sampler, self.tensors = sampler.with_tensors(copies), copies
        self.start, self.parents = (part.new_zeros(rows, part.shape[1]) for part in (start, parents))
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # capturing asks for a first run, in which libraries get ready
            self.sampler.walk(kind, self.start, self.parents, watched=False)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.out, self.settled = self.sampler.walk(kind, self.start, self.parents, watched=False)

    def __call__(self, sampler: Sampler, start: Tensor, parents: Tensor) -> tuple[Tensor, Tensor]:
        """The answers for these rows ``(n, k)``, and of which of them every fixed point settled, ``(n,)``."""
        n = len(start)
        for here, there in zip(self.tensors, sampler.tensors(), strict=True):
            here.copy_(there)
        for here, there in ((self.start, start), (self.parents, parents)):
            here[:n].copy_(there)
            here[n:].zero_()
        self.graph.replay()
        return self.out[:n].clone(), self.settled[:n].clone()


_GRAPHS: OrderedDict[tuple, Walk] = OrderedDict()


def run(sampler: Sampler, kind: str, start: Tensor, parents: Tensor) -> Tensor:
    """What ``sampler.walk(kind, start, parents)`` gives, to rounding; rows whose fixed points did not settle are
    walked again step by step.
    """
    with torch.cuda.device(start.device):  # streams and graphs belong to one device
        return _run(sampler, kind, start, parents)


def _run(sampler: Sampler, kind: str, start: Tensor, parents: Tensor) -> Tensor:
    answers = []
    for piece, given in zip(start.split(ROWS), parents.split(ROWS), strict=True):
        rows = max(LEAST, 1 << (len(piece) - 1).bit_length())
        shapes = tuple(tuple(tensor.shape) for tensor in (*sampler.tensors(), piece[:0], given[:0]))
        key = kind, rows, sampler.schedule.steps, sampler.guidance, shapes, start.dtype, start.device
        walk = _GRAPHS.pop(key, None) or Walk(sampler, kind, piece, given, rows)
        _GRAPHS[key] = walk
        while len(_GRAPHS) > KEPT:
            _GRAPHS.popitem(last=False)
        answer, settled = walk(sampler, piece, given)
        if not settled.all():
            answer[~settled] = sampler.walk(kind, piece[~settled], given[~settled])[0]
        answers.append(answer)
    return torch.cat(answers)
