"""Training of any number of small networks of whatever shapes: sorted into stacks of equal shape, in bounded pieces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch

from . import batched
from .network import Architecture, Network
from .regression import Regression

CPU_STACK = 8
"""Networks trained side by side on a CPU: their parameters, moments and activations should stay in its cache."""


def train_stack(
    regressions: Sequence[Regression],
    architecture: Architecture,
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    device: torch.device | str = "cpu",
) -> list[Network]:
    """Train one network a regression with Adam on the mean squared error, and return them in the same order.

    Regressions may differ in rows, inputs and outputs. A network's result depends on its regression and seed alone, not
    on what else is trained beside it, to rounding.
    """
    groups = defaultdict(list)
    for i, regression in enumerate(regressions):
        groups[regression.rows, regression.inputs, regression.outputs].append(i)
    size = CPU_STACK if torch.device(device).type == "cpu" else len(regressions)
    networks: dict[int, Network] = {}
    for group in groups.values():
        for start in range(0, len(group), size):
            piece = group[start : start + size]
            trained = batched.train(
                [regressions[i] for i in piece],
                architecture,
                epochs=epochs,
                batch_size=batch_size,
                lr=lr,
                device=device,
            )
            networks.update(zip(piece, trained, strict=True))
    return [networks[i] for i in range(len(regressions))]
