"""What a fit shows of a hidden cause: that of two observed causes is seen, that of cause and effect is not."""

from __future__ import annotations

import pytest
from scmbench import datasets
from scmbench.benchmarks.judging.diagnosis import diagnose, split
from scmbench.models.flow_matching import FlowMatching


def diagnosis(name, seed):
    world = datasets.get(name).scm()
    train, held_out = split(world.sample(3000, seed=seed), 0.2, seed=seed)
    model = FlowMatching(epochs=60).fit(world.graph, train, seed=seed)
    return diagnose(model, world.graph, train, held_out, seed=seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_noises_of_two_causes_depend_on_each_other_where_they_have_a_hidden_one(seed):
    found = diagnosis("confounded/closed-0.5", seed)
    first, second, _, p = found.closest
    assert {first, second} == {"x", "z"}
    assert p == pytest.approx(1 / 200)


def test_a_hidden_cause_of_cause_and_effect_leaves_no_trace():
    alarms = 0
    for seed in range(3):
        found = diagnosis("confounded/open-0.9", seed)
        (check,) = [node for node in found.nodes if node.node == "y"]
        assert check.reconstruction < 1e-3
        assert check.monotone_share > 0.99
        alarms += check.p < 0.05
    assert alarms <= 1
