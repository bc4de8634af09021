"""Worlds with two proxies: their laws, what conditioning costs with and without proxies, what these identify."""

from __future__ import annotations

import pytest
import torch
from scmbench import datasets
from scmbench.datasets.proxies import STRENGTHS, bias_given_proxies

N = 60_000


def rows(s: str) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Rows, and of y what is not the effect of x."""
    data = datasets.get(f"proxies/{s}").scm().sample(N, seed=0)
    return data, data["y"] - data["x"] / 2 - torch.sin(data["x"])


def slopes(y: torch.Tensor, *given: torch.Tensor) -> list[float]:
    return torch.linalg.lstsq(torch.stack(given, 1), y[:, None]).solution[:, 0].tolist()


@pytest.mark.parametrize("s", STRENGTHS)
def test_the_graph_says_which_nodes_have_a_hidden_cause_in_common(s):
    scm = datasets.get(f"proxies/{s}").scm()
    assert scm.graph.graph["confounded"] == (("w", "x", "y", "z"),)
    assert list(scm.graph.edges) == [("x", "y")]
    assert scm.targets == ("x",)


@pytest.mark.parametrize("s", STRENGTHS)
def test_x_and_y_have_the_law_of_the_world_without_proxies(s):
    data, _ = rows(s)
    other = datasets.get(f"confounded/open-{s}").scm().sample(N, seed=1)
    for a, b in (("x", "x"), ("x", "y"), ("y", "y")):
        assert float((data[a] * data[b]).mean()) == pytest.approx(float((other[a] * other[b]).mean()), abs=0.06)


@pytest.mark.parametrize("s", STRENGTHS)
def test_conditioning_is_off_by_a_known_slope_with_and_without_proxies(s):
    data, rest = rows(s)
    assert slopes(rest, data["x"]) == pytest.approx([float(s)], abs=0.02)
    adjusted = slopes(rest, data["x"], data["w"], data["z"])[0]
    assert adjusted == pytest.approx(bias_given_proxies(float(s)), abs=0.03)
    assert adjusted <= float(s) + 0.03


@pytest.mark.parametrize("s", STRENGTHS)
def test_two_proxies_give_the_effect(s):
    """One proxy for the cause's part in x, the other for it in y: two-stage least squares of w on x and z."""
    data, rest = rows(s)
    x, w, z = data["x"], data["w"], data["z"]
    a, b = slopes(w, x, z)
    assert slopes(rest, x, a * x + b * z)[0] == pytest.approx(0, abs=0.03)
