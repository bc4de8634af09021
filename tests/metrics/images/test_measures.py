"""Intensity, thickness and slant of drawn bars, whose values are known."""

from __future__ import annotations

import math

import pytest
import torch
from scmbench.metrics import MetricError
from scmbench.metrics.images import Thickness, intensity, slant, thickness_ratio


def bar(thickness: float, *, ink: float = 1.0, lean: float = 0.0, noise: float = 0.0, size: int = 28) -> torch.Tensor:
    """An upright stroke with soft edges through the middle, its rows moved right (upwards) by the tangent of `lean`."""
    y, x = torch.meshgrid(torch.arange(size).double(), torch.arange(size).double(), indexing="ij")
    middle = (size - 1) / 2
    across = x - middle + math.tan(lean) * (y - middle)
    within = torch.sigmoid((thickness / 2 - across.abs()) / 0.25) * ((y - middle).abs() < 8)
    e = torch.randn(size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (ink * within + noise * e)[None, None]


def test_intensity_is_that_of_the_ink_whatever_the_stroke():
    found = [float(intensity(bar(t, ink=ink))) for t in (5.0, 6.0) for ink in (0.3, 0.9)]
    assert found == pytest.approx([0.3, 0.9, 0.3, 0.9], rel=0.03)
    assert float(intensity(bar(5.0, ink=0.7, noise=0.02))) == pytest.approx(0.7, abs=0.02)
    thin = float(intensity(bar(2.0))), float(intensity(bar(2.0, ink=0.5)))
    assert 0.8 < thin[0] < 1  # soft edges are all that a thin stroke has
    assert thin[1] == pytest.approx(thin[0] / 2)
    assert intensity(torch.zeros(2, 1, 8, 8)).tolist() == [0, 0]


def test_thickness_ratio_grows_with_the_stroke_and_not_with_ink_or_size():
    widths = [1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
    ratios = torch.cat([thickness_ratio(bar(t)) for t in widths])
    assert (ratios.diff() > 0.15).all()
    torch.testing.assert_close(thickness_ratio(bar(3.0, ink=0.4)), thickness_ratio(bar(3.0)))
    torch.testing.assert_close(thickness_ratio(bar(3.0, size=40)), thickness_ratio(bar(3.0)), rtol=0.02, atol=0)
    assert thickness_ratio(torch.zeros(1, 1, 8, 8)).tolist() == [0]


def test_thickness_comes_back_in_the_unit_of_the_world():
    widths = torch.linspace(1.5, 4.5, 13).double()
    images = torch.cat([bar(float(t)) for t in widths])
    measure = Thickness.fit(images[::2], widths[::2])
    assert (measure(images) - widths).abs().max() < 0.2  # bars whose edges fall between pixels
    line = Thickness.fit(images, 3 + 2 * thickness_ratio(images))
    assert (line.a, line.b) == pytest.approx((3, 2))


def test_a_leaning_stroke_has_the_slant_it_was_drawn_with():
    angles = torch.tensor([-0.4, -0.2, 0.0, 0.1, 0.3]).double()
    images = torch.cat([bar(3.0, lean=float(a)) for a in angles])
    torch.testing.assert_close(slant(images), angles, atol=0.02, rtol=0)
    torch.testing.assert_close(slant(images.flip(3)), -angles, atol=0.02, rtol=0)
    assert slant(torch.zeros(1, 1, 8, 8)).tolist() == [0]


def test_rows_do_not_know_each_other():
    images = torch.cat([bar(2.0), bar(3.0, lean=0.2), bar(4.0, ink=0.5)])
    for measure in (intensity, thickness_ratio, slant):
        torch.testing.assert_close(measure(images.flip(0)), measure(images).flip(0), rtol=0, atol=0)
        torch.testing.assert_close(measure(images[1:2]), measure(images)[1:2], rtol=0, atol=0)


@pytest.mark.parametrize("measure", [intensity, thickness_ratio, slant, Thickness(0, 1)])
def test_other_channels_are_refused(measure):
    with pytest.raises(MetricError, match=r"\(2, 3, 8, 8\); expected one channel"):
        measure(torch.rand(2, 3, 8, 8))


def test_thickness_is_fitted_on_rows_that_differ():
    with pytest.raises(MetricError, match="all 4 images have the ratio"):
        Thickness.fit(bar(3.0).expand(4, 1, 28, 28), torch.ones(4))
    with pytest.raises(MetricError, match=r"shape \(3,\); expected \(4,\)"):
        Thickness.fit(bar(3.0).expand(4, 1, 28, 28), torch.ones(3))
