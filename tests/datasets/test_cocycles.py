"""The linear pair under five noises: the noise of each, and that its effects are those of the line."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from scmbench.datasets import get, names

LAWS = {
    "normal": stats.norm(),
    "cauchy": stats.cauchy(),
    "gamma": stats.gamma(1),
    "inversegamma": stats.invgamma(1),
}


def test_there_are_five():
    assert {n.removeprefix("cocycles/pair/") for n in names() if n.startswith("cocycles/")} == {*LAWS, "rademacher"}


@pytest.mark.parametrize("name", LAWS)
def test_the_noise_has_its_law(name):
    rows = get(f"cocycles/pair/{name}").scm().sample(4000, seed=0)
    assert stats.kstest((rows["x2"] - rows["x1"]).numpy(), LAWS[name].cdf).pvalue > 0.01
    assert stats.kstest(rows["x1"].numpy(), stats.norm().cdf).pvalue > 0.01


def test_a_random_sign():
    rows = get("cocycles/pair/rademacher").scm().sample(4000, seed=0)
    u = rows["x2"] - rows["x1"]
    torch.testing.assert_close(u.abs(), torch.ones_like(u))
    assert abs(float(u.mean())) < 0.06


@pytest.mark.parametrize("name", [*LAWS, "rademacher"])
def test_the_effect_is_the_cause(name):
    scm = get(f"cocycles/pair/{name}").scm()
    noise = scm.noise(100, seed=0)
    factual, changed = scm.run(noise), scm.run(noise, {"x1": 0.0})
    torch.testing.assert_close(factual["x2"] - changed["x2"], factual["x1"], rtol=1e-6, atol=1e-6)
