"""Floors of images: of the wanted class, the same wherever a row stands, and nothing else moves."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from bars import BARS
from scmbench.datasets import ValuesError
from scmbench.models import Unsupported, load
from scmbench.models.bounds import images

TRAIN = BARS.sample(300, seed=1)
FACTUAL = BARS.sample(10, seed=2)
FLOORS = ["class-mean", "nearest", "random-class"]


def answered(name, do, factual=FACTUAL, seed=0):
    return load(name)().fit(BARS.graph, TRAIN, seed=0).counterfactual(factual, do, seed=seed)


def of_class(label):
    return TRAIN["image"][TRAIN["label"] == label]


@pytest.mark.parametrize("name", FLOORS)
def test_the_other_nodes_stay(name):
    answer = answered(name, {"label": 2})
    assert torch.equal(answer["light"], FACTUAL["light"])
    assert load(name).role == "floor"


def test_the_mean_of_the_class():
    answer = answered("class-mean", {"label": torch.arange(10) % 3})
    for row, image in enumerate(answer["image"]):
        torch.testing.assert_close(image, of_class(row % 3).double().mean(0).to(image))


@pytest.mark.parametrize("name", ["nearest", "random-class"])
def test_a_training_image_of_the_class(name):
    trained = {x.numpy().tobytes() for x in of_class(2)}
    assert all(x.numpy().tobytes() in trained for x in answered(name, {"label": 2})["image"])


def test_random_images_differ_by_row_and_seed():
    first, second = (answered("random-class", {"label": 2}, seed=seed)["image"] for seed in (0, 1))
    assert len(first.flatten(1).unique(dim=0)) > 5
    assert not torch.equal(first, second)


def test_the_nearest_of_a_training_row_is_itself():
    rows = {node: x[:10] for node, x in TRAIN.items()}
    asked = {"label": rows["label"], "light": rows["light"]}
    assert torch.equal(answered("nearest", asked, rows)["image"], rows["image"])


def test_the_nearest_has_the_wanted_numbers(monkeypatch):
    monkeypatch.setattr(images, "NEAREST", 3)
    answer = answered("nearest", {"label": 2, "light": 0.7})["image"]
    light = TRAIN["light"][TRAIN["label"] == 2]
    near = of_class(2)[(light - 0.7).abs().argsort()[:3]]
    for image, row in zip(answer, FACTUAL["image"], strict=True):
        assert torch.equal(image, near[(near - row).square().flatten(1).sum(1).argmin()])


@pytest.mark.parametrize("name", FLOORS)
def test_a_class_without_training_rows_is_named(name):
    with pytest.raises(ValuesError, match="no training row of 'image' has label = 7"):
        answered(name, {"label": 7})


@pytest.mark.parametrize("name", FLOORS)
def test_a_graph_without_images_is_unsupported(name):
    with pytest.raises(Unsupported, match="no image of this graph has causes"):
        load(name)().fit(nx.DiGraph([("label", "light")]), {v: TRAIN[v] for v in ("label", "light")}, seed=0)
