"""Which code made a record: what counts, what it reaches, and what is said when it is another one now."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import replace
from functools import partial

import pytest
from rich.console import Console
from scmbench import datasets, models
from scmbench.benchmarks.records import staleness
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.reporting.render import markdown
from scmbench.benchmarks.reporting.report import Report
from scmbench.benchmarks.running import code, engine, imports
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import collect, compute
from scmbench.benchmarks.suites.suite import parse
from scmbench.models.contract import registry

SNIPPET = '''
"""What it is."""
import math

LIMIT = 3  # of all
"""Said below."""


class Tidy:
    """A class."""

    def of(self, x, *, half=0.5):
        """A method."""
        return [f"{x!r:>3} is {y}" for y in (1, 2.0, None, ...) if x is not None] or math.inf
'''

SUITE = """protocol = "paper"
seeds = 2
datasets = ["check/sine", "cnf/fork/lin"]
[[models]]
name = "linear"
[[models]]
name = "marginal"
"""


def canonical(text):
    return code.canonical(ast.parse(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# of all", "# of some"),
        ('"""What it is."""', ""),
        ('"""A method."""', "'''Another\n        text.'''"),
        ('"""Said below."""', ""),
        ("LIMIT = 3", "LIMIT = (\n    3\n)"),
        ("(1, 2.0, None, ...)", "(1, 2.00, None, ..., )"),
        ("half=0.5):", "half=5e-1,\n    ):"),
    ],
)
def test_docstrings_comments_and_formatting_do_not_count(old, new):
    assert old in SNIPPET
    assert canonical(SNIPPET.replace(old, new)) == canonical(SNIPPET)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("LIMIT = 3", "LIMIT = '3'"),
        ("half=0.5", "half=0.25"),
        ("*, half", "half"),
        ("2.0, None", "2.0, True"),
        ("is not None", "is None"),
        ("!r:>3", "!s:>3"),
        (":>3", ":>4"),
        (" or math", " and math"),
        ("import math", "import cmath as math"),
        ("class Tidy:", "class Tidy(dict):"),
    ],
)
def test_everything_else_counts(old, new):
    assert old in SNIPPET
    assert canonical(SNIPPET.replace(old, new)) != canonical(SNIPPET)


def test_the_text_of_a_tree_is_the_same_in_all_versions_of_python():
    assert hashlib.sha256(canonical(SNIPPET).encode()).hexdigest()[:12] == "50d5dc0e4f32"


def test_what_decides_a_methods_numbers_is_reached_and_what_does_not_is_not():
    reached = imports.reached(frozenset(["scmbench.models.dcm.model"]))
    named = {name.removeprefix("scmbench.") for name in reached}
    assert named >= {"models.dcm.sampler", "models.training.kernels", "models.contract.nodewise", "datasets.seeds"}
    assert not [name for name in named if name.startswith(("models.anm", "models.conformance", "models.keeping"))]
    reached = imports.reached(frozenset([code.QUESTIONS]))  # a package whose names come from a stub: by attribute
    assert {"scmbench.metrics.mmd", "scmbench.metrics.energy", "scmbench.benchmarks.questions.causal"} <= reached
    assert "scmbench.metrics.dependence" not in reached


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_every_built_in_method_reaches_its_own_files_and_those_of_no_other(name):
    module = registry.BUILT_IN[name].partition(":")[0].split(".")[2]
    bases = frozenset(cls.__module__ for cls in models.load(name).__mro__)
    own = {m.split(".")[2] for m in imports.reached(bases) if m.startswith("scmbench.models.")}
    assert own - {"contract", "images", "training", "keeping"} == {module}


def test_a_method_made_of_others_is_told_by_their_files_too(monkeypatch):
    best, world = models.load("scm-best"), datasets.get("check/sine")
    now = code.of(best, world)
    monkeypatch.setattr(best, "made_of", ())
    assert code.of(best, world) != now
    assert code.of(best, world).partition(", ")[2] == now.partition(", ")[2]  # world and questions are the same


def test_statements_that_never_run_and_names_of_others_are_not_followed():
    text = """
from typing import TYPE_CHECKING
import scmbench.metrics as scores
if TYPE_CHECKING:
    from scmbench.models.anm import ANM
else:
    from scmbench.datasets.seeds import derive
def f():
    from scmbench.models import NodewiseModel, of_no_stub
    import numpy
    return scores.mmd_paper
"""
    assert set(imports.named(ast.parse(text), "mine.module")) == {
        *("scmbench.metrics", "scmbench.metrics.mmd", "scmbench.datasets.seeds"),
        *("scmbench.models", "scmbench.models.contract.nodewise"),
    }
    relative = ast.parse("from . import seeds\nfrom .scm import SCM\nfrom ..metrics import mmd")
    assert set(imports.named(relative, "scmbench.datasets.fmri")) == {
        f"scmbench.{name}" for name in ("datasets.seeds", "datasets.scm", "metrics.mmd")
    }


def test_an_outside_model_is_told_by_its_own_files_and_by_what_they_import(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "outside_code.py").write_text("from scmbench.models.linear import LinearGaussian as Mine\n")
    (tmp_path / "outside_pack").mkdir()
    (tmp_path / "outside_pack" / "__init__.py").write_text("")
    helper, model = tmp_path / "outside_pack" / "helper.py", tmp_path / "outside_pack" / "model.py"
    helper.write_text("HALF = 0.5\n")
    model.write_text("from scmbench.models.linear import LinearGaussian\nclass Mine(LinearGaussian): pass\n")
    world, cls = datasets.get("check/sine"), models.load("outside_pack.model:Mine")
    first = fresh(cls, world)
    helper.write_text("# a remark\nHALF = .5\n")
    assert fresh(cls, world) == first
    helper.write_text("HALF = 0.4\n")
    assert staleness.differing(first, fresh(cls, world)) == "method"


def fresh(cls, world):
    """The digest as a new process would find it."""
    for cached in (code._of_modules, code._of_module, imports.tree, imports.imported, imports.reached):
        cached.cache_clear()
    return code.of(cls, world)


@pytest.fixture
def edited(monkeypatch):
    """A function that lets a line be added to a file of scmbench, as the digests see it."""
    added, tree = {}, imports.tree

    def with_lines(path):
        text = added.get("/".join(path.parts[-2:]))
        found = tree(path)
        return ast.Module([*found.body, *ast.parse(text).body], []) if text else found

    def edit(path, text):
        added[path] = text
        forget()

    def forget():
        for cached in (code._of_modules, code._of_module, imports.imported, imports.reached):
            cached.cache_clear()

    monkeypatch.setattr(imports, "tree", with_lines)
    yield edit
    monkeypatch.undo()
    forget()


@pytest.fixture(scope="module")
def suite():
    return parse(SUITE, name="t", file="t.toml")


def run(suite, store, **options):
    done = compute(plan(suite, store, **options), store, engine.inline, workers=1, console=Console(quiet=True))
    return done.results()


def test_an_edit_without_a_version_is_told_marked_and_computed_again_on_request(tmp_path, suite, edited):
    store = Store(tmp_path)
    first = run(suite, store)
    assert plan(suite, store).stale == []
    edited("models/linear.py", '"A text."')
    assert plan(suite, store).stale == []
    edited("models/linear.py", "FORGOTTEN = 1")
    todo = plan(suite, store)
    assert (todo.to_do, todo.stale) == (0, [("linear", "method")] * 4)
    results = collect(suite, store).results()
    assert results.provenance.groupby("model")["stale"].agg(set).to_dict() == {"linear": {"method"}, "marginal": {""}}
    made = Report.of(suite, results)
    texts = {table.name: markdown(table) for part in made.parts() for table in part.tables}
    assert "⚠ 4 of 8 records (linear: method): scmbench run t --stale computes them again" in texts["stale"]
    for name in ("scores_median", "scores_mean"):
        columns = texts[name].splitlines()[2].split(" | ")
        lines = [line.split(" | ") for line in texts[name].splitlines() if "| ours |" in line]
        linear, marginal = (next(i for i, c in enumerate(columns) if m in c) for m in ("linear", "marginal"))
        assert len(lines) == 8
        assert all("¶" in line[linear] and "¶" not in line[marginal] for line in lines)
        assert "¶ made, at least in part, by other code" in texts[name]
    again = run(suite, store, stale=True)
    assert plan(suite, store).stale == []
    keys = ["dataset", "model", "seed", "query", "metric", "node", "value"]
    ours, theirs = (results.rows.sort_values(keys, ignore_index=True) for results in (again, first))
    assert ours.equals(theirs)
    assert set(again.provenance["stale"]) == {""}
    assert "stale" not in {table.name for part in Report.of(suite, again).parts() for table in part.tables}


def test_worlds_questions_and_what_methods_share_are_told_by_their_part(tmp_path, suite, edited):
    store = Store(tmp_path)
    run(suite, store)
    for path, parts, count in (
        ("datasets/cnf.py", {"world"}, 4),
        ("metrics/mmd.py", {"questions"}, 8),
        ("contract/nodewise.py", {"method"}, 4),  # the marginal knows no mechanisms
        ("datasets/seeds.py", {"method, world, questions"}, 8),
        ("running/worker.py", set(), 0),
    ):
        edited(path, "FORGOTTEN = 1")
        stale = plan(suite, store).stale
        assert ({differs for _, differs in stale}, len(stale)) == (parts, count), path
        edited(path, "")


def test_of_older_records_nothing_is_claimed_but_that(tmp_path, suite):
    store = Store(tmp_path)
    for key in run(suite, store).provenance["key"]:
        record = store.read(key)
        known = {name: value for name, value in record.provenance.items() if name != "code"}
        store.write(replace(record, provenance=known))
    assert plan(suite, store).stale == []
    made = Report.of(suite, collect(suite, store).results())
    assert "8 records are older than the digests of code" in " ".join(made.notes)
    assert "¶" not in "".join(markdown(table) for part in made.parts() for table in part.tables)


def test_the_code_is_that_of_the_plan_whoever_computes(tmp_path, suite):
    store, pool = Store(tmp_path), partial(engine.pool, workers=1)
    todo = plan(suite.narrow(seeds=[0], scms=["check/sine"]), store)
    compute(replace(todo, batches=todo.batches), store, pool, workers=1, console=Console(quiet=True))
    assert [store.read(one.key).code for one in todo.trials] == [one.code for one in todo.trials]
    assert all(one.code.startswith("method ") for one in todo.trials)
