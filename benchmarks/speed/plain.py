"""The plain counterparts: DCM as one would first write it, a module, a data loader, autograd and a loop over time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from scmbench.models.dcm.schedule import Schedule
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class Denoiser(nn.Module):
    """eps(z, parents, t): the network of DCM's published code."""

    def __init__(self, parents: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(parents + 2, 64), nn.SiLU(), nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, 1)
        )

    def forward(self, z: Tensor, parents: Tensor, t: Tensor) -> Tensor:
        return self.layers(torch.cat([z, parents, t], dim=1))


def fit(x: Tensor, parents: Tensor, *, epochs: int) -> Denoiser:
    schedule, net = Schedule(100), Denoiser(parents.shape[1])
    alpha_bar = schedule.alpha_bar.float()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    loader = DataLoader(TensorDataset(x, parents), batch_size=64, shuffle=True)
    for _ in range(epochs):
        for value, given in loader:
            t = torch.randint(1, 101, (len(value), 1))
            eps = torch.randn_like(value)
            a = alpha_bar[t]
            loss = nn.functional.mse_loss(net(a.sqrt() * value + (1 - a).sqrt() * eps, given, t / 100), eps)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


@torch.no_grad()
def decode(net: Callable, schedule: Schedule, u: Tensor, parents: Tensor) -> Tensor:
    z = u
    for t in range(100, 0, -1):
        z = schedule.scale[t].float() * z + schedule.shift[t].float() * net(z, parents, torch.full_like(z, t / 100))
    return z


@torch.no_grad()
def encode(net: Callable, schedule: Schedule, x: Tensor, parents: Tensor) -> Tensor:
    z = x
    for t in range(1, 101):
        eps = net(z, parents, torch.full_like(z, (t - 1) / 100))
        z = (z - schedule.shift[t].float() * eps) / schedule.scale[t].float()
    return z


@torch.no_grad()
def invert(net: Callable, schedule: Schedule, x: Tensor, parents: Tensor) -> Tensor:
    z = x
    for t in range(1, 101):
        start, moved = z, torch.ones(())
        while moved > 1e-6:
            eps = net(z, parents, torch.full_like(z, t / 100))
            last, z = z, (start - schedule.shift[t].float() * eps) / schedule.scale[t].float()
            moved = (z - last).abs().max()
    return z
