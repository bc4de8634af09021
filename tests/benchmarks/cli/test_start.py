"""The command line answers at once: help, lists and mistakes import nothing heavy; former names still work."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import resources

import click
import pytest
from click.testing import CliRunner
from rich.console import Console
from scmbench import models
from scmbench.benchmarks import questions
from scmbench.benchmarks.cli import lists
from scmbench.benchmarks.cli.app import COMMANDS, TASKS, cli
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.suites import papers, shelf
from scmbench.benchmarks.suites import suite as suites
from scmbench.datasets.registry import FAMILIES, catalogue
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
COMMANDS_OF_GROUPS = [
    ("committed", "update"),
    ("committed", "tolerances"),
    ("data", "list"),
    ("data", "fetch"),
    ("community", "check"),
    ("community", "table"),
]
CALLS = [
    (0, "--help"),
    (0, "--version"),
    (0, "list"),
    (0, "cite"),
    (0, "cite paper"),
    (2, "cite papr"),
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
    assert shelf.titles() == {name: suites.load(name).title for name in shelf.names()}
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


def test_the_first_screen_has_every_command_once_by_task_with_an_example_in_eighty_columns():
    by_task = [name for examples in TASKS.values() for name in examples]
    assert sorted(by_task) == sorted(COMMANDS)
    shown = CliRunner().invoke(cli, ["--help"], terminal_width=80).output
    assert max(map(len, shown.splitlines())) <= 80
    for task, examples in TASKS.items():
        assert f"{task}:" in shown
        assert all(f"$ {example}" in shown for example in examples.values())
    assert "Start here: scmbench run smoke" in shown
    assert "Exit codes: 0 all went well" in shown


@pytest.mark.parametrize("example", [example for examples in TASKS.values() for example in examples.values()])
def test_examples_name_options_that_there_are(example):
    _, name, *words = shlex.split(example.partition(" > ")[0])
    found = cli.get_command(click.Context(cli), name)
    if isinstance(found, click.Group):
        found = found.get_command(click.Context(found), words[0])
    known = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("width", [80, 120])
def test_lists_fit_the_terminal_and_break_no_word(width, monkeypatch):
    monkeypatch.setattr(lists, "console", Console(width=width))
    shown = CliRunner().invoke(cli, ["list"]).output
    assert max(map(len, shown.splitlines())) <= max(width, 80)
    assert "Chao et al., TMLR 2024 (arxiv.org/abs/2302.00860)" in " ".join(shown.split())
    assert "needs a graph" in shown


def test_every_method_says_what_it_needs_and_papers_are_of_what_there_is():
    ours = {*registry.BUILT_IN, *registry.EXTRAS}
    assert {name for name in ours if not papers.needs(name)} == set()
    assert {name for paper in papers.papers() for name in paper.models} <= ours
    known = [*(name for part in catalogue().values() for name in part), *(f"{head}/" for head in FAMILIES)]
    heads = [head for paper in papers.papers() for head in paper.datasets]
    assert [head for head in heads if not any(name.startswith(head) for name in known)] == []
    keys = [paper.key for paper in papers.papers()]
    assert len(keys) == len(set(keys))
    heads = tomllib.loads(resources.files("scmbench.results").joinpath("papers.toml").read_text(encoding="utf-8"))
    assert set(heads) == {"paper", "needs"}  # another head would be read by nobody


def test_cite_prints_each_paper_of_a_suite_once_and_only_these():
    shown = CliRunner().invoke(cli, ["cite", "paper"]).output
    entries = re.findall(r"^@\w+\{(\S+),$", shown, re.M)
    assert entries[0] == "scmbench"
    assert {"chao2024dcm", "sanchezmartin2022vaca", "khemakhem2021carefl", "hoyer2008anm"} <= set(entries)
    assert "ribeiro2023hvae" not in entries
    assert len(entries) == len(set(entries))
    assert shown.count("{") == shown.count("}")
