"""Trained judges as they are asked: classes, features, reconstructions, latents; and the digest of their weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property

import torch
from scmbench.metrics import MetricError
from scmbench.metrics.images import Thickness
from torch import Tensor

from .networks import Panel

CHUNK = 512
"""Rows that are asked about together."""

_REFERENCE = ("reference.mean", "reference.log_sd", "reference.labels", "thickness")


class Judges:
    """The judges of a world, and the latents of the rows that they were trained on, to which CLD compares.

    Args:
        panel: The trained networks.
        latents: Mean and log standard deviation of the reference rows, ``(m, 16)`` each.
        labels: Their classes, ``(m,)``.
        thickness: The world's measure of thickness, where it has that node.
    """

    def __init__(
        self, panel: Panel, latents: tuple[Tensor, Tensor], labels: Tensor, thickness: Thickness | None = None
    ):
        self.panel, self.latents, self.labels, self.thickness = panel, latents, labels, thickness

    def logits(self, x: Tensor) -> Tensor:
        """What class the classifier sees, ``(n, c, h, w) -> (n, classes)``."""
        return self._by_chunk(self.panel.classifier, x)

    def features(self, x: Tensor) -> Tensor:
        """The classifier's last hidden layer, ``(n, c, h, w) -> (n, 64)``, float64."""
        return self._by_chunk(self.panel.classifier.features, x).double()

    def reconstructed(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images after the autoencoder of each row's class, or of all classes: ``(n, c, h, w) -> (n, c, h, w)``."""
        if labels is None:
            return self._by_chunk(self.panel.whole, x)
        out = torch.empty_like(x, dtype=torch.float32)
        for label in labels.unique().tolist():
            rows = labels == label
            out[rows] = self._by_chunk(self.panel.autoencoder(label), x[rows])
        return out

    def encoded(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of the latents, ``(n, 16)`` each."""
        mean, log_sd = self._by_chunk(lambda part: torch.stack(self.panel.vae.encode(part), dim=1), x).unbind(1)
        return mean, log_sd

    def _by_chunk(self, network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        shape = self.panel.shape
        if x.ndim != 4 or tuple(x.shape[1:]) != shape:
            raise MetricError(f"these judges know images (n, {', '.join(map(str, shape))}), not {tuple(x.shape)}")
        with torch.no_grad():
            return torch.cat([network(part.float()) for part in x.split(CHUNK)])

    def tensors(self) -> dict[str, Tensor]:
        """All that a judgement depends on, by name: weights and reference."""
        line = (self.thickness.a, self.thickness.b) if self.thickness else ()
        reference = (*self.latents, self.labels, torch.tensor(line, dtype=torch.float64))
        return {**self.panel.state_dict(), **dict(zip(_REFERENCE, reference, strict=True))}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor], *, shape: tuple[int, int, int], classes: int) -> Judges:
        """The judges of which `tensors` tells. Raises `ValueError` where they are not those of such judges."""
        panel = Panel(shape, classes)
        try:
            mean, log_sd, labels, line = (tensors[name] for name in _REFERENCE)
            panel.load_state_dict({name: x for name, x in tensors.items() if name not in _REFERENCE})
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"not the tensors of judges: {' '.join(str(error).split())[:200]}") from None
        if mean.shape != log_sd.shape or len(mean) != len(labels) or len(line) not in (0, 2):
            raise ValueError("their reference rows do not fit together")
        thickness = Thickness(*line.tolist()) if len(line) else None
        return cls(panel.eval().requires_grad_(False), (mean, log_sd), labels, thickness)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `tensors`: scores under judges of different digests are not to be compared."""
        return digest(self.tensors())


def digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes of tensors, in the order of their names."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        x = tensors[name].contiguous()
        total.update(f"{name} {x.dtype} {tuple(x.shape)}\n".encode())
        total.update(x.numpy().tobytes())
    return total.hexdigest()
