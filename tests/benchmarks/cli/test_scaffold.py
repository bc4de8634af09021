"""Skeletons work as they are written, outside and inside a checkout; the kit's findings are told on the terminal."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
import scmbench.models
from click.testing import CliRunner
from scmbench import models
from scmbench.benchmarks.cli.app import cli
from scmbench.benchmarks.cli.scaffold import ScaffoldError, write
from scmbench.benchmarks.running import fingerprint
from scmbench.models import conformance


def invoke(*arguments: str):
    return CliRunner().invoke(cli, list(arguments))


@pytest.mark.parametrize(
    "command", [("new-model", "--shape", "mechanism"), ("new-model", "--shape", "joint"), ("new-scm",)]
)
def test_a_skeleton_outside_passes_its_own_tests(tmp_path, command):
    done = invoke(*command, "my-own", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    passed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path / "my-own", capture_output=True, text=True
    )
    assert passed.returncode == 0, passed.stdout + passed.stderr
    text = "".join(path.read_text() for path in (tmp_path / "my-own").glob("*.*") if path.is_file())
    assert not any(word in text for word in ("my-method", "my_method", "MyMethod", "my-worlds", "my_worlds"))


@pytest.mark.parametrize("shape", ["mechanism", "joint"])
def test_a_skeleton_inside_a_checkout_is_a_module_of_it(tmp_path, monkeypatch, shape):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "scmbench"\n')
    done = invoke("new-model", "deep-vine", "--shape", shape, "--out", str(tmp_path))
    assert '"deep-vine": "scmbench.models.deep_vine:DeepVine",' in done.output
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.py")) == [
        "models/deep_vine.py",
        "tests/models/test_deep_vine.py",
    ]
    assert "from scmbench.models.deep_vine import DeepVine" in (tmp_path / "tests/models/test_deep_vine.py").read_text()
    monkeypatch.setattr(scmbench.models, "__path__", [*scmbench.models.__path__, str(tmp_path / "models")])
    importlib.invalidate_caches()
    try:
        cls = models.load("scmbench.models.deep_vine:DeepVine")
        conformance.require(cls)
        assert fingerprint.of_model(cls) == "", "part of scmbench: its version integer says what it is"
    finally:
        sys.modules.pop("scmbench.models.deep_vine", None)


def test_a_world_inside_a_checkout_says_how_it_is_listed(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "scmbench"\n')
    done = invoke("new-scm", "lake", "--out", str(tmp_path))
    assert "python tests/datasets/test_catalogue.py" in done.output
    assert "from scmbench.datasets import lake  # noqa" in (tmp_path / "tests/datasets/test_lake.py").read_text()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My Model", "cannot name a package"),
        ("../up", "cannot name a package"),
        ("class", "cannot name a package"),
        ("torch", "a module 'torch' already"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(tmp_path, name, message):
    with pytest.raises(ScaffoldError, match=message):
        write("mechanism", name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    write("joint", "my-own", tmp_path)
    kept = tmp_path / "my-own" / "my_own.py"
    kept.write_text("mine")
    done = invoke("new-model", "my-own", "--out", str(tmp_path))
    assert done.exit_code == 1
    assert "exist already" in done.output
    assert kept.read_text() == "mine"


FAULTY = """
from scmbench.models.linear import LinearGaussian

class Faulty(LinearGaussian):
    def __init__(self, shift: float = 0.5):
        super().__init__()
        self.shift = shift

    def counterfactual(self, factual, do, *, seed):
        answer = super().counterfactual(factual, do, seed=seed)
        return {node: x + self.shift if x.is_floating_point() else x for node, x in answer.items()}
"""


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    (tmp_path / "faulty_of_mine.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    yield "faulty_of_mine:Faulty"
    sys.modules.pop("faulty_of_mine", None)


def test_a_broken_property_is_told_with_its_numbers_and_its_reason(faulty):
    done = invoke("check-model", faulty)
    assert done.exit_code == 1
    told = " ".join(done.output.split())
    assert "✗ do is exact" in told
    assert "'m' is 0.8 in row 0 instead of 0.3" in told
    assert "Why it matters: An intervention *sets* a node" in told
    assert "✓ fit is repeatable" in told


def test_options_reach_the_model_that_is_checked(faulty):
    done = invoke("check-model", faulty, "--option", "shift=0")
    assert done.exit_code == 0, done.output
    assert "0 failed" not in done.output
    assert invoke("check-model", faulty, "--option", "shft=0").exit_code == 1
    assert "no option ['shft']" in invoke("check-model", faulty, "--option", "shft=0").output
    assert "not option=value" in invoke("check-model", faulty, "--option", "shift").output


def test_the_properties_can_be_read_without_a_model():
    told = " ".join(invoke("check-model", "--properties").output.split())
    assert all(name in told and " ".join(each.reason.split()) in told for name, each in conformance.PROPERTIES.items())
