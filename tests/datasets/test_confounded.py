"""Confounding of a known strength: correlations, what adjusting gives and what not adjusting costs."""

from __future__ import annotations

import pytest
import torch
from scmbench import datasets
from scmbench.datasets.confounded import STRENGTHS

N = 40_000


@pytest.mark.parametrize("s", STRENGTHS)
def test_x_and_z_have_the_correlation_that_the_name_says(s):
    rows = datasets.get(f"confounded/closed-{s}").scm().sample(N, seed=0)
    assert torch.corrcoef(torch.stack([rows["x"], rows["z"]]))[0, 1] == pytest.approx(float(s), abs=0.02)
    assert [float(rows[v].std()) for v in "xz"] == pytest.approx([1, 1], abs=0.02)


@pytest.mark.parametrize("s", STRENGTHS)
def test_rows_of_both_worlds_are_the_same_and_the_graphs_differ_by_z(s):
    closed, unclosed = (datasets.get(f"confounded/{kind}-{s}").scm() for kind in ("closed", "open"))
    a, b = closed.sample(50, seed=3), unclosed.sample(50, seed=3)
    assert sorted(b) == ["x", "y"]
    assert all(torch.equal(a[v], b[v]) for v in b)
    assert sorted(closed.graph.edges) == [("x", "y"), ("z", "y")]
    assert sorted(unclosed.graph.edges) == [("x", "y")]
    assert closed.targets == unclosed.targets == ("x",)


@pytest.mark.parametrize("s", STRENGTHS)
def test_conditioning_is_off_by_the_strength_times_x_and_adjusting_is_not(s):
    world = datasets.get(f"confounded/closed-{s}").scm()
    rows = world.sample(N, seed=1)
    done = world.sample(N, {"x": rows["x"]}, seed=2)["y"]  # x as it was, everything else anew
    x, z = rows["x"], rows["z"]
    rest = rows["y"] - x / 2 - torch.sin(x)
    slope = float((rest * x).mean() / x.square().mean())
    assert slope == pytest.approx(float(s), abs=0.02)
    assert float(((done - x / 2 - torch.sin(x)) * x).mean()) == pytest.approx(0, abs=0.02)
    both = torch.linalg.lstsq(torch.stack([x, z], 1), rest[:, None]).solution[:, 0]
    assert both.tolist() == pytest.approx([0, 1], abs=0.03)
