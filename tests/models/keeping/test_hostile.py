"""Saved folders that were tampered with: whoever wrote them, loading runs nothing and ends in a model or one line."""

from __future__ import annotations

import contextlib
import copy
import json
import sys

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors
from scmbench.datasets import registry
from scmbench.datasets.values import ValuesError
from scmbench.models import Unsupported
from scmbench.models.contract.options import build
from scmbench.models.contract.registry import load as load_class
from scmbench.models.keeping.saving import HEADER, TENSORS, SavedModelError, digest, load, save, saved_like

SCM = registry.get("dcm/triangle/nadd").scm()
TRAIN, FACTUAL = SCM.sample(60, seed=0), SCM.sample(4, seed=1)
METHODS = {"linear": {}, "anm": {"regressor": "boosting"}, "dcm": {"steps": 3}, "causal-nf": {"epochs": 1}, "vaca": {}}

SENTINEL = "hostile_sentinel"
PAYLOAD = (
    f"import sys\nsys.modules[__name__].ran = True\nsys.{SENTINEL} = True\ndef load(*args, **kwargs): return load\n"
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Every method, fitted and saved: its folder, header, tensors and an answer."""
    root = tmp_path_factory.mktemp("saved")
    found = {}
    for name, options in METHODS.items():
        cls = load_class(name)
        model = build(cls, {**cls.conformance_options, **options}).fit(SCM.graph, TRAIN, seed=0)
        folder = save(model, root / name, like={v: x[:0] for v, x in TRAIN.items()})
        found[name] = json.loads((folder / HEADER).read_text()), (folder / TENSORS).read_bytes(), answer(model)
    return found


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """The folder of an attack, with a module beside it that tells when it is imported."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / f"{SENTINEL}.py").write_text(PAYLOAD)
    return folder


def answer(model):
    return [
        {node: x.tolist() for node, x in values.items()}
        for values in (model.sample(4, seed=0), model.counterfactual(FACTUAL, {"x2": 0.5}, seed=0))
    ]


def written(folder, header, tensors, *, signed):
    """The files; `signed` with the checksum of what they hold, as an attacker writes it."""
    if signed and isinstance(header, dict):
        header["sha256"] = digest(header, tensors)
    (folder / TENSORS).write_bytes(tensors)
    (folder / HEADER).write_text(json.dumps(header))
    return folder


def one_line(error):
    assert "\n" not in str(error)


def harmless(folder, monkeypatch):
    """The loaded model or its one-line refusal, with the folder as working directory and nothing foreign imported."""
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        modules = set(sys.modules)
        try:
            return load(folder)
        except SavedModelError as error:
            return one_line(error)
        finally:
            assert not hasattr(sys, SENTINEL)
            assert SENTINEL not in set(sys.modules) - modules


ADDRESS = {"$name": f"{SENTINEL}:load"}
ATTACKS = [
    {"sample": ADDRESS},
    {"forward": {"$name": "scmbench.models.registry:load"}},
    {"_forward_pre_hooks": {"$dict": [[0, ADDRESS]]}},
    {"__class__": ADDRESS},
    {"__dict__": {}},
    {"mechanisms": ADDRESS},
    {"mechanisms": {"x1": {"$object": f"{SENTINEL}:load", "attributes": {}}}},
    {"graph": {"$partial": [{"$name": "scmbench.models.contract.registry:load"}, [f"{SENTINEL}:load"], {}]}},
    {"graph": {"$partial": ["os:system", ["true"], {}]}},
    {"like": {"x1": {"__reduce__": ["os", "system"]}}},
]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_a_linear_model_that_names_code_runs_nothing(attack, saved, beside, monkeypatch):
    header, tensors, _ = copy.deepcopy(saved["linear"])
    header["fields"] |= attack
    assert harmless(written(beside, header, tensors, signed=True), monkeypatch) is None


def test_a_mechanism_cannot_shadow_a_method(saved, beside, monkeypatch):
    header, tensors, _ = copy.deepcopy(saved["linear"])
    for name in ("encode", "forward", "_forward_pre_hooks", "__class__"):
        fields = copy.deepcopy(header)
        fields["fields"]["mechanisms"]["x2"][name] = ADDRESS
        assert harmless(written(beside, fields, tensors, signed=True), monkeypatch) is None


@pytest.mark.parametrize("name", [SENTINEL, f"{SENTINEL}:load", "scmbench.models.registry:load", "os:system", ""])
def test_the_model_s_name_imports_nothing_that_no_package_registers(name, saved, beside, monkeypatch):
    header, tensors, _ = copy.deepcopy(saved["linear"])
    header["model"] = name
    assert harmless(written(beside, header, tensors, signed=True), monkeypatch) is None


def test_options_are_checked_by_type_and_by_the_constructor(saved, beside, monkeypatch):
    for option in (-1.0, "much", None, [1.0], {"$name": "os:system"}, True):
        header, tensors, _ = copy.deepcopy(saved["linear"])
        header["options"] = {"ridge": option}
        assert harmless(written(beside, header, tensors, signed=True), monkeypatch) is None


def test_trees_that_lead_in_circles_are_refused(saved, beside, monkeypatch):
    header, tensors, _ = copy.deepcopy(saved["anm"])
    left = header["fields"]["mechanisms"]["x3"]["regressions"][0]["left"]["$array"][0]
    columns = read_tensors(tensors)
    for wrong in (0, -1, 10**9):
        changed = columns | {left: torch.full_like(columns[left], wrong)}
        assert (
            harmless(written(beside, copy.deepcopy(header), write_tensors(changed), signed=True), monkeypatch) is None
        )


WORDS = st.sampled_from([f"{SENTINEL}:load", "$name", "$tensor", "x1", "mechanisms", "linear", "", "é", "sample"])
LEAVES = st.none() | st.booleans() | st.integers(-3, 10**6) | st.floats() | WORDS
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=5
)


def places(x, path=()):
    """Every place in a JSON value."""
    yield path
    items = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def edited(draw, header):
    """The header with one place replaced, removed, renamed or doubled."""
    header = copy.deepcopy(header)
    path = draw.draw(st.sampled_from([p for p in places(header) if p]))
    holder = header
    for key in path[:-1]:
        holder = holder[key]
    how = draw.draw(st.sampled_from(["replace", "remove", "add", "move"]))
    if how == "replace":
        holder[path[-1]] = draw.draw(JSON)
    elif how == "remove":
        del holder[path[-1]]
    elif isinstance(holder, dict):
        holder[draw.draw(WORDS)] = holder.pop(path[-1]) if how == "move" else draw.draw(JSON)
    else:
        holder.insert(path[-1], draw.draw(JSON) if how == "add" else copy.deepcopy(holder[path[-1]]))
    return header


FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(draw=st.data(), name=st.sampled_from(sorted(METHODS)), signed=st.booleans())
def test_edited_json_is_refused_or_a_model_that_answers(draw, name, signed, saved, beside, monkeypatch):
    header, tensors, before = saved[name]
    folder = written(beside, edited(draw, header), tensors, signed=signed)
    model = harmless(folder, monkeypatch)
    if model is not None and not signed:
        assert answer(model) == before
    elif model is not None:  # another model than the saved one, rightly signed: it may not crash
        with contextlib.suppress(Unsupported, ValuesError, ArithmeticError):
            answer(model)
    try:
        saved_like(folder)
    except SavedModelError as error:
        one_line(error)


@FUZZ
@given(draw=st.data(), name=st.sampled_from(sorted(METHODS)))
def test_edited_bytes_are_refused_or_an_equal_model(draw, name, saved, beside, monkeypatch):
    header, tensors, before = saved[name]
    files = {HEADER: json.dumps(header).encode(), TENSORS: tensors}
    file = draw.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[file])
    at = draw.draw(st.integers(0, len(content) - 1))
    content[at : at + draw.draw(st.integers(0, 3))] = draw.draw(st.binary(max_size=3))
    for name, unchanged in files.items():
        (beside / name).write_bytes(bytes(content) if name == file else unchanged)
    model = harmless(beside, monkeypatch)
    assert model is None or answer(model) == before


@FUZZ
@given(draw=st.data(), name=st.sampled_from(sorted(METHODS)))
def test_edited_tensors_under_a_right_checksum_do_not_crash(draw, name, saved, beside, monkeypatch):
    header, tensors, _ = saved[name]
    columns = read_tensors(tensors)
    which = draw.draw(st.sampled_from(sorted(columns)))
    change = draw.draw(
        st.sampled_from(
            [
                lambda x: x[:-1] if x.ndim else x,
                lambda x: x.unsqueeze(0),
                lambda x: x.int(),
                lambda x: x.bool(),
                lambda x: torch.full_like(x, -7),
                lambda x: torch.cat([x, x]) if x.ndim else x,
                lambda x: x.double() * float("nan"),
            ]
        )
    )
    changed = columns | {which: change(columns[which]).contiguous()}
    model = harmless(written(beside, copy.deepcopy(header), write_tensors(changed), signed=True), monkeypatch)
    if model is not None:
        with contextlib.suppress(Unsupported, ValuesError, ArithmeticError):
            answer(model)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "7", '"x"', "{}", "[" * 100_000, '{"format": 2, "format": 2}', "NaN"]
)
def test_what_is_no_header_is_one_line(text, saved, beside, monkeypatch):
    (beside / TENSORS).write_bytes(saved["linear"][1])
    (beside / HEADER).write_text(text)
    assert harmless(beside, monkeypatch) is None
