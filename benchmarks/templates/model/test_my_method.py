"""my-method keeps what every causal model must keep, and learns."""

from __future__ import annotations

import pytest
import torch
from my_method import MyMethod
from scmbench.datasets import SCM
from scmbench.models import conformance


@pytest.mark.parametrize("ridge", [1e-6, 1.0])
def test_it_conforms(ridge):
    conformance.require(MyMethod, {"ridge": ridge})


def test_it_learns_a_world_that_it_can_represent():
    world = SCM({"x": lambda u: u, "y": lambda u, x: 2 * x + u / 2})
    model = MyMethod().fit(world.graph, world.sample(2000, seed=0), seed=0)
    noise = world.noise(100, seed=1)
    answer = model.counterfactual(world.run(noise), {"x": 1.0}, seed=2)
    assert torch.allclose(answer["y"], world.run(noise, {"x": 1.0})["y"], atol=0.2)
