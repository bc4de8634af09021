"""Worlds by file, module and function: found, registered once, and every other text refused in a line."""

from __future__ import annotations

import sys

import pytest
from scmbench.datasets import addresses, get, names, registry
from scmbench.datasets.registry import UnknownDataset

WORLDS = '''
from helpers_beside import HALF
from scmbench.datasets import SCM, register


@register("mine/detour")
def route():
    """A detour."""
    return {"x": lambda u: u, "y": lambda u, x: HALF * x + u}


@register("mine/other/pair")
def other():
    return {"x": lambda u: u, "y": lambda u, x: x - u}


def plain():
    """No decorator."""
    return {"x": lambda u: u, "y": lambda u, x: x + u}


def drawn(seed):
    return {"x": lambda u: u + seed, "y": lambda u, x: x + u}


WHOLE = SCM({"x": lambda u: u, "y": lambda u, x: x * u})


def helper(x, scale):
    return scale * x


NUMBER = 3
'''


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with worlds in a file, in a package and in what is no Python; all is forgotten afterwards."""
    names()
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    for memory in ("_HOMES", "_GIVEN"):
        monkeypatch.setattr(addresses, memory, {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    files = {
        "far/worlds_of_mine.py": WORLDS,
        "far/helpers_beside.py": "HALF = 0.5\n",
        "far/pack_of_mine/__init__.py": "",
        "far/pack_of_mine/ours.py": "from .sub import make\nmake('pack/a')\n",
        "far/pack_of_mine/sub.py": "from scmbench.datasets import register\n\n\ndef make(name):\n"
        "    register(name)(lambda: {'x': lambda u: u, 'y': lambda u, x: x + u})\n",
        "broken_of_mine.py": "1 / 0\n",
        "empty_of_mine.py": "",
        "json.py": "",
        "two.dots.py": "",
        "taken_of_mine.py": WORLDS.replace("mine/detour", "dcm/chain/nlin").replace(
            "from helpers_beside", "HALF = 1\n#"
        ),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0].endswith(("_of_mine", "_beside")):
            del sys.modules[name]


def test_a_file_stands_for_the_worlds_that_it_registers(place):
    assert addresses.resolve("far/worlds_of_mine.py") == ["mine/detour", "mine/other/pair"]
    assert addresses.resolve("worlds_of_mine.py", folder=place / "far") == ["mine/detour", "mine/other/pair"]
    assert addresses.resolve("worlds_of_mine") == ["mine/detour", "mine/other/pair"], "as a module, now on the path"
    assert get("mine/detour").scm().sample(2, {"x": 1.0}, seed=0)["x"].tolist() == [1.0, 1.0]
    assert addresses.home("mine/detour") == str(place / "far/worlds_of_mine.py")


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("detour", "mine/detour"),
        ("mine/other/pair", "mine/other/pair"),
        ("route", "mine/detour"),
        ("plain", "worlds_of_mine/plain"),
        ("drawn", "worlds_of_mine/drawn"),
        ("WHOLE", "worlds_of_mine/WHOLE"),
    ],
)
def test_a_name_after_the_colon_is_one_of_them_or_becomes_one(place, name, full):
    for _ in range(2):
        assert addresses.resolve(f"far/worlds_of_mine.py:{name}") == [full]
    assert set(get(full).scm(seed=1).graph.edges) == {("x", "y")}
    assert get(full).module == "worlds_of_mine"
    home = addresses.home(full)
    del registry._REGISTRY[full]
    sys.modules.pop("worlds_of_mine")
    for other in ("mine/detour", "mine/other/pair"):
        registry._REGISTRY.pop(other, None)
    assert addresses.get(full, home).name == full, "as a new process finds it"


def test_a_module_of_a_package_stands_for_what_it_registers_through_others(place):
    assert addresses.resolve("far/pack_of_mine/ours.py") == ["pack/a"]
    assert addresses.resolve("pack_of_mine.ours") == ["pack/a"]
    assert get("pack/a").module == "pack_of_mine.sub"


def test_names_and_short_forms_come_before_modules(place):
    (place / "triangle.py").write_text("1 / 0")
    assert addresses.resolve("check/sine") == ["check/sine"]
    assert addresses.resolve("chain5/lin") == ["cnf/chain5/lin"]
    with pytest.raises(UnknownDataset, match="ambiguous between the papers"):
        addresses.resolve("triangle")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("none.py", "no file 'none.py' with worlds; looked for "),
        (
            "broken_of_mine.py",
            "broken_of_mine.py: importing 'broken_of_mine' raised ZeroDivisionError: division by zero",
        ),
        ("broken_of_mine", "the worlds of broken_of_mine: importing 'broken_of_mine' raised ZeroDivisionError"),
        ("empty_of_mine.py", "empty_of_mine.py registers no worlds; write @register above each, or .*py:NAME"),
        ("json.py", r"the module name 'json' is that of .*json.__init__.py; rename the file"),
        ("two.dots.py", "a module's name has no dots; rename the file"),
        ("taken_of_mine.py", "'dcm/chain/nlin' is taken twice, by scmbench.datasets.dcm.* and by taken_of_mine"),
        ("far/worlds_of_mine.py:none", r"has no world and no function 'none'; it registers \['mine/detour'"),
        ("far/worlds_of_mine.py:helper", r"it is a function of \['scale', 'x'\]; expected one that returns equations"),
        ("far/worlds_of_mine.py:NUMBER", "it is a int; expected one that returns equations"),
        ("nowhere_of_mine:x", "cannot import 'nowhere_of_mine'"),
        ("nowhere_of_mine", "no dataset fits 'nowhere_of_mine'"),
        ("", "no dataset fits ''"),
        ("os:system", "os.system: it is a builtin_function_or_method"),
    ],
)
def test_whatever_gives_no_world_is_refused_in_a_line(place, text, message):
    with pytest.raises(UnknownDataset, match=message) as refused:
        addresses.resolve(text)
    assert "\n" not in str(refused.value)
