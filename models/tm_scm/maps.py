"""Two triangular maps of a vector given its parents, u = T(x; pa): affine layers, and the flow of a velocity."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from zuko.flows.autoregressive import MaskedAutoregressiveTransform
from zuko.flows.gaussianization import ElementWiseTransform
from zuko.nn import MaskedMLP

from ..training.inversion import fixed_point


class TriangularMap(nn.Module):
    """``u = T(x; pa)``, ``R^d -> R^d``: u_j rises with x_j and depends on no later component, for every pa."""

    @abstractmethod
    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``u (n, d)`` of ``x (n, d)`` given ``parents (n, p)``."""

    @abstractmethod
    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The ``x (n, d)`` of noise ``u (n, d)`` given ``parents (n, p)``."""

    @abstractmethod
    def encode_and_slope(self, x: Tensor, parents: Tensor, probe: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """u ``(n, d)`` and ``log |det du/dx|`` ``(n,)``, which random signs ``probe (n, d)`` allow to estimate."""


class Composed(TriangularMap):
    """CMSM: layers of affine autoregressive maps, all in the same order of the components.

    A layer is ``y_j = e^a(y_<j, pa) y_j + b(y_<j, pa)``, |a| < ln 1000, by a masked perceptron (Germain, Gregor,
    Murray, Larochelle, "MADE", 2015; by zuko). As no layer turns the order, the composition is triangular.
    """

    def __init__(self, size: int, parents: int, *, layers: int, hidden: tuple[int, ...]):
        super().__init__()
        kind = {"context": parents, "hidden_features": hidden, "activation": nn.SiLU}
        self.layers = nn.ModuleList(
            MaskedAutoregressiveTransform(size, **kind) if size > 1 or parents else ElementWiseTransform(size)
            for _ in range(layers)
        )
        for layer in self.layers:
            if size == 1 and not parents:  # zuko draws constants from N(0, 1): a start far from the identity
                for constant in layer.parameters():
                    nn.init.zeros_(constant)

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """See `TriangularMap`."""
        for step in self._steps(parents):
            x = step(x)
        return x

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """See `TriangularMap`: every layer undone, exactly."""
        for step in reversed(list(self._steps(parents))):
            u = step.inv(u)
        return u

    def encode_and_slope(self, x: Tensor, parents: Tensor, probe: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `TriangularMap`; nothing is estimated."""
        total = x.new_zeros(len(x))
        for step in self._steps(parents):
            x, slope = step.call_and_ladj(x)
            total = total + slope
        return x, total

    def _steps(self, parents: Tensor) -> Iterator:
        yield from (layer(parents if parents.shape[1] else None) for layer in self.layers)


class Flowing(TriangularMap):
    """TVSM: u = x(1), where ``dx/dt = v(x, t, pa)``, x(0) the value, and v_j depends on no later component than j.

    Paths that start apart in component j and not before it never meet in it, so that the map is triangular and rises
    where steps are small enough. v is a masked perceptron with tanh units; `steps` of the fourth-order Runge–Kutta
    method, each undone by iteration.
    ``log |det du/dx| = int sum_j dv_j/dx_j dt`` by the same steps (Chen, Rubanova, Bettencourt, Duvenaud, "Neural
    ordinary differential equations", 2018, theorem 1), its trace in training by random signs (Grathwohl, Chen,
    Bettencourt, Sutskever, Duvenaud, "FFJORD", 2019, section 3.1).
    """

    def __init__(self, size: int, parents: int, *, steps: int, hidden: tuple[int, ...]):
        super().__init__()
        earlier = torch.ones(size, size, dtype=torch.bool).tril()
        sees = torch.cat([earlier, torch.ones(size, 1 + parents, dtype=torch.bool)], 1)
        self.network = MaskedMLP(sees, hidden, activation=nn.Tanh)  # type: ignore[arg-type]
        self.steps = steps

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """See `TriangularMap`."""
        for i in range(self.steps):
            x = x + self._rise(x, i, parents)
        return x

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """See `TriangularMap`: every step undone by a fixed-point iteration."""
        for i in reversed(range(self.steps)):
            u = fixed_point(lambda x, i=i, u=u: u - self._rise(x, i, parents), u - self._rise(u, i, parents))
        return u

    def encode_and_slope(self, x: Tensor, parents: Tensor, probe: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `TriangularMap`; a vector's trace is estimated where there is a `probe`."""
        total, keep = x.new_zeros(len(x)), torch.is_grad_enabled()
        with torch.enable_grad():
            if not keep:
                x = x.detach()
            for i in range(self.steps):
                rise, trace = self._rise_and_trace(x, i, parents, probe, keep)
                x, total = (x + rise, total + trace) if keep else ((x + rise).detach(), total + trace.detach())
        return x, total

    def _v(self, x: Tensor, t: float, parents: Tensor) -> Tensor:
        return self.network(torch.cat([x, x.new_full((len(x), 1), t), parents], 1))

    def _rise(self, x: Tensor, i: int, parents: Tensor) -> Tensor:
        h, t = 1 / self.steps, i / self.steps
        a = self._v(x, t, parents)
        b = self._v(x + h / 2 * a, t + h / 2, parents)
        c = self._v(x + h / 2 * b, t + h / 2, parents)
        return h / 6 * (a + 2 * b + 2 * c + self._v(x + h * c, t + h, parents))

    def _rise_and_trace(self, x, i, parents, probe, keep) -> tuple[Tensor, Tensor]:
        h, t = 1 / self.steps, i / self.steps
        rise, total, slope = torch.zeros_like(x), x.new_zeros(len(x)), torch.zeros_like(x)
        for ahead, weight in ((0, 1), (h / 2, 2), (h / 2, 2), (h, 1)):
            at = x + ahead * slope
            at = at if at.requires_grad else at.requires_grad_()
            slope = self._v(at, t + ahead, parents)
            trace = self._trace(slope, at, probe, keep)
            rise, total = rise + h / 6 * weight * slope, total + h / 6 * weight * trace
        return rise, total

    @staticmethod
    def _trace(v: Tensor, x: Tensor, probe: Tensor | None, keep: bool) -> Tensor:
        """``sum_j dv_j/dx_j``, ``(n,)``."""
        if probe is not None and v.shape[1] > 1:
            (along,) = torch.autograd.grad(v, x, probe, create_graph=keep, retain_graph=True)
            return (along * probe).sum(1)
        own = [
            torch.autograd.grad(v[:, j].sum(), x, create_graph=keep, retain_graph=True)[0][:, j]
            for j in range(v.shape[1])
        ]
        return torch.stack(own).sum(0)


def made(kind: str, size: int, parents: int, *, layers: int, steps: int, hidden: tuple[int, ...]) -> TriangularMap:
    """A map of vectors of `size` components given `parents` columns: ``cmsm`` or ``tvsm``."""
    if kind == "cmsm":
        return Composed(size, parents, layers=layers, hidden=hidden)
    return Flowing(size, parents, steps=steps, hidden=hidden)


KINDS = ("cmsm", "tvsm")
