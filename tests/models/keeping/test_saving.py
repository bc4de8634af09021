"""Saved models: every method answers as before, in a new process too; damaged, foreign and old files are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from bars import IMAGE_FLOORS, IMAGE_METHODS
from scmbench.datasets import registry
from scmbench.datasets.problem import Problem
from scmbench.models import CausalModel, Unsupported
from scmbench.models.contract.options import build
from scmbench.models.contract.registry import BUILT_IN
from scmbench.models.contract.registry import load as load_class
from scmbench.models.keeping.saving import SavedModelError, load, save, saved_like
from scmbench.models.linear import LinearGaussian

SCM = registry.get("dcm/triangle/nadd").scm()
TRAIN, FACTUAL = SCM.sample(200, seed=0), SCM.sample(6, seed=1)

CONFIGURATIONS = [
    ("linear", {"ridge": 1.0}),
    ("robust-linear", {}),
    ("rank", {}),
    ("anm", {}),
    ("anm", {"variant": "corrected", "regressor": "boosting"}),
    ("anm", {"regressor": "linear"}),
    ("anm", {"regressor": "polynomial"}),
    ("anm", {"rule": "modern"}),
    ("anm", {"regressor": "gp", "gp_restarts": 0}),
    ("dcm", {}),
    ("dcm", {"variant": "corrected", "steps": 10}),
    ("dcm", {"inversion": "belm", "steps": 10}),
    ("dcm", {"time": "positional", "guidance": 0.5, "width": (8, 8)}),
    ("bdcm", {"variant": "corrected", "steps": 10}),
    ("dcm-parents", {}),
    ("dcm-parents", {"entry": "attention", "guidance": 0.5}),
    ("dcm-parents", {"entry": "residual", "width": (8, 8)}),
    ("causal-nf", {}),
    ("causal-nf", {"transform": "spline", "hidden": (16, 16)}),
    ("cocycle", {}),
    ("cocycle", {"transform": "affine", "hidden": ()}),
    ("engression", {}),
    ("equally-good", {"candidates": ("additive", "flow"), "members": 2}),
    ("flow-matching", {}),
    ("flow-scm", {}),
    ("flow-scm", {"base": "student-t", "shapes": ("spline",), "roots": "fitted"}),
    ("nsf", {}),
    ("nsf", {"coordinates": "standard", "roots": "fitted", "layers": 1}),
    ("proxy-flow", {}),
    ("proxy-flow", {"transform": "spline", "hidden": (8,)}),
    ("scm-best", {"candidates": ("additive", "diffusion", "spline"), "members": 3}),
    ("tm-scm", {}),
    ("tm-scm", {"kind": "cmsm", "base": "mixture", "roots": "fitted"}),
    ("tram", {}),
    ("tram", {"terms": "ls", "roots": "fitted"}),
    ("dscm", {}),
    ("dscm", {"transform": "affine"}),
    ("vaca", {}),
    ("vaca", {"variant": "corrected"}),
    ("carefl", {}),
    ("carefl", {"variant": "corrected"}),
    ("carefl-affine", {}),
    ("carefl-affine", {"variant": "corrected", "scale": True, "base": False}),
    ("marginal", {}),
    ("identity", {}),
    ("resample", {}),
]


def fitted(name, **options):
    cls = load_class(name)
    graph, train = SCM.graph, TRAIN
    if name == "carefl-affine":  # as many causes as effects
        graph = graph.subgraph(["x1", "x2"]).copy()
        train = {v: TRAIN[v] for v in graph}
    return build(cls, {**cls.conformance_options, **options}).fit(graph, train, seed=0)


def answers(model):
    """Everything that the model can be asked, and what it says it cannot."""
    do = {"x2": FACTUAL["x2"] + 1}
    questions = {
        "sample": lambda: model.sample(9, seed=1),
        "do": lambda: model.sample(9, {"x1": 0.5}, seed=1),
        "counterfactual": lambda: model.counterfactual(FACTUAL, do, seed=1),
        "abduct": lambda: model.abduct(FACTUAL),
        "log_prob": lambda: {"log_prob": model.log_prob(FACTUAL)},
        "predict": lambda: model.predict({"x1": 0.5}),
    }
    found = {"cost": model.cost(), "options": model.options()}
    for question, ask in questions.items():
        try:
            found[question] = {node: x.tolist() for node, x in ask().items()}
        except (Unsupported, AttributeError) as error:
            found[question] = type(error).__name__
    return found


@pytest.fixture(scope="module")
def linear():
    return fitted("linear")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Every configuration, fitted and saved: its folder and its answers."""
    root = tmp_path_factory.mktemp("models")
    found = []
    for i, (name, options) in enumerate(CONFIGURATIONS):
        model = fitted(name, **options)
        found.append((save(model, root / str(i)), answers(model), type(model)))
    return found


@pytest.mark.parametrize("i", range(len(CONFIGURATIONS)), ids=lambda i: f"{CONFIGURATIONS[i][0]}-{i}")
def test_a_saved_model_answers_as_before(i, models):
    folder, before, cls = models[i]
    state = torch.get_rng_state()
    again = load(folder)
    assert torch.equal(torch.get_rng_state(), state)
    assert type(again) is cls
    assert answers(again) == before


def test_a_new_process_answers_alike(models):
    code = "import sys; sys.path[:0] = sys.argv[1:3]; import test_saving as t; from pathlib import Path; import json"
    code += f"; t.torch.set_num_threads({torch.get_num_threads()})"  # another number rounds the last digit otherwise
    code += "; print(json.dumps([t.answers(t.load(Path(f))) for f in sys.argv[3:]]))"
    folders, here = [str(folder) for folder, _, _ in models], Path(__file__).parent
    told = subprocess.run(
        [sys.executable, "-c", code, str(here), str(here.parents[1] / "helpers"), *folders],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(told.stdout) == json.loads(json.dumps([before for _, before, _ in models]))


@pytest.mark.parametrize("name", ["oracle", "posterior", "monotone"])
def test_what_holds_the_world_itself_says_that_it_cannot_be_saved(name, tmp_path):
    model = load_class(name)().fit_problem(Problem("world", 0, SCM.graph, TRAIN, (), scm=SCM), seed=0)
    with pytest.raises(Unsupported, match="a program and no data"):
        save(model, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_persistence_is_saved_too(tmp_path):
    series = SimpleNamespace(kind="predictive", measured=TRAIN)
    model = load_class("persistence")().fit_problem(Problem("series", 0, SCM.graph, TRAIN, [series]), seed=0)
    assert answers(load(save(model, tmp_path))) == answers(model)


def test_every_built_in_method_is_tried_here():
    elsewhere = {"oracle", "posterior", "monotone", "persistence", *IMAGE_METHODS, *IMAGE_FLOORS}
    assert {name for name, _ in CONFIGURATIONS} | elsewhere == set(BUILT_IN)


def test_the_header_tells_method_options_and_versions(linear, tmp_path):
    header = json.loads((save(linear, tmp_path, like=linear.like) / "model.json").read_text())
    assert (header["model"], header["model_version"], header["options"]) == ("linear", 1, {"ridge": 0.0})
    assert header["nodes"] == [[v, "float64", []] for v in ("x1", "x2", "x3")]
    assert header["versions"]["torch"] == version("torch")
    assert {p.name for p in tmp_path.iterdir()} == {"model.json", "model.safetensors"}
    assert {v: x.shape for v, x in saved_like(tmp_path).items()} == {v: (0,) for v in ("x1", "x2", "x3")}


def test_the_build_of_torch_makes_no_difference(linear, tmp_path, monkeypatch):
    """PyPI's CUDA build calls itself ``2.13.0+cu130`` and its distribution ``2.13.0``."""
    monkeypatch.setattr(torch, "__version__", f"{version('torch').partition('+')[0]}+cu130")
    header = json.loads((save(linear, tmp_path) / "model.json").read_text())
    assert header["versions"]["torch"] == version("torch")
    assert answers(load(tmp_path)) == answers(linear)


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
        ({"format": 1}, "written by an older scmbench, in a format that is no longer read: fit again"),
        ({"format": 3}, "not a saved model of format 2"),
        ({"format": True}, "not a saved model of format 2"),
        ({"model_version": 0}, "version 0 of linear, installed is version 1: fit it again"),
        ({"model_version": "1"}, "'model_version' is '1', expected a int"),
        ({"model": "my.own:Model"}, r"no installed package registers.*load\(folder, model='my.own:Model'\)"),
        ({"model": "dcm"}, "checksum differs"),
        ({"options": {"ridge": 2.0}}, "checksum differs"),
        ({"note": "mine"}, "checksum differs"),
    ],
)
def test_a_damaged_or_foreign_header_is_explained(change, complaint, linear, tmp_path):
    path = save(linear, tmp_path) / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(SavedModelError, match=complaint) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_truncated_json_is_explained(linear, tmp_path):
    path = save(linear, tmp_path) / "model.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(SavedModelError, match=r"model\.json cannot be read"):
        load(tmp_path)


class Mine(LinearGaussian):
    """A model from outside the package."""


class Own(Mine):
    """A model with files of its own."""

    def save(self, folder):
        (folder / "ridge").write_text(str(self.ridge))

    @classmethod
    def load(cls, folder):
        return cls(ridge=float((folder / "ridge").read_text()))


class Silent(CausalModel):
    """An outside model that says nothing of its fields."""

    def _fit(self, graph, data, *, seed):
        self.means = {node: x.mean() for node, x in data.items()}

    def _sample(self, n, forced, *, seed):
        return {node: mean.expand(n) for node, mean in self.means.items()}

    def _counterfactual(self, factual, forced, *, seed):
        return factual


class Declared(Silent):
    """One that does, without annotations."""

    saves = ("means",)


class Wrong(Silent):
    """One that declares what is no data."""

    saves = ("means", "rule")

    def _fit(self, graph, data, *, seed):
        super()._fit(graph, data, seed=seed)
        self.rule = max


def known(monkeypatch, *classes):
    found = {f"{cls.__module__}:{cls.__qualname__}": cls for cls in classes}
    monkeypatch.setattr("scmbench.models.keeping.saving.load_class", found.__getitem__)
    return list(found)


@pytest.mark.parametrize("cls", [Mine, Declared])
def test_a_model_from_elsewhere_is_loaded_when_it_is_named(cls, tmp_path, monkeypatch):
    (address,) = known(monkeypatch, cls)
    model = cls().fit(SCM.graph, TRAIN, seed=0)
    save(model, tmp_path)
    assert answers(load(tmp_path, model=address)) == answers(model)
    with pytest.raises(SavedModelError, match="no installed package registers"):
        load(tmp_path)
    with pytest.raises(SavedModelError, match="not 'dcm'"):
        load(tmp_path, model="dcm")


@pytest.mark.parametrize(
    ("cls", "complaint"),
    [
        (Silent, r"Silent does not declare its fields: give it `saves = \(\.\.\.\)`"),
        (Wrong, "rule is a builtins.builtin_function_or_method, which is no data"),
    ],
)
def test_what_is_no_data_or_not_declared_is_named(cls, complaint, tmp_path):
    with pytest.raises(Unsupported, match=complaint):
        save(cls().fit(SCM.graph, TRAIN, seed=0), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_model_that_is_not_fitted_is_not_saved(tmp_path):
    with pytest.raises(Unsupported, match="it is not fitted"):
        save(LinearGaussian(), tmp_path)


def test_a_model_s_own_save_wins_and_its_load_runs_only_when_it_is_named(tmp_path, monkeypatch):
    (address,) = known(monkeypatch, Own)
    again = load(save(Own(ridge=2.5), tmp_path), model=address)
    assert again.options() == {"ridge": 2.5}
    monkeypatch.setattr("scmbench.models.keeping.saving.paths", lambda: {address: address})
    with pytest.raises(SavedModelError, match="by code of its own"):
        load(tmp_path)
    (tmp_path / "own" / "ridge").write_text("much")
    with pytest.raises(SavedModelError, match=r"Own\.load: ValueError: could not convert"):
        load(tmp_path, model=address)
