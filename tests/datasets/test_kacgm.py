"""KaCGM's Sachs: the draws of the published code, made here with numpy alone; both kinds share a stream."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scmbench.datasets import get

ORDER = ["plcg", "PIP3", "PIP2", "PKC", "PKA", "pjnk", "P38", "praf", "pmek", "p44_42", "pakts473"]
PARENTS = {
    "PIP3": ["plcg"],
    "PIP2": ["PIP3", "plcg"],
    "PKA": ["PKC"],
    "pjnk": ["PKA", "PKC"],
    "P38": ["PKA", "PKC"],
    "praf": ["PKA", "PKC"],
    "pmek": ["PKA", "PKC", "praf"],
    "p44_42": ["PKA", "pmek"],
    "pakts473": ["PKA", "p44_42"],
}
"""By name, as DoWhy sorts them."""


def silu(x):
    return x / (1 + np.exp(-x))


def rows(kind: str, seed: int, noise: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    stream = np.random.RandomState(seed)
    weights = {
        k: {v: (stream.uniform(-1, 1, (16, len(pa) + k)), stream.uniform(-1, 1, (1, 16))) for v, pa in PARENTS.items()}
        for k in (0, 1)  # all additive mechanisms are drawn first
    }[int(kind == "nonadditive")]
    values: dict[str, np.ndarray] = {}
    for node in ORDER:
        if node not in PARENTS:
            values[node] = noise[node]
            continue
        given = [values[p] for p in PARENTS[node]]
        W1, W2 = weights[node]
        if kind == "additive":
            values[node] = (W2 @ silu(W1 @ np.stack(given)) * 0.75)[0] + noise[node]
        else:
            values[node] = (W2 @ silu(W1 @ np.stack([noise[node], *given])) * 0.75)[0]
    return values


@pytest.mark.parametrize("kind", ["additive", "nonadditive"])
@pytest.mark.parametrize("seed", [0, 7])
def test_it_is_the_scm_of_the_published_draws(kind, seed):
    scm = get(f"kacgm/sachs/{kind}").scm(seed)
    noise = scm.noise(50, seed=1)
    expected = rows(kind, seed, {node: u.numpy() for node, u in noise.items()})
    found = scm.run(noise)
    assert list(scm.graph) == ORDER
    for node in ORDER:
        torch.testing.assert_close(found[node], torch.from_numpy(expected[node]))


def test_where_is_intervened_and_that_roots_are_normal():
    scm = get("kacgm/sachs/additive").scm(0)
    assert scm.targets == ("PIP3", "praf", "pmek")
    assert {node for node in ORDER if not scm.graph.in_degree(node)} == {"plcg", "PKC"}
    sample = scm.sample(20_000, seed=0)
    assert abs(float(sample["PKC"].mean())) < 0.03
    assert float(sample["PKC"].std()) == pytest.approx(1, abs=0.03)
