"""VACA's network: message passing with weights of their own for every edge, and the objective it is trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .wiring import Wiring

LATENT, HIDDEN, MESSAGE = 4, 8, 16
"""Sizes of a node's latent, of the decoder's hidden layers, and of the hidden layer in the encoder's messages."""

LAMBDA = 0.05
"""Width of the likelihood log p(x | z) = -(x - x̂)²/λ, which is not normalised."""

STD_FLOOR = 1e-4
"""Added to the posterior's standard deviation."""


@dataclass(frozen=True)
class GraphAutoencoder:
    """A variational graph autoencoder: every edge s -> t, self-loops included, has affine maps of its own.

    A map is a matrix ``(in + 1, out)`` whose last row is the bias; `layers` has them for all edges, ``(edges, in + 1,
    out)``: two for the encoder's message, then one for each step of the decoder. Tensors are ``(d, features, n)``,
    rows last. With `keep (d, n)`, a node with 0 hears only its own self-loop: parent dropout in training, and the
    surgery of `do`.

    "VACA: Designing Variational Graph Autoencoders for Causal Queries", Sánchez-Martín, Rateike, Valera, AAAI 2022,
    section 4; with the message functions of the authors' "disjoint" layers and sums as aggregation.
    """

    wiring: Wiring
    layers: tuple[Tensor, ...]

    @classmethod
    def draw(cls, wiring: Wiring, steps: int, generator: torch.Generator) -> GraphAutoencoder:
        """First weights, all from U(-1/√E, 1/√E), for a decoder of `steps` steps.

        The published implementation keeps the weights of all E edges as a linear map of the edge's one-hot code, so
        that their range depends on the number of edges and not on the layer's width.
        """
        bound = 1 / math.sqrt(wiring.edges)
        widths = [LATENT, *[HIDDEN] * (steps - 1), 1]
        decoder = ((2 * before + 1, after) for before, after in pairwise(widths))
        shapes = [(3, MESSAGE), (MESSAGE + 1, 2 * LATENT), *decoder]
        drawn = (torch.empty(wiring.edges, *s).uniform_(-bound, bound, generator=generator) for s in shapes)
        return cls(wiring, tuple(drawn))

    def double(self) -> GraphAutoencoder:
        """The same network in float64."""
        return GraphAutoencoder(self.wiring, tuple(weights.double() for weights in self.layers))

    def size(self) -> int:
        """Number of trained scalars."""
        return sum(weights.numel() for weights in self.layers)

    def encode(self, x: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance ``(d, 4, n)`` of q(z | x), for ``x (d, n)``, by one step of message passing.

        The message of edge s -> t is ``W2^T [relu(W1^T [x_t, x_s, 1]), 1]``.
        """
        x = x[:, None]
        hidden = _affine(self.layers[0], torch.cat([x[self.wiring.target], x[self.wiring.source]], 1)).relu()
        code = self._collect(_affine(self.layers[1], hidden), keep)
        return code[:, :LATENT], code[:, LATENT:]

    def decode(self, z: Tensor, keep: Tensor) -> Tensor:
        """Values ``(d, n)`` of latents ``z (d, 4, n)``; k steps let a node hear its ancestors up to k edges away.

        The message of edge s -> t is ``W^T [h_t, h_s, 1]``, with a relu between the steps.
        """
        h = z
        for step, weights in enumerate(self.layers[2:]):
            h = h.relu() if step else h
            h = self._collect(_affine(weights, torch.cat([h[self.wiring.target], h[self.wiring.source]], 1)), keep)
        return h[:, 0]

    def _collect(self, messages: Tensor, keep: Tensor) -> Tensor:
        d = self.wiring.size
        heard = torch.zeros_like(messages[:d]).index_add(0, self.wiring.target[d:], messages[d:])
        return messages[:d] + keep[:, None] * heard

    def negative_elbo(self, x: Tensor, keep: Tensor, noise: Tensor) -> Tensor:
        """(x - x̂)²/λ + KL(q(z | x) || N(0, I)) per node and row ``(d, n)``, for ``x (d, n)``.

        x̂ = decode(z), z = μ + σ noise, σ = exp(log σ²/2) + 1e-4, with ``noise (d, 4, n)``.
        """
        mean, log_var = self.encode(x, keep)
        std = (log_var / 2).exp() + STD_FLOOR
        reconstructed = self.decode(mean + std * noise, keep)
        kl = (std.square() + mean.square() - 1).sum(1) / 2 - std.log().sum(1)
        return (x - reconstructed).square() / LAMBDA + kl


def _affine(weights: Tensor, x: Tensor) -> Tensor:
    return torch.baddbmm(weights[:, -1:].mT, weights[:, :-1].mT, x)
