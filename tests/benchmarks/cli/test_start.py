"""The command line answers at once: help, lists and mistakes import nothing heavy; former names still work."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from scmbench import models
from scmbench.benchmarks import questions
from scmbench.benchmarks.cli.app import COMMANDS, cli
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.suites import suite as suites
from scmbench.models.contract import registry

HEAVY = {
    *("torch", "pyro", "zuko", "numpy", "scipy", "pandas", "sklearn", "numba", "networkx"),
    *("matplotlib", "seaborn", "jinja2", "pooch", "requests", "pebble", "psutil", "asyncio"),
}
WATCHED = f"""
import contextlib, io, json, sys
from scmbench.benchmarks.cli.app import main
told = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["scmbench", *words.split()]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            main()
        except SystemExit as error:
            code = error.code or 0
    told.append([words, code, sorted({HEAVY!r} & set(sys.modules))])
print(json.dumps(told))
"""
COMMANDS_OF_GROUPS = [("committed", "update"), ("committed", "tolerances"), ("data", "list"), ("data", "fetch")]
CALLS = [
    (0, "--help"),
    (0, "--version"),
    (0, "list"),
    *((0, f"list {what}") for what in ("suites", "datasets", "models", "protocols")),
    *((0, f"{name} --help") for name in COMMANDS),
    *((0, f"{' '.join(words)} --help") for words in COMMANDS_OF_GROUPS),
    (2, ""),
    (2, "rnu"),
    (2, "run --sedes 3"),
    (2, "run paper --seeds three"),
    (2, "run papr"),
    (2, "list modles"),
    (2, "committed updaet"),
    (2, "fit table.csv"),
    (2, "baseline update paper"),
]


def python(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_computes_nothing_imports_nothing_heavy():
    """One process for all calls: what one of them imported would be seen in all that follow."""
    told = json.loads(python(WATCHED, json.dumps([words for _, words in CALLS])))
    assert told == [[words, code, []] for code, words in CALLS]


def test_the_watch_sees_what_is_imported():
    told = json.loads(python(WATCHED, json.dumps(["check-model --properties"])))
    assert told[0][:2] == ["check-model --properties", 0]
    assert "torch" in told[0][2]


@pytest.mark.parametrize("package", ["datasets", "models", "metrics", "benchmarks"])
def test_a_package_offers_its_names_and_imports_none_until_asked(package):
    code = f"""
import sys
import scmbench.{package} as package
assert "torch" not in sys.modules and package.__all__ and set(package.__all__) <= set(dir(package))
for name in package.__all__:
    getattr(package, name)
assert not hasattr(package, "nonsense")
"""
    python(code)


@pytest.mark.parametrize("name", [*registry.BUILT_IN, *registry.EXTRAS])
def test_the_list_of_models_says_what_they_say_of_themselves(name):
    if name in registry.EXTRAS:
        pytest.importorskip(name)
    assert registry.summaries()[name] == (models.load(name).__doc__ or "").partition("\n")[0]


def test_lists_are_complete():
    assert registry.summaries().keys() == registry.paths().keys()
    assert suites.titles() == {name: suites.load(name).title for name in suites.names()}
    assert sorted(questions.PROTOCOLS) == protocols.names()


def test_every_command_is_where_the_list_says():
    context = click.Context(cli)
    for name in COMMANDS:
        found = cli.get_command(context, name)
        assert found is not None
        assert found.name == name


def test_a_misspelt_command_gets_a_near_one():
    done = CliRunner().invoke(cli, ["rnu"])
    assert (done.exit_code, done.output.splitlines()[-1]) == (2, "Error: No such command 'rnu'. Did you mean run?")


def test_the_former_command_says_where_it_went_in_one_line():
    for words in (["baseline"], ["baseline", "update", "paper", "--reason", "a b"], ["baseline", "--help"]):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 2
        assert len(done.output.splitlines()) == 1
        assert "scmbench committed" in done.output
    assert "baseline" not in CliRunner().invoke(cli, ["--help"]).output.split("Commands:")[1].split()


DRY = ["run", "paper", "--scms", "chain", "--seeds", "2", "--dry-run", "--store", "no-such-folder"]


def test_only_restricts_and_add_model_adds_and_former_names_do_the_same_with_a_note():
    new = CliRunner().invoke(cli, [*DRY, "--only", "anm", "--add-model", "linear"])
    old = CliRunner().invoke(cli, [*DRY, "--models", "anm", "--model", "linear"])
    assert new.exit_code == old.exit_code == 0
    assert new.stdout == old.stdout
    assert new.stdout.count("8 records wanted") == 1
    assert new.stderr == ""
    assert "--models is called --only now" in old.stderr
    assert "--model is called --add-model now" in old.stderr
    shown = CliRunner().invoke(cli, ["run", "--help"]).output
    assert "--only" in shown
    assert "--models" not in shown


@pytest.mark.parametrize("option", ["--only", "--scms"])
def test_a_choice_of_nothing_is_refused(option):
    done = CliRunner().invoke(cli, [*DRY, option, ","])
    assert done.exit_code == 2
    assert "',' names nothing" in done.output
