"""The scalers that the published comparison refits for every query."""

from __future__ import annotations

import torch
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Values
from torch import Tensor

from .scaler import Scaler


def refitted(rows: Tensor, forced: Values, n: int, *, size: int, seed: int) -> Scaler:
    """A scaler for each of `n` rows, fitted on `size` bootstrap rows of ``rows (m, d)``: one per intervention value.

    Rows that share their intervention ``forced {node: (n,)}`` share a scaler, and so do all queries of one fit (`seed`)
    at the same intervention: its stream is keyed by the seed, the nodes and their values.
    """
    nodes = sorted(forced)
    if not nodes:
        return Scaler.of(_bootstrap(rows, size, seed, []), correction=1)
    settings, member = torch.unique(torch.stack([forced[v] for v in nodes], 1), dim=0, return_inverse=True)
    labels = [[f"{v}={a!r}" for v, a in zip(nodes, setting, strict=True)] for setting in settings.tolist()]
    scalers = [Scaler.of(_bootstrap(rows, size, seed, label), correction=1) for label in labels]
    return Scaler(torch.stack([s.mean for s in scalers])[member], torch.stack([s.std for s in scalers])[member])


def _bootstrap(rows: Tensor, size: int, seed: int, labels: list[str]) -> Tensor:
    stream = generator(seed, "query scaler", *labels)
    return rows[torch.randint(len(rows), (size,), generator=stream)]
