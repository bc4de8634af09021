"""Structural causal models with known truth: a Pyro program made of one equation a node."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import product
from typing import TypeAlias

import networkx as nx
import pyro
import torch
from pyro import poutine
from pyro.distributions import Normal
from pyro.distributions.torch_distribution import TorchDistributionMixin as Distribution
from torch import Tensor

from .density import Equations, NoDensity, log_prob
from .hidden import CONFOUNDED, groups
from .seeds import generator
from .values import Intervention, Values, ValuesError, check_graph, expand, is_image, n_rows

Equation: TypeAlias = "Callable[..., Tensor] | tuple[Iterable[str], Callable[..., Tensor]]"
"""``f(u, x1, x2)``, whose argument names are the parents, or ``((parents), f)`` for generated equations."""


class SCM:
    """A structural causal model ``x_j = f_j(u_j, pa_j)`` with independent exogenous noise ``u_j``.

    The model is a Pyro program (`program`): the noise ``u_<node>`` is a sample site, the node a deterministic site. An
    intervention is `pyro.poutine.do`, and a counterfactual conditions on the noise (`pyro.poutine.condition`) under
    `do`. `graph` is over the observed nodes; parents of a latent node become parents of its children there, and
    ``graph.graph["confounded"]`` has the sets of nodes with a latent cause in common (`hidden.groups`), where there are
    any.

    Args:
        equations: Node name to ``f(u, *parents)``. The first argument is the node's own noise, the names of the others
            are its parents; generated equations give ``((parent names), f)``. Tensors are ``(n, *event)``, float64.
        noise: Node name to the distribution of ``u``, one of Pyro's that implements ``icdf``; a node not listed has
            ``u ~ N(0, 1)``.
        latent: Nodes that are generated and used by their children but never observed (hidden confounders).
        targets: The nodes that its paper intervenes on; ``None`` means every observed node that has an observed
            descendant.
        images: Nodes that are images: their equations return ``(n, c, h, w)``, float32, ink from 0 to 1.

    Raises:
        ValuesError: For a cycle, an unknown parent or a bad equation.

    References:
        Pearl, Causality, 2009, Definition 7.1.5 (counterfactuals).

    >>> scm = SCM({"x": lambda u: u, "y": lambda u, x: 2 * x + u})
    >>> sorted(scm.graph.edges), scm.sample(3, {"x": 1.0}, seed=0)["x"].tolist()
    ([('x', 'y')], [1.0, 1.0, 1.0])
    """

    def __init__(
        self,
        equations: Mapping[str, Equation],
        *,
        noise: Mapping[str, Distribution] | None = None,
        latent: Iterable[str] = (),
        targets: Iterable[str] | None = None,
        images: Iterable[str] = (),
    ):
        split = {node: _split(node, equation) for node, equation in equations.items()}
        if clash := [f"u_{node}" for node in equations if f"u_{node}" in equations]:
            raise ValuesError(f"node name(s) {clash} are taken by the noise of {[u[2:] for u in clash]}; rename them")
        self.parents = {node: tuple(parents) for node, (parents, _) in split.items()}
        self.functions = {node: function for node, (_, function) in split.items()}
        self.full_graph = nx.DiGraph()
        self.full_graph.add_nodes_from(equations)
        for node, parents in self.parents.items():
            for parent in parents:
                if parent not in equations:
                    raise ValuesError(f"the equation of {node!r} uses {parent!r}, which has no equation of its own")
                self.full_graph.add_edge(parent, node)
        self.order = check_graph(self.full_graph)
        self.latent, self.images = frozenset(latent), frozenset(images)
        parts = {"latent": self.latent, "noise": noise or {}, "targets": targets or (), "images": self.images}
        for what, named in parts.items():
            if unknown := sorted(set(named) - set(equations)):
                raise ValuesError(f"{what}: unknown node(s) {unknown}; there are {sorted(equations)}")
        for node, dist in (noise or {}).items():
            if not isinstance(dist, Distribution):
                found = type(dist).__name__
                raise ValuesError(f"noise of {node!r}: expected a Pyro distribution such as pyro.distributions.{found}")
        normal = Normal(torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))
        self.noises: dict[str, Distribution] = {node: (noise or {}).get(node, normal) for node in equations}
        self.graph = _project(self.full_graph, self.latent)
        inner = [node for node in self.order if node in self.graph and nx.descendants(self.graph, node)]
        self.targets = tuple(inner if targets is None else targets)

    def hiding(self, node: str) -> SCM:
        """The same world with one node more that is never observed, and not intervened on.

        Args:
            node: An observed node.

        Returns:
            The world; noise and values of a seed are those of this one.

        Raises:
            ValuesError: For a node that is not observed.
        """
        if node not in self.graph:
            raise ValuesError(f"cannot hide {node!r}; the observed nodes are {sorted(self.graph)}")
        other = copy.copy(self)
        other.latent = self.latent | {node}
        other.graph = _project(self.full_graph, other.latent)
        other.targets = tuple(t for t in self.targets if t in other.graph and nx.descendants(other.graph, t))
        return other

    def program(self, n: int) -> Values:
        """The Pyro program: sites ``u_<node>`` (noise) and ``<node>`` (value) in topological order.

        Args:
            n: Rows of the plate.

        Returns:
            The values of all nodes, latent ones included, ``{node: (n, *event)}``.

        Raises:
            ValuesError: For an equation that returns something else than a tensor of n rows.
        """
        return self._program(n, self.order)

    def _program(self, n: int, nodes: Iterable[str]) -> Values:
        values: Values = {}
        with pyro.plate("rows", n):
            for node in nodes:
                u = pyro.sample(f"u_{node}", self.noises[node].to_event())
                x = self.functions[node](u, *(values[parent] for parent in self.parents[node]))
                if not isinstance(x, Tensor) or x.shape[:1] != (n,):
                    got = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
                    raise ValuesError(f"the equation of {node!r} returned {got}; expected a tensor of {n} rows")
                if node in self.images and not is_image(x):
                    got = f"shape {tuple(x.shape)}, {x.dtype}"
                    raise ValuesError(
                        f"the equation of the image {node!r} returned {got}; expected (n, c, h, w), float32"
                    )
                values[node] = pyro.deterministic(node, x, event_dim=x.ndim - 1)
        return values

    def noise(self, n: int, *, seed: int) -> Values:
        """Exogenous noise ``{node: (n, *event)}``, float64, each node from its own stream keyed by (seed, node).

        Args:
            n: How many rows.
            seed: Where the streams come from.

        Returns:
            The noise of every node, latent ones included.
        """
        return {node: _draw(dist, n, generator(seed, "noise", node)) for node, dist in self.noises.items()}

    def run(self, noise: Values, do: Intervention | None = None) -> Values:
        """Values of all nodes, latent ones included, that this very noise produces under `do`: the counterfactual.

        Args:
            noise: The noise of every node, ``{node: (n, *event)}``, as `noise` draws it.
            do: Node to the value that it is set to: a number, or a tensor with a value for each row; None sets nothing.

        Returns:
            The values ``{node: (n, *event)}`` in topological order.

        Raises:
            ValuesError: For missing noise, an unknown or ill-shaped intervention, or an equation that yields NaN.
        """
        if missing := [node for node in self.order if node not in noise]:
            raise ValuesError(f"noise lacks the node(s) {missing}")
        n = n_rows({node: noise[node] for node in self.order})
        given = {f"u_{node}": noise[node] for node in self.order}
        conditioned = poutine.condition(self.program, data=given)
        if do:
            first = {site: x[:1] for site, x in given.items()}
            like = poutine.condition(self.program, data=first)(min(n, 1))  # tells the event shapes, cheaply
            conditioned = poutine.do(conditioned, data={**expand(do, n, like)})
        values = conditioned(n)
        for node, x in values.items():
            if not torch.isfinite(x).all():
                raise ValuesError(f"the equation of {node!r} returned NaN or infinity")
        return values

    def observed(self, values: Values) -> Values:
        """The values without the latent nodes."""
        return {node: x for node, x in values.items() if node not in self.latent}

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """``n`` rows of the observed nodes, observational or under `do`, float64.

        Args:
            n: How many rows.
            do: Node to the value that it is set to: a number, or a tensor with a value for each row; None sets nothing.
            seed: Where the noise comes from.

        Returns:
            The values ``{node: (n, *event)}`` of the observed nodes.

        Raises:
            ValuesError: As `run` raises it.
        """
        return self.observed(self.run(self.noise(n, seed=seed), do))

    def sample_node(self, node: str, n: int, *, seed: int) -> Tensor:
        """What `sample` gives of one node, ``(n, *event)``; of the others only its causes are computed.

        Args:
            node: An observed node.
            n: How many rows.
            seed: Where the noise comes from.

        Returns:
            The node's values, bit by bit those of ``sample(n, seed=seed)[node]``.

        Raises:
            ValuesError: For an equation that yields NaN.
        """
        causes = [v for v in self.order if v == node or nx.has_path(self.full_graph, v, node)]
        noise = {f"u_{v}": _draw(self.noises[v], n, generator(seed, "noise", v)) for v in causes}
        x = poutine.condition(self._program, data=noise)(n, causes)[node]
        if not torch.isfinite(x).all():
            raise ValuesError(f"the equation of {node!r} returned NaN or infinity")
        return x

    def counterfactual(self, noise: Values, do: Intervention) -> Values:
        """What the observed nodes would have been for this noise under `do`.

        Args:
            noise: The noise of every node, ``{node: (n, *event)}``, as `noise` draws it.
            do: Node to the value that it is set to: a number, or a tensor with a value for each row.

        Returns:
            The values ``{node: (n, *event)}`` of the observed nodes.

        Raises:
            ValuesError: As `run` raises it.
        """
        return self.observed(self.run(noise, do))

    def log_prob(self, x: Values) -> Tensor:
        """The log-density of rows, in nats and the units of the nodes: ``sum_i log p(u_i) - log |df_i / du_i|``.

        The noise ``u_i`` with ``x_i = f_i(u_i, pa_i)`` is found by halving, the slope by automatic differentiation.
        That there is only one is checked at quantiles of the noise, for the parents of every row: a mechanism that
        folds its noise between two of them goes unnoticed.

        Args:
            x: Rows of all nodes, ``{node: (n,)}``, float64.

        Returns:
            The log-density of each row, ``(n,)``; minus infinity for rows that no noise gives.

        Raises:
            NoDensity: For latent nodes, vectors, images, discrete nodes or noise, and a mechanism that is not
                strictly monotone or not differentiable in its noise.
            ValuesError: For a missing node or NaN.

        References:
            Javaloy, Sánchez-Martín, Valera, "Causal normalizing flows: from theory to practice", NeurIPS 2023, the
            density of a triangular monotone map.

        >>> scm = SCM({"x": lambda u: 2 * u, "y": lambda u, x: x - u})
        >>> rows = {"x": torch.zeros(1, dtype=torch.float64), "y": torch.ones(1, dtype=torch.float64)}
        >>> round(float(scm.log_prob(rows)), 4)  # N(0; 0, 4) N(1; 0, 1)
        -3.031
        """
        if self.latent:
            raise NoDensity(f"the density of the observed nodes is an integral over the latent {sorted(self.latent)}")
        functions = {node: self.functions[node] for node in self.order}
        return log_prob(Equations(functions, self.parents, self.noises), x)


def _project(graph: nx.DiGraph, latent: Collection[str]) -> nx.DiGraph:
    projected = graph.copy()
    for node in latent:
        projected.add_edges_from(product(list(projected.predecessors(node)), list(projected.successors(node))))
        projected.remove_node(node)
    if shared := groups(graph, latent):
        projected.graph[CONFOUNDED] = shared
    return projected


def _split(node: str, equation: Equation) -> tuple[tuple[str, ...], Callable[..., Tensor]]:
    if isinstance(equation, tuple):
        parents, function = equation
        return tuple(parents), function
    if not callable(equation):
        raise ValuesError(
            f"the equation of {node!r} is a {type(equation).__name__}, expected a function f(u, *parents)"
        )
    arguments = list(inspect.signature(equation).parameters.values())
    if not arguments or any(a.kind is not a.POSITIONAL_OR_KEYWORD for a in arguments):
        raise ValuesError(f"the equation of {node!r} must be f(u, parent, ...): its noise first, then parents by name")
    return tuple(a.name for a in arguments[1:]), equation


def _draw(dist: Distribution, n: int, stream: torch.Generator) -> Tensor:
    """Inverse-transform sampling: torch distributions take no generator, their quantile functions need none."""
    q = torch.rand((n, *dist.batch_shape, *dist.event_shape), generator=stream, dtype=torch.float64)
    return dist.icdf(q.clamp_min(2.0**-54))
