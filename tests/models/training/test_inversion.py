"""Fixed points."""

from __future__ import annotations

import torch
from scmbench.models.training.inversion import fixed_point, settled


def test_fixed_point_where_plain_iteration_diverges():
    z = fixed_point(lambda v: 3 - 2 * torch.sinh(v), torch.zeros(4, 1))
    torch.testing.assert_close(z + 2 * torch.sinh(z), torch.full((4, 1), 3.0), rtol=0, atol=1e-5)


def test_without_watching_the_same_point_is_found():
    start = torch.linspace(-1, 1, 5)[:, None]
    z, there = settled(lambda v: 3 - 2 * torch.sinh(v), start, 12)
    assert there.all()
    torch.testing.assert_close(z, fixed_point(lambda v: 3 - 2 * torch.sinh(v), start), rtol=0, atol=2e-6)


def test_too_few_evaluations_are_told():
    _, there = settled(lambda v: 3 - 2 * torch.sinh(v), torch.zeros(4, 1), 2)
    assert not there.any()
