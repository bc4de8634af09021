"""Training of any number of small networks of whatever shapes, by the program that suits the device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from scmbench.datasets.seeds import generator
from threadpoolctl import threadpool_limits

from . import batched, captured, compiled
from .network import Architecture, Network, draw_network
from .progress import counted
from .regression import Regression

CPU_STACK = 8
"""Networks stacked on a CPU: their parameters, moments and activations should stay in its cache."""


def train_stack(
    regressions: Sequence[Regression],
    architecture: Architecture,
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    anneal: bool = False,
    patience: int = 0,
    device: torch.device | str = "cpu",
) -> list[Network]:
    """Train one network a regression and return them in the same order.

    Adam (Kingma, Ba, 2015; beta 0.9 and 0.999, eps 1e-8) on the mean squared error, everything in float32; the short
    last batch of an epoch is used, and with `anneal` the rate falls along half a cosine (`recipe.rates`). First weights
    and epochs come from streams of the regression's seed, so that a result does not depend on what is trained beside
    it. Regressions may differ in rows, inputs and outputs. With `patience` above 0 a network stops once the loss on its
    held-out rows has not fallen for so many epochs, and has the weights of the least.

    On a CPU a compiled loop trains one network after the other (`compiled`). On other devices, and for an architecture
    with a branch, networks of one shape are stacked and every operation acts on all of them (`batched`). Both take the
    same steps on the same numbers and agree to rounding. On a CUDA device whole epochs are captured (`captured`), with
    random numbers made there, for a `Regression` that can be drawn `together`: the same steps on other numbers, so
    that a CPU and a GPU agree in law, and in scores, not in digits.

    A training that diverges shows in its network's `losses`.
    """
    networks = [draw_network(architecture, r.inputs, r.outputs, generator(r.seed, "weights")) for r in regressions]
    how: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "anneal": anneal, "patience": patience}
    cpu = torch.device(device).type == "cpu"
    if cpu and not architecture.branch:
        # Products this small only lose by threads.
        with threadpool_limits(1, user_api="blas"):
            return [
                compiled.train(regression, network, **how)
                for regression, network in counted(list(zip(regressions, networks, strict=True)), "networks")
            ]
    # A captured stack fills inputs up, so that its networks may have a few parents more or less.
    silu = all(network.trunk.activation == "silu" for network in networks)
    wide = torch.device(device).type == "cuda" and not architecture.branch and not patience and silu
    groups = defaultdict(list)
    for i, r in enumerate(regressions):
        groups[r.rows, captured.padded(r.inputs) if wide else r.inputs, r.outputs].append(i)
    size = CPU_STACK if cpu else captured.WIDEST
    pieces = [group[start : start + size] for group in groups.values() for start in range(0, len(group), size)]
    for piece in pieces:
        mates, untrained = [regressions[i] for i in piece], [networks[i] for i in piece]
        for i, network in zip(piece, _train(mates, untrained, how, device, wide=wide), strict=True):
            networks[i] = network
    return networks


def _train(
    regressions: Sequence[Regression],
    networks: Sequence[Network],
    how: Mapping[str, Any],
    device: torch.device | str,
    *,
    wide: bool,
) -> list[Network]:
    """Networks of one shape, captured where that is possible."""
    drawn = type(regressions[0]).together(regressions) if wide else None
    if drawn is not None:
        return captured.train(drawn, networks, **{k: v for k, v in how.items() if k != "patience"})
    by_shape = defaultdict(list)
    for i, r in enumerate(regressions):
        by_shape[r.inputs].append(i)
    trained = list(networks)
    for group in by_shape.values():
        done = batched.train([regressions[i] for i in group], [networks[i] for i in group], **how, device=device)
        for i, network in zip(group, done, strict=True):
            trained[i] = network
    return trained
