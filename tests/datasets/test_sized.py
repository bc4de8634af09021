"""Worlds with another number of training rows: all else is the world's."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench import datasets
from scmbench.benchmarks.questions import protocols
from scmbench.datasets.attributes import attributes
from scmbench.datasets.registry import UnknownDataset, resolve
from scmbench.datasets.values import n_rows

WORLD = "dcm/chain/nadd"
PROTOCOL = replace(protocols.get("standard"), n_train=200, n_observational=50, n_interventional=20, n_factual=20)


def problem(name, seed=0):
    (made,) = datasets.get(name).problems(PROTOCOL, seed=seed)
    return made


@pytest.mark.parametrize("rows", [20, 200, 3000])
def test_rows_are_as_many_as_the_name_says_and_begin_alike(rows):
    sized, own = problem(f"sized/{rows}/{WORLD}", 3), problem(WORLD, 3)
    assert (n_rows(sized.train), n_rows(own.train)) == (rows, 200)
    both = min(rows, 200)
    assert all(torch.allclose(sized.train[v][:both], x[:both]) for v, x in own.train.items())
    assert sorted(sized.graph.edges) == sorted(own.graph.edges)


def test_questions_are_those_of_the_world():
    sized, own = problem(f"sized/50/{WORLD}"), problem(WORLD)
    for a, b in zip(sized.queries, own.queries, strict=True):
        assert all(torch.equal(x, b.truth()[v]) for v, x in a.truth().items() if a.kind != "likelihood")


def test_a_wrong_graph_may_be_told_with_few_rows():
    made = problem("sized/50/misspecified/dropped/dcm/y/nlin")
    assert n_rows(made.train) == 50
    assert len(made.graph.edges) == len(made.scm.graph.edges) - 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sized/10/dcm/y/nlin", "write sized/"),
        ("sized/2000000/dcm/y/nlin", "write sized/"),
        ("sized/050/dcm/y/nlin", "write sized/"),
        ("sized/many/dcm/y/nlin", "write sized/"),
        ("sized/50/sized/60/dcm/y/nlin", "write sized/"),
        ("sized/50/fmri/hg-cg", "write sized/"),
        ("sized/50/dcm/nowhere", "no dataset 'dcm/nowhere'"),
    ],
)
def test_what_there_is_not_is_told(name, words):
    with pytest.raises(UnknownDataset, match=words):
        resolve(name)


def test_a_learning_curve_is_chosen_by_its_rows():
    assert attributes(f"sized/250/{WORLD}")["rows"] == 250
    nested = attributes("sized/250/misspecified/dropped/drawn/5/2/mlp/additive")
    assert (nested["rows"], nested["change"], nested["mechanism"]) == (250, "dropped", "mlp")
    assert datasets.get(f"sized/250/{WORLD}").version == datasets.get(WORLD).version
