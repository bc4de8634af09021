"""Random numbers of a counter: the published words, the laws, and that a draw depends on what it is for alone."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from scmbench.models.training.counter import Streams, below, normal, philox, uniform

# The known answers that Salmon et al. publish with their Random123 library for philox4x32 of ten rounds.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def hexadecimal(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_the_words_are_those_that_are_published(counter, key, words):
    tensors = [torch.tensor([word]) for word in hexadecimal(counter)]
    assert [int(word) for word in philox(tensors, hexadecimal(key))] == hexadecimal(words)
    assert [int(word) for word in philox(hexadecimal(counter), hexadecimal(key))] == hexadecimal(words)


def test_draws_follow_their_laws():
    first, second, third, _ = Streams([7], 100_000, "cpu").words(3, 0)
    assert stats.kstest(uniform(first)[0].numpy(), "uniform").pvalue > 0.01
    assert stats.kstest(normal(second, third)[0].numpy(), "norm").pvalue > 0.01
    counts = torch.bincount(below(first, 100)[0], minlength=100)
    assert len(counts) == 100
    assert stats.chisquare(counts.numpy()).pvalue > 0.01


def test_uniform_numbers_stay_inside_of_the_interval():
    ends = uniform(torch.tensor([0, 0xFFFFFFFF]))
    assert 0 < float(ends[0]) < float(ends[1]) < 1


def test_a_draw_depends_on_its_network_row_epoch_and_purpose_alone():
    alone, beside = Streams([5], 10, "cpu"), Streams([2**62 + 5, 5, 6], 20, "cpu")
    assert torch.equal(alone.words(4, 1)[2][0], beside.words(4, 1)[2][1, :10])
    words = beside.words(4, 1)[0]
    assert len(words.unique()) == words.numel()
    for other in (beside.words(5, 1)[0], beside.words(4, 2)[0]):
        assert not (words == other).any()
