"""Worlds that break an assumption: what the data show, what they hide, and where the noise is lost."""

from __future__ import annotations

import pytest
import torch
from scmbench.datasets import get, names

CTF = [f"violations/ctf{k}" for k in range(1, 7)]


def test_there_are_twenty_three_on_one_graph():
    there = [name for name in names() if name.startswith("violations/")]
    assert len(there) == 23
    for name in there:
        scm = get(name).scm()
        assert set(scm.graph.edges) == {("x1", "x2"), ("x1", "x3"), ("x2", "x3")}
        assert scm.targets == ("x1", "x2")


LEFT = {
    "ctf1": (-1.5, -1.1),
    "ctf2": (0.5, 0.9),
    "ctf3": (-1.5, -0.6),
    "ctf4": (0.5, 0.4),
    "ctf5": (-1.5, -0.4),
    "ctf6": (0.5, 0.4),
}
"""x2 and x3 of the noise -0.1, -0.5, 0.4, worked out by hand."""


@pytest.mark.parametrize("name", LEFT)
def test_left_of_zero(name):
    noise = {"x1": torch.tensor([-0.1]), "x2": torch.tensor([-0.5]), "x3": torch.tensor([0.4])}
    found = get(f"violations/{name}").scm().run({node: u.double() for node, u in noise.items()})
    assert (float(found["x2"]), float(found["x3"])) == pytest.approx(LEFT[name])


@pytest.mark.parametrize("name", CTF)
def test_right_of_zero_and_at_it_the_noise_is_left_alone(name):
    noise = {"x1": torch.zeros(1).double(), "x2": torch.full((1,), 0.3).double(), "x3": torch.full((1,), 0.2).double()}
    found = get(name).scm().run(noise)
    assert float(found["x2"]) == pytest.approx(0.3)
    assert float(found["x3"]) == pytest.approx(0.5 if name[-1] in "12" else 0.2)


@pytest.mark.parametrize("do", [None, {"x1": -0.7}, {"x2": -0.7}])
def test_a_mirror_hides_from_every_distribution(do):
    """ctf4 without its mirrors is three independent normals, observed or under do."""
    rows = get("violations/ctf4").scm().sample(100_000, do, seed=0)
    free = torch.stack([x for node, x in rows.items() if node not in (do or {})])
    torch.testing.assert_close(free.cov(), torch.eye(len(free)).double(), atol=0.02, rtol=0)
    assert free.mean(1).abs().max() < 0.02
    assert (free**4).mean(1).sub(3).abs().max() < 0.1


def test_and_changes_every_counterfactual_that_crosses_zero():
    scm = get("violations/ctf4").scm()
    noise = scm.noise(500, seed=0)
    factual, changed = scm.run(noise), scm.run(noise, {"x1": 1.0})
    crossed = factual["x1"] < 0
    torch.testing.assert_close(changed["x2"][crossed], -factual["x2"][crossed])
    torch.testing.assert_close(changed["x2"][~crossed], factual["x2"][~crossed])


def test_flat_noise_is_continuous_and_constant_between():
    scm = get("violations/flat-0.4").scm()
    u = torch.tensor([-3.0, 0.3, 0.5, 0.7, 1.0]).double()
    x = scm.run({"x1": u, "x2": u, "x3": u})["x1"]
    torch.testing.assert_close(x, torch.tensor([-3.0, 0.3, 0.3, 0.3, 0.6]).double())


def test_sine_noise_is_many_to_one():
    scm = get("violations/sine-0.25").scm()
    u = torch.tensor([0.0, 0.5, 1.5, 4.5]).double()
    x = scm.run({"x1": u, "x2": u, "x3": u})["x1"]
    torch.testing.assert_close(x, torch.tensor([0, 0.5**0.5, 0.5**0.5, 0.5**0.5]).double())
