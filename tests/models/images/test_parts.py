"""The trainer, the parents' code, the flows of scalars: deterministic by seed, exact where they should be."""

from __future__ import annotations

import pytest
import torch
from scmbench.datasets import ValuesError
from scmbench.models.contract.nodewise import Task
from scmbench.models.images.context import MOST_CLASSES, Context, Slot
from scmbench.models.images.denoiser import NULL, noised, with_null
from scmbench.models.images.mechanism import check_pixels
from scmbench.models.images.scalars import ScalarFlow
from scmbench.models.images.schedule import alpha_bar
from scmbench.models.images.trainer import Recipe, train
from torch import nn


def line(seed=0, **options):
    """A line trained to ``y = 3 x + 1``; the loss at its end."""
    x = torch.linspace(-1, 1, 50)
    network = nn.Linear(1, 1)
    nn.init.zeros_(network.weight)
    nn.init.zeros_(network.bias)

    def loss(network, rows, stream):
        return (network(x[rows, None])[:, 0] - 3 * x[rows] - 1).square().mean()

    recipe = Recipe(**{"steps": 400, "batch_size": 16, "lr": 0.1, "weight_decay": 0.0, **options})
    return train(network, loss, len(x), recipe, seed=seed)


def test_training_finds_what_there_is_to_find():
    network, loss = line()
    assert float(network.weight) == pytest.approx(3, abs=0.02)
    assert float(network.bias) == pytest.approx(1, abs=0.02)
    assert loss < 1e-3
    assert not network.training
    assert not network.weight.requires_grad


def test_training_depends_on_the_seed_alone():
    torch.manual_seed(1)
    first = line(steps=5)[0].weight.clone()
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(line(steps=5)[0].weight, first)
    assert not torch.equal(line(steps=5, seed=1)[0].weight, first)
    torch.set_rng_state(state)


def test_the_average_forgets_where_it_began():
    recipe = {"steps": 30, "lr": 0.05, "decay": "constant"}
    kept, last = line(average=0.999, **recipe)[0], line(average=0.0, **recipe)[0]
    assert 0.4 * float(last.weight) < float(kept.weight) < float(last.weight)  # 0.999 from the start would keep 3 %


def test_the_rate_rises_and_falls():
    recipe = Recipe(100, 1, 1.0)
    assert recipe.rate(0) == pytest.approx(0.2)
    assert recipe.rate(4) == recipe.rate(5) == 1
    assert recipe.rate(99) < 0.001
    assert Recipe(100, 1, 1.0, decay="constant").rate(99) == 1


def test_a_training_that_diverges_says_so():
    with pytest.raises(FloatingPointError, match=r"training diverged by step 50: loss .*lower lr"):
        line(lr=1e30, decay="constant")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps=0: expected a whole number of at least 1"),
        ({"batch_size": 1.5}, "batch_size=1.5: expected a whole number"),
        ({"lr": -1}, "lr=-1: expected a number above 0"),
        ({"average": 1}, "average=1: expected a number from 0 to below 1"),
        ({"decay": "linear"}, "decay='linear': choose 'cosine' or 'constant'"),
    ],
)
def test_a_bad_recipe_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        line(**options)


PARENTS = torch.tensor([[3.0, 10.0], [7.0, 20.0], [3.0, 30.0]], dtype=torch.float64)
SLOTS = [Slot("digit", True), Slot("size", False)]


def test_classes_are_indicators_and_numbers_standardised():
    context = Context.of(SLOTS, PARENTS)
    root = 1.5**0.5
    torch.testing.assert_close(context(PARENTS), torch.tensor([[1, 0, -root], [0, 1, 0], [1, 0, root]]))
    assert context.width == 3
    assert context(PARENTS[:0]).shape == (0, 3)


def test_a_label_outside_the_classes_is_named():
    with pytest.raises(ValuesError, match="'digit' is 4: the model was trained on the classes 3, 7"):
        Context.of(SLOTS, PARENTS)(torch.tensor([[3.0, 0.0], [4.0, 0.0]]))


def test_a_root_of_very_many_whole_numbers_is_a_number():
    many = torch.arange(MOST_CLASSES + 1.0)[:, None]
    assert Context.of([Slot("id", True)], many).width == 1
    assert Context.of([Slot("id", True)], many[1:]).width == MOST_CLASSES


def test_a_tenth_of_the_rows_is_shown_without_parents():
    code = torch.ones(20_000, 2)
    shown = with_null(code, torch.Generator().manual_seed(0))
    assert shown.shape == (20_000, 3)
    assert set(shown.sum(1).tolist()) == {0.0, 3.0}
    assert float((shown.sum(1) == 0).float().mean()) == pytest.approx(NULL, abs=0.01)


def test_noised_images_have_the_variance_of_their_time():
    x = torch.ones(40_000, 1, 1, 1)
    abar = alpha_bar("cosine")[[100, 800]]
    noisy, t, e = noised(x, abar, torch.Generator().manual_seed(0))
    for k, level in enumerate(abar.tolist()):
        assert float(noisy[t == k].mean()) == pytest.approx(level**0.5, abs=0.02)
        assert float(noisy[t == k].var()) == pytest.approx(1 - level, abs=0.03)
    torch.testing.assert_close(
        noisy, (abar[t].sqrt()[:, None] + (1 - abar[t]).sqrt()[:, None] * e[:, 0, 0]).float()[:, :, None, None]
    )


@pytest.mark.parametrize(("low", "high", "advice"), [(0, 255, "; divide by 255"), (-1, 1, ""), (0, 1000, "")])
def test_pixels_of_another_scale_are_refused(low, high, advice):
    with pytest.raises(
        ValuesError, match=rf"'image' has pixels from {low} to {high}: images are expected in \[0, 1\]{advice}$"
    ):
        check_pixels("image", torch.tensor([[float(low), float(high)]]))


def scalar_flow(whole=False, seed=0, steps=300):
    stream = torch.Generator().manual_seed(0)
    label = torch.randint(0, 2, (600, 1), generator=stream).double()
    x = 2 * label + torch.exp(0.5 * torch.randn(600, 1, generator=stream, dtype=torch.float64))
    x = x.round() if whole else x
    return ScalarFlow([Slot("label", True)], steps=steps, whole=whole).fit(Task(x, label, seed)), x, label


def test_a_scalar_flow_is_exact_and_fits():
    flow, x, label = scalar_flow()
    u = flow.encode(x, label)
    torch.testing.assert_close(flow.decode(u, label), x, rtol=0, atol=1e-9)
    assert float(u.mean()) == pytest.approx(0, abs=0.15)
    assert float(u.std()) == pytest.approx(1, abs=0.15)
    # the same noise under the other label: what a monotone mechanism must answer
    torch.testing.assert_close(flow.decode(u, 1 - label).mean(), (x + 2 * (1 - 2 * label)).mean(), rtol=0, atol=0.2)


def test_a_scalar_flow_of_counts_gives_counts_back():
    flow, x, label = scalar_flow(whole=True, steps=50)
    torch.testing.assert_close(flow.decode(flow.encode(x, label), label).round(), x)


def test_a_scalar_flow_depends_on_the_seed_alone():
    (a, x, label), (b, *_), (c, *_) = (scalar_flow(steps=5), scalar_flow(steps=5), scalar_flow(steps=5, seed=1))
    assert torch.equal(a.encode(x, label), b.encode(x, label))
    assert not torch.equal(a.encode(x, label), c.encode(x, label))
