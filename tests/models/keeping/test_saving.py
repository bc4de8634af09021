"""Saved models: they answer as before, hold nothing but JSON and tensors, and are refused when damaged or foreign."""

from __future__ import annotations

import json
from functools import partial

import networkx as nx
import numpy as np
import pytest
import torch
from scmbench.datasets import registry
from scmbench.models import CausalModel, Unsupported
from scmbench.models.contract.base import build
from scmbench.models.contract.registry import load as load_class
from scmbench.models.keeping.saving import SavedModelError, load, save
from scmbench.models.keeping.state import Reader, StateError, Writer
from scmbench.models.linear import LinearGaussian
from torch import nn

SCM = registry.get("dcm/triangle/nadd").scm()
TRAIN, FACTUAL = SCM.sample(200, seed=0), SCM.sample(20, seed=1)


def fitted(name, **options):
    cls = load_class(name)
    return build(cls, {**cls.conformance_options, **options}).fit(SCM.graph, TRAIN, seed=0)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[v], b[v]) for v in a)


@pytest.fixture(scope="module")
def linear():
    return fitted("linear")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("linear", {"ridge": 1.0}),
        ("dcm", {"time": "positional", "guidance": 0.5}),
        ("causal-nf", {}),
        ("causal-nf", {"transform": "spline"}),
        ("dscm", {}),
        ("vaca", {}),
        ("carefl", {"variant": "corrected"}),
        ("marginal", {}),
    ],
)
def test_a_saved_model_answers_as_before(name, options, tmp_path):
    model = fitted(name, **options)
    again = load(save(model, tmp_path / "model"))
    assert type(again) is type(model)
    assert again.options() == model.options()
    assert again.cost() == model.cost()
    assert same(again.sample(30, seed=1), model.sample(30, seed=1))
    assert same(again.sample(30, {"x1": 0.5}, seed=1), model.sample(30, {"x1": 0.5}, seed=1))
    do = {"x2": FACTUAL["x2"] + 1}
    assert same(again.counterfactual(FACTUAL, do, seed=1), model.counterfactual(FACTUAL, do, seed=1))


def test_the_header_tells_method_options_versions_and_graph(linear, tmp_path):
    header = json.loads((save(linear, tmp_path) / "model.json").read_text())
    assert (header["model"], header["model_version"], header["options"]) == ("linear", 1, {"ridge": 0.0})
    assert header["graph"] == {"x1": [], "x2": ["x1"], "x3": ["x1", "x2"]}
    assert header["versions"]["torch"] == torch.__version__
    assert {p.name for p in tmp_path.iterdir()} == {"model.json", "model.safetensors"}


def test_what_needs_pickling_is_named():
    with pytest.raises(Unsupported, match=r"anm cannot be saved: model.mechanisms\['x2'\].*sklearn"):
        save(fitted("anm"), "nowhere")


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(SavedModelError, match=r"no saved model: there is no model\.json"):
        load(tmp_path)


def test_other_tensors_than_the_header_s_are_refused(linear, tmp_path):
    save(linear, tmp_path)
    tensors = tmp_path / "model.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-8])
    with pytest.raises(SavedModelError, match="checksum differs"):
        load(tmp_path)
    tensors.unlink()
    with pytest.raises(SavedModelError, match="cannot be read: No such file"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": 0}, "not a saved model of format 1"),
        ({"model_version": 0}, "version 0 of linear, installed is version 1: fit it again"),
        ({"model": "dcm"}, "its state is a LinearGaussian"),
        ({"model": "my.own:Model"}, r"no installed package registers.*load\(folder, model='my.own:Model'\)"),
        ({"state": {"$object": "subprocess:Popen", "attributes": {}}}, "damaged: the state names 'subprocess:Popen'"),
        ({"state": {"$strange": 1}}, "unknown kind '\\$strange'"),
        ({"state": {"$tensor": "99"}}, "the tensor '99' is missing"),
    ],
)
def test_a_damaged_or_foreign_header_is_explained(change, complaint, linear, tmp_path):
    path = save(linear, tmp_path) / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(SavedModelError, match=complaint):
        load(tmp_path)


def test_truncated_json_is_explained(linear, tmp_path):
    path = save(linear, tmp_path) / "model.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(SavedModelError, match=r"model\.json cannot be read"):
        load(tmp_path)


def test_nothing_from_elsewhere_is_reached_through_an_allowed_module():
    reader = Reader({})
    for address in (
        "scmbench.models.keeping.state:importlib.import_module",
        "scmbench.models.keeping.state:importlib",
        "os:system",
    ):
        with pytest.raises(StateError, match="the state names"):
            reader.read({"$name": address})


class Mine(LinearGaussian):
    """A model from outside the package."""


class Own(Mine):
    """A model with files of its own."""

    def save(self, folder):
        (folder / "ridge").write_text(str(self.ridge))

    @classmethod
    def load(cls, folder):
        return cls(ridge=float((folder / "ridge").read_text()))


def test_a_model_from_elsewhere_is_loaded_when_it_is_named(tmp_path, monkeypatch):
    address = f"{Mine.__module__}:Mine"
    model = Mine().fit(SCM.graph, TRAIN, seed=0)
    save(model, tmp_path)
    monkeypatch.setattr("scmbench.models.keeping.saving.load_class", {address: Mine}.__getitem__)
    assert same(load(tmp_path, model=address).sample(9, seed=0), model.sample(9, seed=0))
    with pytest.raises(SavedModelError, match="not 'dcm'"):
        load(tmp_path, model="dcm")


def test_a_model_s_own_save_wins(tmp_path, monkeypatch):
    address = f"{Own.__module__}:Own"
    monkeypatch.setattr("scmbench.models.keeping.saving.load_class", {address: Own}.__getitem__)
    again = load(save(Own(ridge=2.5), tmp_path), model=address)
    assert isinstance(again, CausalModel)
    assert again.options() == {"ridge": 2.5}


def test_every_kind_of_value_comes_back():
    shared = torch.arange(3.0)
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    state = {
        "numbers": (1, True, None, 0.1, float("inf"), np.float32(0.5), np.int64(3)),
        "containers": [{1, 2}, frozenset({"a"}), slice(0, 2), {("a", 1): [2]}, torch.Size([2, 3])],
        "tensors": [shared, shared, np.array([1.5]), torch.tensor(True), torch.float64, torch.device("cpu")],
        "graph": nx.DiGraph([("a", "b")]),
        "functions": (torch.nn.functional.silu, nn.ELU, partial(nn.functional.elu, alpha=2.0)),
        "networks": [network, network],
    }
    writer = Writer()
    text = json.dumps(writer.write(state), allow_nan=False)
    again = Reader(writer.tensors).read(json.loads(text))
    assert again["numbers"] == state["numbers"]
    assert again["containers"] == state["containers"]
    assert again["tensors"][0] is again["tensors"][1]
    assert again["tensors"][2].tolist() == [1.5]
    assert again["tensors"][3:] == state["tensors"][3:]
    assert list(again["graph"].edges) == [("a", "b")]
    assert again["functions"][:2] == state["functions"][:2]
    assert again["functions"][2](torch.tensor(-1.0)) == nn.functional.elu(torch.tensor(-1.0), alpha=2.0)
    assert again["networks"][0] is again["networks"][1]
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again["networks"][0].eval()(x), network.eval()(x))
    assert [p.requires_grad for p in again["networks"][0].parameters()] == [True] * 4


def test_functions_without_an_address_and_hooks_are_refused():
    with pytest.raises(Unsupported, match="model is the function"):
        Writer().write(lambda x: x)
    network = nn.Linear(1, 1)
    network.register_forward_hook(print)
    with pytest.raises(Unsupported, match="forward_hooks"):
        Writer().write(network)
