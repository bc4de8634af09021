"""The U-Net: parameters to the last one, silent before training, any side, the same operations as another library's."""

from __future__ import annotations

import pytest
import torch
from scmbench.models.images.unet import UNet, group_count, sinusoids, size
from torch import nn


@pytest.mark.parametrize(
    ("channels", "multipliers", "parameters"), [(64, (1, 2, 4), 10_601_473), (32, (1, 2, 2), 1_140_929)]
)
def test_the_published_sizes(channels, multipliers, parameters):
    assert size(UNet(1, channels, multipliers)) == parameters


def test_the_size_of_the_small_preset():
    assert size(UNet(1, 32, (1, 2), patch=2)) == 706_436


def test_without_the_biases_of_attention_it_is_the_network_of_diffusers():
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.UNet2DModel(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D",) * 3,
        up_block_types=("UpBlock2D",) * 3,
        resnet_time_scale_shift="scale_shift",
        norm_num_groups=8,
        attention_head_dim=None,
    )
    ours = UNet(1, 32, (1, 2, 2))
    x, t = torch.randn(2, 1, 28, 28), torch.tensor([3, 500])
    assert theirs(x, t).sample.shape == ours(x, t).shape
    assert abs(size(theirs) - size(ours)) <= 128


@pytest.mark.parametrize("image", [(1, 28, 28), (1, 16, 16), (3, 32, 32), (2, 6, 10), (1, 7, 5)])
def test_it_is_silent_before_training_whatever_the_side(image):
    network = UNet(image[0], 8, (1, 2), context=3)
    out = network(torch.randn(2, *image), torch.tensor([0, 999]), torch.randn(2, 3))
    assert out.shape == (2, *image)
    assert bool((out == 0).all())


def awake(network: nn.Module) -> nn.Module:
    """With all weights drawn, so that none of its branches is zero."""
    stream = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(torch.randn(p.shape, generator=stream) / 10)
    return network


@pytest.mark.parametrize("patch", [1, 2])
def test_time_and_context_and_every_pixel_reach_the_answer(patch):
    network = awake(UNet(1, 8, (1, 2), context=2, patch=patch))
    x, t, c = torch.randn(1, 1, 8, 8, requires_grad=True), torch.tensor([10]), torch.zeros(1, 2)
    out = network(x, t, c)
    assert not torch.allclose(out, network(x, t + 500, c))
    assert not torch.allclose(out, network(x, t, c + 1))
    out.sum().backward()
    assert bool((x.grad != 0).all())


def test_rows_do_not_see_each_other():
    network = awake(UNet(1, 8, (1, 2)))
    x, t = torch.randn(4, 1, 8, 8), torch.tensor([1, 10, 100, 900])
    alone = torch.cat([network(x[i : i + 1], t[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(network(x, t), alone, rtol=1e-4, atol=1e-5)


def test_cosines_come_first():
    torch.testing.assert_close(sinusoids(torch.tensor([0.0]), 4), torch.tensor([[1.0, 1.0, 0.0, 0.0]]))
    angles = torch.tensor([3.0, 0.03])
    torch.testing.assert_close(sinusoids(torch.tensor([3.0]), 4)[0], torch.cat([angles.cos(), angles.sin()]))


@pytest.mark.parametrize(("channels", "groups"), [(64, 32), (32, 8), (16, 4), (8, 2), (4, 1), (36, 8)])
def test_groups(channels, groups):
    assert group_count(channels) == groups
