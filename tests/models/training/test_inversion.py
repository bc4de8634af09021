"""Fixed points."""

from __future__ import annotations

import torch
from scmbench.models.training.inversion import fixed_point


def test_fixed_point_where_plain_iteration_diverges():
    z = fixed_point(lambda v: 3 - 2 * torch.sinh(v), torch.zeros(4, 1))
    torch.testing.assert_close(z + 2 * torch.sinh(z), torch.full((4, 1), 3.0), rtol=0, atol=1e-5)
