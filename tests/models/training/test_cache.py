"""Compiled loops repeat what their sources say: an edit anywhere in these is seen, and old machine code goes away."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scmbench.models.training import cache

MODELS = Path(cache.__file__).parents[1]
IMPORT = re.compile(r"^from \.+(training\.)?kernels import", re.MULTILINE)
CALLERS = sorted(path for path in MODELS.rglob("*.py") if IMPORT.search(path.read_text(encoding="utf-8")))

KERNELS = """
from .cache import keep
from numba import njit

inlined = njit(forceinline=True)
compiled = lambda function: keep(njit(function))

@inlined
def shared(x):
    return x + 1
"""
CALLER = """
from ..training.kernels import compiled, shared
from .constants import TWO

@compiled
def loop(x):
    return TWO * shared(x)
"""
PROGRAM = "from house.method.loop import loop; print(loop(1), loop.stats.cache_hits.total())"


@pytest.fixture
def house(tmp_path):
    """A small package built like `models`: the real cache beside a kernel, and a method that calls it."""
    files = {"training/kernels.py": KERNELS, "method/loop.py": CALLER, "method/constants.py": "TWO = 2\n"}
    for name, text in files.items():
        path = tmp_path / "house" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").touch()
    shutil.copy(cache.__file__, tmp_path / "house/training")
    return tmp_path


def run(house: Path, program: str = PROGRAM, **environment: str) -> str:
    """What a process of its own prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=house,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip() + done.stderr.strip()


def edit(path: Path, old: str, new: str) -> None:
    """Change a file and nothing about it that a clock or a ruler would show."""
    stat, text = path.stat(), path.read_text()
    assert text.count(old) == 1
    assert len(old) == len(new)
    path.write_text(text.replace(old, new))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    for compiled in path.parent.glob("__pycache__/*.pyc"):  # Python itself looks at size and time only
        compiled.unlink()


def test_an_edit_of_a_kernel_a_constant_or_the_caller_is_seen(house):
    assert run(house) == "4 0"
    edit(house / "house/training/kernels.py", "x + 1", "x + 4")
    assert run(house) == "10 0"
    edit(house / "house/method/constants.py", "TWO = 2", "TWO = 3")
    assert run(house) == "15 0"
    edit(house / "house/method/loop.py", "TWO * shared(x)", "TWO - shared(x)")
    assert run(house) == "-2 0"
    edit(house / "house/method/loop.py", "TWO - shared(x)", "TWO * shared(x)")
    assert run(house) == "15 1"  # found again
    assert len(list((house / "house/method/__pycache__").glob("scmbench-*"))) == 4


def test_folders_of_old_sources_are_removed(house):
    edit(house / "house/training/cache.py", f"EARLIER = {cache.EARLIER}", "EARLIER = 1")
    for value in (3, 4, 5):
        edit(house / "house/method/constants.py", f"TWO = {value - 1}", f"TWO = {value}")
        assert run(house) == f"{2 * value} 0"
    assert len(list((house / "house/method/__pycache__").glob("scmbench-*"))) == 2
    assert run(house) == "10 1"


def blocked(house: Path) -> None:
    """Make writing below the sources fail for any user, root too: a file stands where the folder would be."""
    for folder in (house / "house/method", house / "house/training"):
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        (folder / "__pycache__").touch()


@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_where_sources_cannot_be_written_another_folder_serves(house, variable, tmp_path):
    """The user's choice, or numba's own folder for the user; an edit is seen in either."""
    blocked(house)
    home = tmp_path / "home"
    environment = {"HOME": str(home), variable: str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    assert run(house, **environment) == "4 0"
    edit(house / "house/training/kernels.py", "x + 1", "x + 4")
    assert run(house, **environment) == "10 0"
    assert run(house, **environment) == "10 1"
    assert len(list(home.rglob("scmbench-*"))) == 2


def test_where_nothing_can_be_written_training_goes_on_with_a_warning(house, tmp_path):
    blocked(house)
    (tmp_path / "home").touch()
    home = str(tmp_path / "home")
    printed = run(house, HOME=home, XDG_CACHE_HOME=home, PYTHONDONTWRITEBYTECODE="1")
    assert printed.startswith("4 0")
    assert "set NUMBA_CACHE_DIR" in printed


def test_without_compilation_loops_are_python(house):
    program = "from house.method.loop import loop; print(loop(1))"
    assert run(house, program, NUMBA_DISABLE_JIT="1") == "4"


@pytest.mark.parametrize("path", CALLERS, ids=lambda path: path.relative_to(MODELS).as_posix())
def test_compiled_code_takes_from_its_own_folder_and_the_toolkit_only(path):
    """What a digest covers: with a kernel or a constant from elsewhere, an edit there would go unseen."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module, toolkit = node.module or "", path.parent.name == "training"
            inside = node.level == 1 or (node.level == 2 and module.startswith("training."))
            # The seeds' streams are drawn in Python, outside of compiled functions.
            allowed = not module.startswith("scmbench") or (toolkit and module == "scmbench.datasets.seeds")
            assert inside if node.level else allowed, f"{path}: from {'.' * node.level}{module}"


def test_there_are_callers():
    assert {path.parent.name for path in CALLERS} >= {"training", "carefl", "vaca"}


@pytest.mark.slow
def test_training_from_an_edited_copy_of_the_package_is_another_one(tmp_path):
    """The real thing: CAREFL trained from a copy of the package in which Adam takes steps half as large."""
    for room in ("datasets", "models"):
        shutil.copytree(
            MODELS.parent / room, tmp_path / "scmbench" / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    program = """
import os, sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in f"{finder!r}".lower()]
import torch, scmbench.models.carefl.training as training
from scmbench.models.training.recipe import Recipe
assert training.__file__.startswith(os.getcwd()), training.__file__
x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
flow = training.train(x, Recipe(2, 100, 1e-2, 0, 1), layers=1, doubled=False, prior="normal", seed=0)
print(float(flow.first.abs().sum()))
"""
    first, again = (run(tmp_path, program) for _ in range(2))
    assert first == again
    edit(tmp_path / "scmbench/models/training/kernels.py", "parameters[i] -= rate * m", "parameters[i] -= +0.5 * m")
    assert run(tmp_path, program) != first
