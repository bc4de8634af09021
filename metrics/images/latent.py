"""Counterfactual latent divergence (CLD): minimal and yet of the other class, in a judge's latent space.

``div = D(x_cf, x)`` is how far an answer is from its factual image, D the Kullback-Leibler divergence between the
diagonal Gaussians that a variational autoencoder encodes them to. Rows of the world give it a scale:
``S_t = {D(k, x): k of the target class}`` and ``S_o = {D(k, x): k of the factual class}``. A good answer is nearer than
most of the target class (``P(S_t <= div)`` is small) and further than most of its own (``P(S_o >= div)`` is small).

Sanchez, Tsaftaris, "Diffusion Causal Models for Counterfactual Estimation", CLeaR 2022, section 5.2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..checks import MetricError
from .checks import check_labels

VERSION = 1
"""Counts changes of what these functions return; part of the key of every record of images."""

WEIGHTS = (0.8, 0.2)
"""Of the two shares in `cld_weighted`."""

Gaussian = tuple[Tensor, Tensor]
"""Mean and logarithm of the standard deviation of a diagonal Gaussian a row, each ``(n, z)``."""

_CHUNK = 1 << 22
"""Numbers in memory at once while rows are compared with all reference rows."""


def gaussian_kl(a: Gaussian, b: Gaussian) -> Tensor:
    """``KL(N(μ_a, σ_a²) || N(μ_b, σ_b²))`` summed over latents: ``(..., z) -> (...)``, at least 0, float64.

    ``Σ log σ_b/σ_a + (σ_a² + (μ_a - μ_b)²) / (2 σ_b²) - 1/2``; exactly 0 between a Gaussian and itself.

    Args:
        a: Means and log standard deviations, ``(..., z)`` each.
        b: The same of the others; shapes broadcast.

    Returns:
        The divergence in nats.

    >>> standard = (torch.zeros(1, 2), torch.zeros(1, 2))
    >>> gaussian_kl((torch.ones(1, 2), torch.zeros(1, 2)), standard).item()
    1.0
    """
    (mean_a, log_a), (mean_b, log_b) = ([x.double() for x in gaussian] for gaussian in (a, b))
    ratio = (2 * (log_a - log_b)).exp()
    apart = (mean_a - mean_b).square() * (-2 * log_b).exp()
    return ((ratio + apart - 1) / 2 - (log_a - log_b)).sum(-1).clamp(min=0)  # rounding may leave -1e-17


def cld_shares(
    answer: Gaussian, factual: Gaussian, target: Tensor, own: Tensor, reference: Gaussian, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """``P(S_t <= div)`` and ``P(S_o >= div)`` of every row, each ``(n,)`` in [0, 1], float64.

    Args:
        answer: The encoded counterfactual images.
        factual: The encoded factual images.
        target: The class that was asked for, ``(n,)``.
        own: The factual class, ``(n,)``.
        reference: Encoded rows of the world, ``(m, z)``.
        labels: Their classes, ``(m,)``.

    Returns:
        The two shares.

    Raises:
        MetricError: For latents that are no finite ``(n, z)`` or do not fit each other, and for a class without
            reference rows.
    """
    n, m = (_latents(x, name) for x, name in ((factual, "the factual image"), (reference, "the reference")))
    if _latents(answer, "the answer") != n or factual[0].shape[1] != reference[0].shape[1]:
        shapes = [tuple(x[0].shape) for x in (answer, factual, reference)]
        raise MetricError(f"the latents of answer, factual image and reference have the shapes {shapes}")
    target, own = check_labels(target, n, "the target"), check_labels(own, n, "the factual class")
    labels = check_labels(labels, m, "the reference's labels")
    if absent := sorted({*target.tolist(), *own.tolist()} - set(labels.tolist())):
        raise MetricError(f"there are no reference rows of class {absent[0]}; they have {labels.unique().tolist()}")
    div = gaussian_kl(answer, factual)
    nearer, further = torch.empty(n, dtype=torch.float64), torch.empty(n, dtype=torch.float64)
    rows = max(1, _CHUNK // reference[0].numel())
    for i in range(0, n, rows):
        part = slice(i, i + rows)
        others = gaussian_kl(reference, (factual[0][part, None], factual[1][part, None]))
        for mask, hit, share in (
            (labels == target[part, None], others <= div[part, None], nearer),
            (labels == own[part, None], others >= div[part, None], further),
        ):
            share[part] = (mask & hit).sum(1).double() / mask.sum(1)
    return nearer, further


def cld(nearer: Tensor, further: Tensor) -> Tensor:
    """``log(exp P(S_t <= div) + exp P(S_o >= div))``, in [log 2, 1 + log 2]: ``(n,), (n,) -> (n,)``.

    Lower is better. The factual image itself scores ``log(1 + e) = 1.313``: nothing of the target class is as near, and
    all of its own class is further. It can be gamed: a random row of the target class does well.

    Args:
        nearer: ``P(S_t <= div)`` (see `cld_shares`).
        further: ``P(S_o >= div)``.

    Returns:
        A divergence a row, float64.

    >>> cld(torch.tensor(0.0), torch.tensor(1.0)).item()
    1.313261687...
    """
    return (nearer.double().exp() + further.double().exp()).log()


def cld_weighted(nearer: Tensor, further: Tensor) -> Tensor:
    """``log(0.8 exp P(S_t <= div) + 0.2 exp P(S_o >= div))``, in [0, 1]: ``(n,), (n,) -> (n,)``.

    Of another range than `cld` and not to be compared with it. The published code reads a mean for a standard deviation
    as well; here the divergence is right.

    Args:
        nearer: ``P(S_t <= div)`` (see `cld_shares`).
        further: ``P(S_o >= div)``.

    Returns:
        A divergence a row, float64.

    References:
        Melistas, Spyrou, Gkouti, Sanchez, Vlontzos, Panagakis, Papanastasiou, Tsaftaris, "Benchmarking Counterfactual
        Image Generation", NeurIPS 2024, datasets and benchmarks track; the weights are from its code.
    """
    near, far = WEIGHTS
    return (near * nearer.double().exp() + far * further.double().exp()).log()


def _latents(x: Gaussian, name: str) -> int:
    mean, log_sd = x
    if mean.ndim != 2 or mean.shape != log_sd.shape or 0 in mean.shape:
        raise MetricError(
            f"the latents of {name} have shapes {tuple(mean.shape)}, {tuple(log_sd.shape)}; expected (n, z)"
        )
    if not (mean.isfinite().all() and log_sd.isfinite().all()):
        raise MetricError(f"the latents of {name} have NaN or infinity")
    return len(mean)
