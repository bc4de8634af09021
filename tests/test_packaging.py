"""What an installed copy consists of: every package, and the files that it reads."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("datasets", "models", "metrics", "benchmarks", "results")
NOT_INSTALLED = ("benchmarks/speed", "results/runs")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> set[str]:
    """Names of the files in a wheel, built from a copy of the sources so that nothing is left in the checkout."""
    copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "runs", "*.pyc")
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=ignored)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    done = subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def source_files(*patterns: str) -> set[str]:
    found = {p.relative_to(ROOT).as_posix() for room in ROOMS for s in patterns for p in (ROOT / room).rglob(s)}
    return {file for file in found if not file.startswith(NOT_INSTALLED)}


def test_every_package_is_listed(project):
    folders = {file.removesuffix("/__init__.py") for file in source_files("__init__.py")}
    expected = {"scmbench." + folder.replace("/", ".") for folder in folders}
    listed = project["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(expected), "pyproject.toml, [tool.setuptools] packages"


def test_every_module_lies_in_a_package():
    modules = {Path(file) for file in source_files("*.py")}
    assert [
        str(m) for m in modules if "templates" not in m.parts and not (ROOT / m.parent / "__init__.py").exists()
    ] == []


def test_a_wheel_has_every_module_suite_published_number_and_template(wheel):
    wanted = source_files("*.py") | source_files(
        "*.pyi", "*.j2", "*.css", "script/*.js", "catalogue.toml", "suites/*.toml", "published/*.*", "templates/**/*.*"
    )
    assert len([name for name in wanted if name.endswith((".toml", ".csv"))]) >= 4
    assert sorted(wanted - {name.removeprefix("scmbench/") for name in wheel}) == []


def test_a_wheel_shadows_nobody_and_ships_no_tests(wheel):
    tops = {name.split("/")[0] for name in wheel if ".dist-info/" not in name}
    assert tops == {"scmbench"}
    assert not [name for name in wheel if "/tests/" in name or "/runs/" in name]


def test_constraints_pin_every_requirement(project):
    def name(line: str) -> str:
        for end in "<>=!~[; ":
            line = line.partition(end)[0]
        return line.strip().lower().replace("_", "-")

    pinned = {name(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    extras = project["project"]["optional-dependencies"]
    needed = {name(line) for line in [*project["project"]["dependencies"], *extras["dev"], *extras["docs"]]}
    assert sorted(needed - pinned) == []
