"""MNIST as it is: photographs of digits and their classes, nothing known of how they came about."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import networkx as nx
import torch
from torch import Tensor

from ..files import download, idx
from ..problem import IMAGE_SIZE, Dataset, Origin, Problem, QueryBuilder
from ..registry import add
from ..seeds import derive, generator
from ..values import Values, n_rows, rows


class MNIST(Dataset):
    """Handwritten digits by class, no true counterfactual: what a 3 would have been as a 5 nobody knows.

    "Gradient-Based Learning Applied to Document Recognition", LeCun, Bottou, Bengio, Haffner, Proceedings of the IEEE
    86, 1998. Pixels in [0, 1], float32.

    The rows fall into those that models are trained on, those that judges are trained on, and those that are asked
    about. With `whole`, the training file gives 54,000 and 6,000 rows (one split for all seeds), the test file the
    10,000 others, as in "Diffusion Causal Models for Counterfactual Estimation", Sanchez, Tsaftaris, CLeaR 2022;
    otherwise the test file alone is split by the seed, 6,000 / 3,000 / 1,000.
    """

    version = 1

    def __init__(self, name: str, *, whole: bool):
        self.name, self.whole = name, whole
        source = "the 60,000 training images" if whole else "of the 10,000 test images"
        self.__doc__ = f"Handwritten digits by class, no known truth: {source}, proxies and axioms only."
        self._sources = ("mnist", "mnist-train") if whole else ("mnist",)

    def missing(self) -> str | None:
        """What files are missing and the command that gets them."""
        return next((message for name in self._sources if (message := download.missing(name))), None)

    def size(self, seed: int) -> int:
        """One image."""
        return IMAGE_SIZE

    def problems(self, protocol: QueryBuilder, *, seed: int) -> list[Problem]:
        """One problem: training images, and the protocol's questions about others. Raises `DataMissing`."""
        train, judged, asked = self._parts(seed)

        def draw(n: int, stream: int) -> Values:
            return rows(judged, torch.randperm(n_rows(judged), generator=generator(stream, "rows"))[:n])

        stream = derive(seed, self.name)
        queries = protocol.measured_images(
            asked,
            image="image",
            label="digit",
            draw=draw,
            origin=Origin(self.name, self.version, seed),
            seed=derive(stream, "queries"),
        )
        chosen = rows(train, slice(0, protocol.n_train))
        return [Problem(self.name, seed, nx.DiGraph([("digit", "image")]), chosen, queries)]

    def _parts(self, seed: int) -> Sequence[Values]:
        """Rows to train on, to train judges on, and to ask about."""
        test = digits("mnist", "t10k")
        if self.whole:
            known = digits("mnist-train", "train")
            order = torch.randperm(len(known[1]), generator=generator(42, self.name, "split"))
            return [*(_values(known, part) for part in order.split([54_000, 6_000])), _values(test, slice(None))]
        order = torch.randperm(len(test[1]), generator=generator(derive(seed, self.name), "split"))
        return [_values(test, part) for part in order.split([6_000, 3_000, 1_000])]


def digits(source: str, prefix: str) -> tuple[Tensor, Tensor]:
    """Images ``(n, 28, 28)``, uint8, and classes ``(n,)``, int64, of a source's files. Raises `DataMissing`."""
    return _read(*(download.path(source, f"{prefix}-{what}-ubyte.gz") for what in ("images-idx3", "labels-idx1")))


@cache
def _read(images: Path, labels: Path) -> tuple[Tensor, Tensor]:
    return idx.read_digits(images, labels)


def _values(known: tuple[Tensor, Tensor], index: Tensor | slice) -> Values:
    images, digit = (x[index] for x in known)
    return {"digit": digit.clone(), "image": images.unsqueeze(1).float() / 255}


add(MNIST("image/mnist", whole=True))
add(MNIST("image/mnist/t10k", whole=False))
