"""The deep structural causal model as a Pyro program: what is conditioned on, intervened on and trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyro
import torch
from pyro import poutine
from pyro.distributions import TorchDistribution
from pyro.infer import Trace_ELBO
from pyro.infer.reparam import TransformReparam
from pyro.infer.reparam.reparam import Reparam
from torch import Tensor, nn

from .mechanisms import Amortised, Explicit

ByNode = Mapping[str, Tensor]
"""Node name to standardised columns ``(rows, width)``; noise is keyed by site instead."""


class Program(nn.Module):
    """Sites ``x(v)`` in topological order, and before an amortised one its latent ``z(v)``.

    Under `TransformReparam` a site ``x(v)`` becomes a function of its noise ``x(v)_base``, so that ``z(v)`` and
    ``x(v)_base`` are all the exogenous noise there is. The networks are ordinary modules: Pyro's global parameter store
    is never used.
    """

    def __init__(self, parents: Mapping[str, list[str]], mechanisms: Mapping[str, Explicit | Amortised]):
        super().__init__()
        self.parents, self.mechanisms = dict(parents), dict(mechanisms)
        self.networks = nn.ModuleList(mechanisms.values())

    def forward(self, rows: int) -> dict[str, Tensor]:
        """The generative program: values of all nodes."""
        values: dict[str, Tensor] = {}
        with pyro.plate("rows", rows):
            for node, mechanism in self.mechanisms.items():
                given = [self._context(node, values, rows)]
                if isinstance(mechanism, Amortised):
                    given.append(pyro.sample(f"z({node})", mechanism.prior(*given)))
                values[node] = pyro.sample(f"x({node})", mechanism.likelihood(*given))
        return values

    def posterior(self, values: ByNode) -> dict[str, TorchDistribution]:
        """q(z | x, pa) of every amortised node, keyed by site."""
        rows = len(next(iter(values.values())))
        return {
            f"z({node})": mechanism.posterior(values[node], self._context(node, values, rows))
            for node, mechanism in self.mechanisms.items()
            if isinstance(mechanism, Amortised)
        }

    def negative_elbo(self, values: ByNode, elbo: Trace_ELBO) -> Tensor:
        """-E_q[log p(x, z) - log q(z | x)] a row; where no node is amortised, the exact negative log-likelihood."""
        rows = len(next(iter(values.values())))
        observed = poutine.condition(self, {f"x({v})": x for v, x in values.items()})

        def guide(rows: int) -> None:
            with pyro.plate("rows", rows):
                for site, q in self.posterior(values).items():
                    pyro.sample(site, q)

        return elbo.differentiable_loss(observed, guide, rows) / rows

    def log_prob(self, values: ByNode) -> Tensor:
        """log p(x) of every row ``(rows,)``, the sum of the nodes'; without amortised nodes only."""
        observed = poutine.condition(self, {f"x({v})": x for v, x in values.items()})
        sites = _sites(observed, len(next(iter(values.values()))))
        return sum((sites[f"x({v})"]["log_prob"] for v in self.parents), start=torch.zeros(()))

    def noise(self, draw: Callable[[str, str, int], Tensor]) -> dict[str, Tensor]:
        """All exogenous noise by site; ``draw(node, site, width)`` gives standard normal ``(rows, width)``."""
        noise = {}
        for node, mechanism in self.mechanisms.items():
            if isinstance(mechanism, Amortised):
                noise[f"z({node})"] = draw(node, "z", mechanism.latent)
            noise[f"x({node})_base"] = draw(node, "x", mechanism.width)
        return noise

    def abduct(self, values: ByNode, z: ByNode) -> dict[str, Tensor]:
        """The noise by site that reproduces `values` given the latents `z`: exact inversion of every transform."""
        rows = len(next(iter(values.values())))
        observed = poutine.condition(self, {f"x({v})": x for v, x in values.items()})
        replayed = poutine.condition(self._by_noise(observed), dict(z))
        sites = _sites(replayed, rows)
        return {**z, **{f"x({v})_base": sites[f"x({v})_base"]["value"] for v in self.parents}}

    def replay(self, noise: ByNode, do: ByNode) -> dict[str, Tensor]:
        """Values of all nodes that this very noise produces under `do`."""
        rows = len(next(iter(noise.values())))
        acted = poutine.do(self, {f"x({v})": a for v, a in do.items()})
        return poutine.condition(self._by_noise(acted), dict(noise))(rows)

    def _by_noise(self, program: Callable) -> Callable:
        config: dict[str, Reparam] = {f"x({v})": TransformReparam() for v in self.parents}
        return poutine.reparam(program, config)

    def _context(self, node: str, values: ByNode, rows: int) -> Tensor:
        """The parents side by side; of a root, the constant 1."""
        if not self.parents[node]:
            parameter = next(self.parameters())
            return parameter.new_ones(rows, 1)
        return torch.cat([values[parent] for parent in self.parents[node]], -1)


def _sites(program: Callable, rows: int) -> Mapping[str, Any]:
    """What a run of `program` leaves at every site, its log-density included."""
    trace = poutine.trace(program).get_trace(rows)
    trace.compute_log_prob()
    return trace.nodes
