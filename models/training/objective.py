"""Networks trained on any loss of their outputs; the epoch whose loss on held-out rows was least is kept of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from .batched import Stack
from .network import Architecture, Network, draw_network
from .progress import counted
from .recipe import rates
from .stopping import split


class Objective(ABC):
    """What one network minimises: the mean over rows of a loss of what it makes of ``rows (n, c)``.

    A tenth of the rows, at least one, is held out, by a stream of `seed`; of a single row everything is asked. All
    other randomness comes from `seed` too.
    """

    def __init__(self, rows: Tensor, inputs: int, outputs: int, seed: int):
        self.inputs, self.outputs, self.seed = inputs, outputs, seed
        kept, held = (part.to(rows.device) for part in split(len(rows), seed))
        self.rows, self.held = rows[kept], rows[held]

    @property
    def kind(self) -> Hashable:
        """What must agree in a stack beside the numbers of rows, inputs and outputs: whatever `loss` depends on."""
        return type(self)

    def batches(self, batch_size: int) -> int:
        """Steps in an epoch."""
        return -(-len(self.rows) // batch_size)

    @abstractmethod
    def batch(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """What `loss` is asked about for these ``rows (n, c)``: tensors of n rows, with what is drawn for them.

        A loss that compares rows with each other may leave out those at the end that fill no batch.

        The generator is the CPU's wherever the data are, so that all devices train on the same numbers.
        """

    @abstractmethod
    def loss(self, network: Callable[[Tensor], Tensor], *batch: Tensor) -> Tensor:
        """The loss ``(K, n)`` of K stacked networks, ``(K, n, inputs)`` to ``(K, n, outputs)``, on stacked batches."""


def train_objectives(
    objectives: Sequence[Objective],
    architecture: Architecture,
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    device: torch.device | str = "cpu",
) -> list[Network]:
    """Train one network an objective and return them in the same order, in float32 on the CPU.

    Adam (Kingma, Ba, 2015) at a rate that falls along half a cosine, a short last batch included. Networks of one shape
    are stacked; a result does not depend on what is trained beside it. `losses` of a network are its held-out losses
    after every epoch, and its weights those of the least. A training in which none was finite shows there.
    """
    groups = defaultdict(list)
    for i, o in enumerate(objectives):
        groups[o.kind, o.rows.shape, o.held.shape, o.inputs, o.outputs].append(i)
    found: dict[int, Network] = {}
    for group in groups.values():
        mates = [objectives[i] for i in group]
        drawn = [draw_network(architecture, o.inputs, o.outputs, generator(o.seed, "weights")) for o in mates]
        trained = _train(mates, [network.to(device) for network in drawn], epochs, batch_size, lr)
        found.update(zip(group, trained, strict=True))
    return [found[i] for i in range(len(objectives))]


@torch.no_grad()
def _train(
    objectives: Sequence[Objective], networks: Sequence[Network], epochs: int, batch_size: int, lr: float
) -> list[Network]:
    # A batched product of one matrix takes another kernel, which rounds differently: a lone network gets a mate.
    copies = 2 if len(objectives) == 1 else 1
    stack = Stack(list(networks) * copies, lr)
    streams = [generator(o.seed, "batches") for o in objectives]
    asked = [o.batch(o.held, generator(o.seed, "held-out batch")) for o in objectives]
    held = [torch.stack(part * copies) for part in zip(*asked, strict=True)]
    loss = objectives[0].loss
    best, least, history = [w.clone() for w in stack.tensors], torch.inf, []
    for rate in counted(rates(lr, epochs, anneal=True), "epochs"):
        stack.optimizer.param_groups[0]["lr"] = rate
        drawn = [_shuffled(o, stream) for o, stream in zip(objectives, streams, strict=True)]
        epoch = [torch.stack(part * copies) for part in zip(*drawn, strict=True)]
        for batch in zip(*(part.split(batch_size, dim=1) for part in epoch), strict=True):
            with torch.enable_grad():
                stack.descend(loss(stack, *batch).mean(1).sum())
        now = loss(stack, *held).mean(1)
        better = now < least
        best = [torch.where(better[:, None, None], w, b) for w, b in zip(stack.tensors, best, strict=True)]
        least = torch.where(better, now, least)
        history.append(now)
    for tensor, kept in zip(stack.tensors, best, strict=True):
        tensor.copy_(kept)
    losses = torch.stack(history, 1).cpu()
    return [stack.take(k, losses[k]).to("cpu") for k in range(len(objectives))]


def _shuffled(objective: Objective, stream: torch.Generator) -> tuple[Tensor, ...]:
    order = torch.randperm(len(objective.rows), generator=stream).to(objective.rows.device)
    return objective.batch(objective.rows.index_select(0, order), stream)
