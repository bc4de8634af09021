"""Procedural digits: exact counterfactuals, one style for all classes, noise outside the strokes alone, refusals."""

from __future__ import annotations

import pytest
import torch
from scmbench.datasets import SCM, SCMDataset, ValuesError, get
from scmbench.datasets.image.polylines import POINTS, polylines, resampled
from scmbench.datasets.image.strokes import PIXEL_NOISE, STYLES, ink, pen
from scmbench.datasets.problem import IMAGE_SIZE
from scmbench.datasets.values import rows

WORLDS = ["image/strokes", "image/strokes/clipped", "image/strokes16"]
PARENTS = ("digit", "thickness", "intensity", "slant")


def scm(name: str = "image/strokes") -> SCM:
    dataset = get(name)
    assert isinstance(dataset, SCMDataset)
    return dataset.scm(0)


@pytest.mark.parametrize("name", WORLDS)
def test_types_shapes_and_targets(name):
    world, size = scm(name), 16 if name.endswith("16") else 28
    values = world.sample(5, seed=0)
    assert values["digit"].dtype == torch.int64
    assert all(values[node].dtype == torch.float64 for node in PARENTS[1:])
    assert values["image"].dtype == torch.float32
    assert values["image"].shape == (5, 1, size, size)
    assert world.targets == PARENTS
    assert set(world.graph.predecessors("image")) == set(PARENTS)
    assert get(name).size(0) == 3 + IMAGE_SIZE


def test_scalar_moments_are_those_of_the_specification():
    world = scm()
    expected = {"thickness": (2.41, 0.43), "intensity": (0.654, 0.152), "slant": (-0.02, 0.22)}
    for node, (mean, sd) in expected.items():
        x = world.sample_node(node, 20_000, seed=0)
        assert float(x.mean()) == pytest.approx(mean, abs=0.015)
        assert float(x.std()) == pytest.approx(sd, abs=0.01)
    assert world.sample_node("digit", 20_000, seed=0).bincount().float().std() < 100  # uniform: about 2000 +- 42


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("node", PARENTS)
def test_a_null_intervention_gives_the_factual_image_bit_by_bit(name, node):
    world = scm(name)
    noise = world.noise(70, seed=1)
    factual = world.run(noise)
    again = world.counterfactual(noise, {node: factual[node]})
    assert all(again[v].equal(x) for v, x in factual.items())
    everything = world.counterfactual(noise, {v: factual[v] for v in PARENTS})
    assert everything["image"].equal(factual["image"])


def test_permuting_rows_permutes_images_and_chunks_leave_no_trace():
    world = scm()
    noise = world.noise(150, seed=2)
    order = torch.randperm(150, generator=torch.Generator().manual_seed(0))
    whole = world.run(noise)["image"]
    assert torch.allclose(world.run(rows(noise, order))["image"], whole[order], atol=1e-6)
    assert torch.allclose(world.run(rows(noise, slice(60, 70)))["image"], whole[60:70], atol=1e-6)


def test_one_style_writes_all_ten_digits():
    """Under do(digit) the hand stays: style moves, turns and stretches every class by the same map."""
    every = torch.arange(10)
    zero = torch.zeros(10, STYLES, dtype=torch.float64)
    upright = torch.zeros(10, dtype=torch.float64)
    plain = pen(every, upright, zero)
    moved = zero.clone()
    moved[:, 2:4] = 1.0
    assert torch.allclose(pen(every, upright, moved) - plain, torch.full_like(plain, 0.9))
    wide = zero.clone()
    wide[:, 0] = 1.0
    expected = 13.5 + (plain[..., 0] - 13.5) * torch.tensor(0.12, dtype=torch.float64).exp()
    assert torch.allclose(pen(every, upright, wide)[..., 0], expected)


def test_a_digit_is_recognised_under_another_hand():
    world, noise = scm(), scm().noise(40, seed=3)
    parents = {"thickness": 2.4, "intensity": 0.9, "slant": 0.0}
    written = torch.stack([world.run(noise, {**parents, "digit": d})["image"] for d in range(10)])
    mean = written.mean(1)
    nearest = (written.unsqueeze(2) - mean).square().mean((3, 4, 5)).argmin(2)
    assert (nearest == torch.arange(10).unsqueeze(1)).double().mean() > 0.8


def test_an_intervention_leaves_style_and_pixel_noise():
    """Far from both strokes a thicker digit is the same image to the last bit, and its noise can be read there."""
    world, noise = scm(), scm().noise(30, seed=4)
    factual, thick = world.run(noise), world.run(noise, {"thickness": 3.5, "intensity": 0.9})
    m = ink(factual["digit"], torch.full((30,), 3.5, dtype=torch.float64), thick["slant"], noise["image"][:, :STYLES])
    e = (PIXEL_NOISE * noise["image"][:, STYLES:]).reshape(30, 1, 28, 28)
    dark = m < 1e-9
    assert 0.3 < dark.double().mean() < 0.95
    assert torch.allclose(thick["image"][dark], e[dark].float(), atol=1e-8)
    assert (thick["image"] - 0.9 * m - e).abs().max() < 1e-6
    assert thick["digit"].equal(factual["digit"])


def test_ink_grows_with_thickness_and_leans_with_slant():
    n = 20
    style = torch.randn(n, STYLES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    digit, flat = torch.arange(n) % 10, torch.zeros(n, dtype=torch.float64)
    thin, thick = (ink(digit, flat + t, flat, style) for t in (1.5, 3.0))
    assert (thin <= thick).all()
    assert (thin.sum((1, 2, 3)) < 0.8 * thick.sum((1, 2, 3))).all()
    right = ink(digit, flat + 2, flat + 0.4, style)
    columns = torch.arange(28.0, dtype=torch.float64)

    def lean(m: torch.Tensor) -> torch.Tensor:
        """How much further to the right the upper half is than the lower."""
        upper, lower = m[:, 0, :14].sum(1), m[:, 0, 14:].sum(1)
        return (upper @ columns) / upper.sum(1) - (lower @ columns) / lower.sum(1)

    assert (lean(right) > lean(ink(digit, flat + 2, flat, style)) + 1).all()


def test_clipped_is_the_clamp_of_the_other():
    plain, clipped = (scm(name).sample(40, seed=5)["image"] for name in WORLDS[:2])
    assert plain.min() < 0
    assert clipped.equal(plain.clamp(0, 1))


def test_the_small_world_is_the_large_one_at_fewer_pixels():
    large, small = (scm(name) for name in ("image/strokes", "image/strokes16"))
    n, style = 30, large.noise(30, seed=6)["image"][:, :STYLES]
    parents = large.sample(n, seed=6)
    m28, m16 = (ink(parents["digit"], parents["thickness"], parents["slant"], style, size=k) for k in (28, 16))
    assert torch.allclose(m28.mean((1, 2, 3)), m16.mean((1, 2, 3)), atol=0.02)
    assert small.sample(n, seed=6)["digit"].equal(parents["digit"])


@pytest.mark.parametrize("digit", [-1, 10])
def test_a_label_outside_the_classes_is_refused_by_name(digit):
    with pytest.raises(ValuesError, match=rf"digit = {digit} is none of the classes 0 to 9"):
        scm().sample(3, {"digit": digit}, seed=0)


def test_no_rows_are_no_rows():
    empty = torch.empty(0, dtype=torch.float64)
    assert ink(empty.long(), empty, empty, torch.empty(0, STYLES, dtype=torch.float64)).shape == (0, 1, 28, 28)


def test_polylines_have_equal_steps():
    every = polylines()
    assert every.shape == (10, POINTS, 2)
    assert every.abs().max() <= 1
    line = resampled(torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 0.0], [3.0, 1.0]], dtype=torch.float64), 5)
    assert line.tolist() == [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]]


def test_an_equation_of_an_image_that_gives_none_is_refused():
    world = SCM({"x": lambda u, d: u, "d": lambda u: u}, images=["x"])
    with pytest.raises(
        ValuesError, match=r"the image 'x' returned shape \(2,\), torch.float64; expected \(n, c, h, w\)"
    ):
        world.sample(2, seed=0)
    with pytest.raises(ValuesError, match="images: unknown node"):
        SCM({"x": lambda u: u}, images=["y"])


def test_one_node_is_sampled_without_the_others():
    world, drawn = scm(), []
    inner = world.functions["image"]
    world.functions["image"] = lambda *a: drawn.append(1) or inner(*a)
    slant = world.sample_node("slant", 50, seed=7)
    assert drawn == []
    assert slant.equal(world.sample(50, seed=7)["slant"])
    assert drawn == [1]
