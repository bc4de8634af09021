"""Diff-SCM: the published sizes, a predictor that is right about what it should, guidance that does what it says."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from bars import BARS
from scmbench.models.diffscm import DiffSCM
from scmbench.models.diffscm.predictor import Predictor, log_prob
from scmbench.models.images.context import Column, Context
from scmbench.models.images.unet import size
from torch.distributions import Categorical, Normal

TEN = Context((Column("y", tuple(range(10)), 0.0, 1.0),))
MIXED = Context((Column("size", (), 3.0, 2.0), Column("y", (4, 7, 9), 0.0, 1.0)))

TRAIN = BARS.sample(300, seed=1)
NOISE = BARS.noise(12, seed=2)
FACTUAL = BARS.run(NOISE)
DO = {"label": 1}


def test_the_published_size_of_the_predictor():
    assert size(Predictor((1, 28, 28), TEN)) == 1_936_330


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 16), (1, 4, 8), (1, 7, 5)])
def test_it_predicts_whatever_the_side(shape):
    predictor = Predictor(shape, MIXED, 8, (1, 2, 2))
    assert predictor(torch.randn(2, *shape), torch.tensor([0, 900])).shape == (2, 2 + 3)


def test_it_reads_blocks_of_pixels_as_channels():
    torch.manual_seed(0)
    patched = Predictor((1, 8, 8), MIXED, 8, (1, 2), patch=2)
    plain = Predictor((4, 4, 4), MIXED, 8, (1, 2))  # the same network on a grid of half the side
    plain.load_state_dict(patched.state_dict())
    x, t = torch.randn(3, 1, 8, 8), torch.tensor([0, 10, 900])
    blocks = x.reshape(3, 4, 2, 4, 2).permute(0, 2, 4, 1, 3).reshape(3, 4, 4, 4)
    torch.testing.assert_close(patched(x, t), plain(blocks, t))


def test_the_log_density_of_parents():
    parameters = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    parents = torch.tensor([[1.0, 4], [3, 9], [5, 7], [2, 4]], dtype=torch.float64)
    mean, log_sigma, logits = parameters[:, 0], parameters[:, 1], parameters[:, 2:]
    z, k = (parents[:, 0] - 3) / 2, torch.tensor([0, 2, 1, 0])
    wanted = Normal(mean, log_sigma.exp()).log_prob(z.float()) + Categorical(logits=logits).log_prob(k)
    torch.testing.assert_close(log_prob(parameters, MIXED(parents), MIXED), wanted)


PREDICTOR = {"predictor_channels": 8, "predictor_multipliers": (1, 2), "predictor_steps": 100, "predictor_lr": 4e-3}


def trained(**options):
    sizes = {**DiffSCM.conformance_options, "noise_levels": 10, "batch_size": 32}
    return DiffSCM(**{**sizes, **options}).fit(BARS.graph, TRAIN, seed=0)


@pytest.fixture(scope="module")
def fitted():
    """A predictor that knows its task, and a noise model that has hardly begun: it predicts no noise."""
    return trained(**PREDICTOR)


def answered(model, do=DO, **options):
    """Counterfactual images ``(n, d)`` and their counterfactual parents ``(n, p)``, in single precision."""
    answer = model.with_query_options(**options).counterfactual(FACTUAL, do, seed=0)
    return answer["image"].flatten(1).float(), torch.stack([answer["label"], answer["light"]], 1).float()


def test_the_predictor_knows_the_label_of_a_clean_image(fitted):
    x, mechanism = FACTUAL["image"].flatten(1).float(), fitted.mechanisms["image"]
    others = torch.stack(
        [
            mechanism.log_prob_of_parents(x, torch.stack([torch.full_like(FACTUAL["light"], k), FACTUAL["light"]], 1))
            for k in range(3)
        ]
    )
    assert float((others.argmax(0) == FACTUAL["label"]).float().mean()) >= 0.9


def test_guidance_raises_what_the_predictor_thinks_of_the_wanted_parents(fitted):
    mechanism = fitted.mechanisms["image"]
    asked = [answered(fitted, scale=s, clip="none", depth=0.5) for s in (0.0, 0.5, 2.0)]
    told = [mechanism.log_prob_of_parents(*images).mean() for images in asked]
    assert told[0] < told[1] < told[2]


def test_no_guidance_is_a_reconstruction(fitted):
    image, _ = answered(fitted, scale=0.0, clip="none")
    assert float((image - FACTUAL["image"].flatten(1)).abs().mean()) < 0.05


@pytest.mark.slow
def test_the_reconstruction_gets_better_with_levels():
    model, errors = trained(steps=400, lr=4e-3, channels=8, multipliers=(1, 2), patch=1), []
    for levels in (5, 20, 80):
        image, _ = answered(model, scale=0.0, noise_levels=levels, clip="none")
        errors.append(float((image - FACTUAL["image"].flatten(1)).abs().mean()))
    assert errors[0] > errors[1] > errors[2]


def test_a_shallow_walk_stays_nearer(fitted):
    depths = [0.0, 0.5, 1.0]
    moved = [(answered(fitted, depth=d)[0] - FACTUAL["image"].flatten(1)).abs().mean() for d in depths]
    assert float(moved[0]) < 1e-6 < float(moved[1]) < float(moved[2])


def test_samples_begin_in_noise_whatever_the_depth(fitted):
    shallow = fitted.with_query_options(depth=0.25)
    assert torch.equal(shallow.sample(4, seed=0)["image"], fitted.sample(4, seed=0)["image"])


def test_the_gradient_of_a_row_is_its_own(fitted):
    mechanism = fitted.mechanisms["image"]
    x = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    code = mechanism.context(torch.tensor([[1.0, 0.5]] * 5))
    score = partial(mechanism.score, t=100)
    torch.testing.assert_close(score(code, x)[:1], score(code[:1], x[:1]), rtol=1e-3, atol=1e-5)
    slope = (_log_prob(mechanism, x + 1e-2 * score(code, x), code) - _log_prob(mechanism, x, code)).sum()
    assert float(slope) == pytest.approx(float(1e-2 * score(code, x).square().sum() / mechanism.query.scale), rel=0.1)


def _log_prob(mechanism, x, code):
    return log_prob(mechanism.predictor(x, torch.full((len(x),), 100)), code, mechanism.context)


def test_the_reference_keeps_the_levels_of_its_code():
    reference = DiffSCM("reference", preset="paper")
    mechanism = reference.image((1, 28, 28), [])
    there, back = mechanism.path(forward=True), mechanism.path(forward=False)
    assert len(there) == len(back) == 1000
    assert there[-1].there == 0
    assert math.sqrt(back[0].there / back[0].here) == pytest.approx(31.6, abs=0.1)
    assert (reference.scale, reference.clip, reference.batch_size, reference.steps) == (0.7, "both", 256, 30_000)


def test_the_corrected_variant_amplifies_no_guidance():
    for preset in ("small", "paper"):
        path = DiffSCM(preset=preset).image((1, 28, 28), []).path(forward=False)
        limit = 2.1 if preset == "paper" else 3
        assert max(math.sqrt(step.there / step.here) for step in path) <= limit
        assert path[0].here >= 1e-3
        assert path[-1].there == 1
