"""Proxies at cases whose value is known: CLD of the factual image, Gaussians in closed form, perfect autoencoders."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.linalg import sqrtm
from scmbench.metrics import MetricError, images
from torch.distributions import Normal, kl_divergence


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gaussians(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    return normal(n, 4, seed=seed), 0.3 * normal(n, 4, seed=seed + 100)


def test_kl_is_torchs():
    a, b = gaussians(20, 0), gaussians(20, 1)
    expected = kl_divergence(Normal(a[0], a[1].exp()), Normal(b[0], b[1].exp())).sum(-1)
    torch.testing.assert_close(images.gaussian_kl(a, b), expected)
    assert images.gaussian_kl(a, a).tolist() == [0] * 20


REFERENCE, LABELS = gaussians(300, 2), torch.arange(300) % 3
OWN, TARGET = torch.zeros(40, dtype=torch.long), torch.ones(40, dtype=torch.long)


def test_cld_of_the_factual_image_is_log_1_plus_e_exactly():
    x = gaussians(40, 3)
    nearer, further = images.cld_shares(x, x, TARGET, OWN, REFERENCE, LABELS)
    assert nearer.tolist() == [0] * 40
    assert further.tolist() == [1] * 40
    assert set(images.cld(nearer, further).tolist()) == {math.log(1 + math.e)}
    torch.testing.assert_close(
        images.cld_weighted(nearer, further), torch.full((40,), 0.8 + 0.2 * math.e).double().log()
    )


def test_cld_is_bad_however_near_or_far_and_in_its_range():
    x = gaussians(40, 3)
    far = x[0] + 1e3, x[1]
    nearer, further = images.cld_shares(far, x, TARGET, OWN, REFERENCE, LABELS)
    assert images.cld(nearer, further).tolist() == pytest.approx([math.log(math.e + 1)] * 40)
    assert images.cld_weighted(nearer, further).tolist() == pytest.approx([math.log(0.8 * math.e + 0.2)] * 40)
    share = torch.linspace(0, 1, 11).double()
    both = torch.cartesian_prod(share, share).T
    for score, (low, high) in ((images.cld, (math.log(2), 1 + math.log(2))), (images.cld_weighted, (0, 1))):
        found = score(*both)
        assert (float(found.min()), float(found.max())) == pytest.approx((low, high), abs=1e-12)


def test_a_random_row_of_the_target_class_is_nearer_than_half_of_it():
    x = gaussians(2000, 5)
    some = torch.randint(100, (2000,), generator=torch.Generator().manual_seed(0))
    k = (REFERENCE[0][LABELS == 1][some], REFERENCE[1][LABELS == 1][some])
    ones = torch.ones(2000, dtype=torch.long)
    nearer, _ = images.cld_shares(k, x, ones, 0 * ones, REFERENCE, LABELS)
    assert float(nearer.mean()) == pytest.approx(0.505, abs=0.02)  # (1 + 1/100) / 2, itself included


def test_shares_are_those_of_a_loop():
    x, answer = gaussians(5, 3), gaussians(5, 4)
    target, own = torch.tensor([0, 1, 2, 0, 1]), torch.tensor([1, 2, 0, 2, 0])
    nearer, further = images.cld_shares(answer, x, target, own, REFERENCE, LABELS)
    for i in range(5):
        div = images.gaussian_kl((answer[0][i], answer[1][i]), (x[0][i], x[1][i]))
        to_row = images.gaussian_kl(REFERENCE, (x[0][i], x[1][i]))
        assert nearer[i] == (to_row[target[i] == LABELS] <= div).double().mean()
        assert further[i] == (to_row[own[i] == LABELS] >= div).double().mean()


def test_chunks_do_not_show(monkeypatch):
    x, answer = gaussians(40, 3), gaussians(40, 4)
    whole = images.cld_shares(answer, x, TARGET, OWN, REFERENCE, LABELS)
    monkeypatch.setattr("scmbench.metrics.images.latent._CHUNK", 7 * 1200)
    for a, b in zip(whole, images.cld_shares(answer, x, TARGET, OWN, REFERENCE, LABELS), strict=True):
        assert a.tolist() == b.tolist()


def test_cld_refuses_what_it_cannot_judge():
    x = gaussians(40, 3)
    with pytest.raises(MetricError, match=r"no reference rows of class 7; they have \[0, 1, 2\]"):
        images.cld_shares(x, x, TARGET + 6, OWN, REFERENCE, LABELS)
    with pytest.raises(MetricError, match=r"the target is torch\.float32; expected whole numbers"):
        images.cld_shares(x, x, TARGET.float(), OWN, REFERENCE, LABELS)
    with pytest.raises(MetricError, match=r"the factual class has shape \(39,\)"):
        images.cld_shares(x, x, TARGET, OWN[1:], REFERENCE, LABELS)
    with pytest.raises(MetricError, match=r"\[\(39, 4\), \(40, 4\), \(300, 4\)\]"):
        images.cld_shares((x[0][1:], x[1][1:]), x, TARGET, OWN, REFERENCE, LABELS)
    with pytest.raises(MetricError, match="the latents of the answer have NaN"):
        images.cld_shares((x[0] * torch.nan, x[1]), x, TARGET, OWN, REFERENCE, LABELS)


def test_validity_counts_rows_of_the_target_class():
    logits = torch.tensor([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert images.validity(logits, torch.tensor([1, 1, 2])).tolist() == [1, 0, 1]
    with pytest.raises(MetricError, match="the target holds 3 in row 2; the classes are 0 to 2"):
        images.validity(logits, torch.tensor([1, 1, 3]))
    with pytest.raises(MetricError, match="NaN"):
        images.validity(logits * torch.nan, torch.tensor([1, 1, 2]))


def test_im1_and_im2_by_hand():
    x = torch.full((2, 1, 2, 2), 0.5)
    assert images.im1(x, x, x + 1).tolist() == [0, 0]
    assert images.im1(x, x + 0.1, x + 0.2).tolist() == pytest.approx([0.25] * 2, rel=1e-4)
    assert images.im1(x, x + 0.2, x + 0.1).tolist() == pytest.approx([4] * 2, rel=1e-4)
    assert images.im2(x, x + 0.1, x + 0.1).tolist() == [0, 0]
    assert images.im2(x, x + 0.1, x - 0.1).tolist() == pytest.approx([0.04 / 0.5] * 2, rel=1e-4)
    assert images.im1(x, x + 0.1, x).tolist() == pytest.approx([0.01 / 1e-7] * 2, rel=1e-4)  # finite
    with pytest.raises(MetricError, match="the target's reconstruction"):
        images.im1(x, x[:1], x)
    with pytest.raises(MetricError, match="the factual class' reconstruction"):
        images.im1(x, x, x[:1])


def test_im2_depends_on_the_range_of_pixels():
    """Between [0, 1] and [-0.5, 0.5] the numerator stays and the denominator does not: values are not comparable."""
    x, a, b = torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.2), torch.full((1, 1, 2, 2), 0.1)
    assert float(images.im2(x, a, b)) > 1e4 * float(images.im2(x - 0.5, a - 0.5, b - 0.5))


def test_frechet_distance_of_gaussians_in_closed_form():
    x = normal(4000, 3)
    x = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T)).T)  # mean 0, covariance 1, exactly
    move, scale = torch.tensor([1.0, 2.0, -0.5]).double(), torch.tensor([2.0, 0.5, 1.0]).double()
    expected = float(move.square().sum() + (1 - scale).square().sum())  # commuting covariances
    assert float(images.frechet_distance(x, x * scale + move)) == pytest.approx(expected, rel=1e-9)
    assert float(images.frechet_distance(x, x)) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_is_scipys_for_covariances_that_do_not_commute():
    x, y = normal(60, 5) @ normal(5, 5, seed=1), normal(50, 5, seed=2) @ normal(5, 5, seed=3) + 1
    c, d = torch.cov(x.T).numpy(), torch.cov(y.T).numpy()
    expected = float((x.mean(0) - y.mean(0)).square().sum()) + (c + d - 2 * sqrtm(c @ d).real).trace()
    assert float(images.frechet_distance(x, y)) == pytest.approx(expected, rel=1e-9)
    assert float(images.frechet_distance(y, x)) == pytest.approx(expected, rel=1e-9)
    stacked = images.frechet_distance(torch.stack([x[:50], y]), torch.stack([y, y]))
    assert float(stacked[0]) == pytest.approx(float(images.frechet_distance(x[:50], y)))
    assert float(stacked[1]) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_holds_with_fewer_rows_than_features():
    x, y = normal(8, 64), normal(9, 64, seed=1)
    assert 0 < float(images.frechet_distance(x, y)) < 1e3
    with pytest.raises(MetricError, match=r"samples of 1 and 9 row\(s\) have no covariance"):
        images.frechet_distance(x[:1], y)
