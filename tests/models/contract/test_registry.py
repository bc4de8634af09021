"""Models by name, by entry point, by address; options by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
from scmbench.models import build, load
from scmbench.models.anm import ANM
from scmbench.models.contract import registry
from scmbench.models.contract.base import CausalModel
from scmbench.models.contract.registry import BUILT_IN, UnknownModel
from scmbench.models.linear import LinearGaussian


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_name_leads_to_a_model(name):
    cls = load(name)
    assert issubclass(cls, CausalModel)
    assert cls.__doc__
    if cls.variants:
        assert cls().options()["variant"] == cls.variants[0]


def test_addresses_and_names_lead_to_the_same_class():
    assert load("scmbench.models.anm:ANM") is load("anm") is ANM


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("amn", "no model 'amn'; there are .*'anm'.*or write package.module:Class"),
        ("no.such.module:Model", "cannot import 'no.such.module'"),
        ("scmbench.models.anm:NoSuch", "module 'scmbench.models.anm' has no 'NoSuch'"),
        ("scmbench.models.anm:FOLDS", "not a subclass of scmbench.models.CausalModel"),
        ("collections:OrderedDict", "not a subclass of scmbench.models.CausalModel"),
    ],
)
def test_what_is_not_a_model_is_told(name, message):
    with pytest.raises(UnknownModel, match=message):
        load(name)


def test_a_model_in_the_working_directory_is_found(tmp_path, monkeypatch):
    (tmp_path / "mine_here.py").write_text(
        "from scmbench.models.linear import LinearGaussian\nclass Mine(LinearGaussian): pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [p for p in __import__("sys").path if p])
    assert issubclass(load("mine_here:Mine"), LinearGaussian)


def test_errors_inside_an_outside_module_are_not_mistaken_for_a_missing_class(tmp_path, monkeypatch):
    (tmp_path / "mine_broken.py").write_text("import math\nmath.no_such_function\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [p for p in __import__("sys").path if p])
    with pytest.raises(UnknownModel, match=r"importing 'mine_broken' raised AttributeError: .*no_such_function"):
        load("mine_broken:Mine")


def plug(monkeypatch, **named):
    points = [EntryPoint(name, path, registry.GROUP) for name, path in named.items()]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)


def test_entry_points_are_names_too(monkeypatch):
    plug(monkeypatch, straight="scmbench.models.linear:LinearGaussian")
    assert load("straight") is LinearGaussian
    assert registry.paths()["straight"] == "scmbench.models.linear:LinearGaussian"


def test_a_name_claimed_twice_is_refused(monkeypatch):
    plug(monkeypatch, anm="other.package:ANM")
    with pytest.raises(
        UnknownModel, match=r"'anm' is taken twice: scmbench\.models\.anm:ANM by scmbench; other.package:ANM"
    ):
        load("anm")


def test_options_go_by_name():
    assert build(LinearGaussian, {"ridge": 2.0}).options() == {"ridge": 2.0}
    with pytest.raises(ValueError, match=r"LinearGaussian has no option \['rigde'\]; it has \['ridge'\]"):
        build(LinearGaussian, {"rigde": 2.0})


def test_query_options_alone_may_change_after_the_fit():
    with pytest.raises(ValueError, match=r"LinearGaussian: \['ridge'\] act in fit, not at query time"):
        LinearGaussian().with_query_options(ridge=1.0)
