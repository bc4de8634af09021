"""A fitted model as encoder and decoder of a node: the same numbers as the model's own, and nothing else decoded."""

from __future__ import annotations

import pytest
import torch
from scmbench.datasets import SCM, ValuesError
from scmbench.models import Unsupported, load
from scmbench.models.contract.encoding import EncoderDecoder

WORLD = SCM({"a": lambda u: u, "b": lambda u, a: 2 * a + u, "c": lambda u, a, b: a - b + u, "d": lambda u, c: c + u})
ROWS = WORLD.sample(200, seed=0)


def linear():
    return load("linear")().fit(WORLD.graph, ROWS, seed=0)


def test_it_is_the_models_own_noise_and_value():
    model = linear()
    view = EncoderDecoder(model, "c", ["a", "b"])
    assert torch.equal(view.encode(ROWS)[:, 0], model.abduct(ROWS)["c"].reshape(-1))
    torch.testing.assert_close(view.reconstruct(ROWS, seed=0)[:, 0], ROWS["c"])
    given = {"a": ROWS["a"].flip(0), "b": ROWS["b"] + 1}
    expected = model.counterfactual(ROWS, given, seed=0)["c"]
    torch.testing.assert_close(view.decode(ROWS, given, seed=0)[:, 0], expected)


def test_curves_are_the_noise_of_every_row_under_the_parents_of_the_first():
    view = EncoderDecoder(linear(), "c", ["a", "b"])
    curves = view.curves(ROWS, 3, seed=0)
    assert curves.shape == (3, 200)
    parents = {node: ROWS[node][1].expand(200) for node in ("a", "b")}
    torch.testing.assert_close(curves[1], view.decode(ROWS, parents, seed=0)[:, 0])
    torch.testing.assert_close(curves[2][2], ROWS["c"][2])  # its own noise, its own parents
    assert view.curves({node: x[:2] for node, x in ROWS.items()}, 3, seed=0).shape == (2, 2)


def test_only_the_node_is_decoded():
    model, asked = linear(), []

    class Watched:
        def counterfactual(self, factual, do, *, seed):
            asked.append(do)
            return model.counterfactual(factual, do, seed=seed)

    EncoderDecoder(Watched(), "b", ["a"]).decode(ROWS, {"a": ROWS["a"] + 1}, seed=0)
    (do,) = asked
    assert sorted(do) == ["a", "c", "d"]
    assert model.reached(do) == {"b"}
    assert torch.equal(do["a"], ROWS["a"] + 1)
    assert torch.equal(do["c"], ROWS["c"])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("anm", {}),
        ("rank", {"trees": 5}),
        ("carefl", {"variant": "corrected", "epochs": 2}),
        ("causal-nf", {"epochs": 2}),
    ],
)
def test_nodewise_and_joint_models_are_seen_alike(name, options):
    model = load(name)(**options).fit(WORLD.graph, ROWS, seed=0)
    view = EncoderDecoder(model, "c", ["a", "b"])
    few = {node: x[:20] for node, x in ROWS.items()}
    assert view.encode(few).shape == (20, 1)
    error = (view.reconstruct(few, seed=0)[:, 0] - few["c"]).abs().max() / ROWS["c"].std()
    assert error < 10 * model.abduction_tolerance
    assert view.curves(few, 2, seed=0).shape == (2, 20)


def test_what_cannot_be_seen_is_said_in_a_line():
    with pytest.raises(ValuesError, match="the node 'a' has no parents"):
        EncoderDecoder(linear(), "a", [])
    with pytest.raises(ValuesError, match=r"the parents \['b'\] of 'c' have no values; there are \['a'\]"):
        EncoderDecoder(linear(), "c", ["a", "b"]).decode(ROWS, {"a": ROWS["a"]}, seed=0)

    class Short:
        def abduct(self, factual):
            return {"c": factual["c"][1:]}

    for node in ("b", "c"):
        with pytest.raises(ValuesError, match=f"Short infers no noise of '{node}' for each of 200 rows"):
            EncoderDecoder(Short(), node, ["a"]).encode(ROWS)
    identity = load("identity")().fit(WORLD.graph, ROWS, seed=0)
    with pytest.raises(Unsupported, match="does not show the noise that it infers"):
        EncoderDecoder(identity, "c", ["a", "b"]).encode(ROWS)
