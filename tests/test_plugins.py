"""Models and datasets of other packages: found by entry point or address, told apart from every other version."""

from __future__ import annotations

import subprocess
import sys

import pytest
from scmbench import datasets, models
from scmbench.benchmarks.cli.arguments import outside
from scmbench.benchmarks.records.record import Record
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import edited, fingerprint, planner
from scmbench.benchmarks.suites import suite as suites
from scmbench.benchmarks.suites.suite import Entry
from scmbench.datasets import registry
from scmbench.datasets.registry import UnknownDataset
from scmbench.models.contract.registry import UnknownModel

MODEL = """
from scmbench.models.linear import LinearGaussian
from helpers_of_mine import RIDGE

class Mine(LinearGaussian):
    def __init__(self, ridge: float = RIDGE):
        super().__init__(ridge)
"""
SCMS = """
from scmbench.datasets import register

@register("mine/couple")
def couple():
    return {"a": lambda u: u, "b": lambda u, a: a + u}
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path with a module, its helper and a set of SCMs; its modules are forgotten afterwards."""
    (tmp_path / "plugin_of_mine.py").write_text(MODEL)
    (tmp_path / "helpers_of_mine.py").write_text("RIDGE = 0.5\n")
    (tmp_path / "scms_of_mine.py").write_text(SCMS)
    monkeypatch.syspath_prepend(tmp_path)
    for name in datasets.names():  # a built-in one is imported, and hence registered, only once
        datasets.get(name)
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    registry._load_plugins.cache_clear()
    yield tmp_path
    registry._load_plugins.cache_clear()
    for name in ("plugin_of_mine", "helpers_of_mine", "scms_of_mine"):
        sys.modules.pop(name, None)


def install(site, name: str, points: str, top_level: str = "plugin_of_mine", version: str = "1.0") -> None:
    """What pip leaves behind, as far as it matters here."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(points)
    (info / "top_level.txt").write_text(top_level)


def test_an_installed_model_and_dataset_are_found_by_name(site):
    points = "[scmbench.models]\nmine = plugin_of_mine:Mine\n[scmbench.datasets]\nmine = scms_of_mine\n"
    install(site, "mine", points)
    assert models.load("mine").__name__ == "Mine"
    assert Entry("mine", "mine", options={"ridge": 2.0}).build().options() == {"ridge": 2.0}
    assert datasets.resolve("couple") == ["mine/couple"]
    assert sorted(datasets.get("mine/couple").scm().graph.edges) == [("a", "b")]


def test_a_name_that_two_packages_claim_is_refused_with_both(site):
    install(site, "mine", "[scmbench.models]\ndcm = plugin_of_mine:Mine\nmine = plugin_of_mine:Mine\n")
    install(site, "theirs", "[scmbench.models]\nmine = somewhere:Else\n", top_level="")
    with pytest.raises(UnknownModel, match=r"'dcm' is taken twice: scmbench\S* by scmbench; \S*:Mine by mine"):
        models.load("dcm")
    with pytest.raises(UnknownModel, match="Mine by mine; somewhere:Else by theirs; write package"):
        models.load("mine")
    assert models.load("plugin_of_mine:Mine").__name__ == "Mine"


def test_the_same_address_claimed_twice_is_no_conflict(site):
    install(site, "mine", "[scmbench.models]\nmine = plugin_of_mine:Mine\n")
    install(site, "mine-fork", "[scmbench.models]\nmine = plugin_of_mine:Mine\n", top_level="")
    assert models.load("mine").__name__ == "Mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", r"no model 'nothing'; there are \['anm'.*write package.module:Class"),
        ("nowhere:Mine", "cannot import 'nowhere': No module named 'nowhere'"),
        ("plugin_of_mine:Theirs", "module 'plugin_of_mine' has no 'Theirs'"),
        ("helpers_of_mine:RIDGE", "helpers_of_mine:RIDGE is not a subclass"),
    ],
)
def test_a_model_that_is_not_there_is_explained(site, name, message):
    with pytest.raises(UnknownModel, match=message):
        models.load(name)


def test_a_package_whose_datasets_fail_to_load_is_named(site):
    (site / "scms_of_mine.py").write_text("1 / 0\n")
    install(site, "mine", "[scmbench.datasets]\nworlds = scms_of_mine\n")
    with pytest.raises(UnknownDataset, match=r"datasets of mine \(entry point 'worlds', scms_of_mine\).*ZeroDivision"):
        datasets.names()


def test_a_dataset_name_that_is_taken_names_both_modules(site):
    (site / "scms_of_mine.py").write_text(SCMS.replace("mine/couple", "dcm/triangle/nlin"))
    install(site, "mine", "[scmbench.datasets]\nworlds = scms_of_mine\n")
    with pytest.raises(UnknownDataset, match=r"taken twice, by scmbench\.datasets\.dcm\S* and by scms_of_mine"):
        datasets.names()


def key(spec: str, dataset: str = "dcm/triangle/nlin") -> str:
    """The record's key as a fresh process would compute it."""
    fingerprint._of_files.cache_clear()
    fingerprint._installed.cache_clear()
    return planner.identify(outside(spec), dataset, 0, "paper").key


def test_results_of_an_outside_model_belong_to_this_very_version_of_it(site):
    spec = "plugin_of_mine:Mine"
    keys = {key("linear"), key("linear,ridge=0.5"), key(spec), key(f"{spec},ridge=0.25")}
    assert len(keys) == 4
    assert key(f"{spec},ridge=0.5") == key(f"{spec},label=other") == key(spec)
    before = key(spec)
    (site / "plugin_of_mine.py").write_text(
        f'"""Read again."""\n# And again.\n{MODEL.replace("(ridge)", "( ridge, )")}'
    )
    assert key(spec) == before, "a comment, a docstring, another formatting"
    (site / "plugin_of_mine.py").write_text(MODEL + "LATER = 1\n")
    after = key(spec)
    assert after != before, "an edit of its module"
    install(site, "mine", "", version="1.1")
    released = key(spec)
    assert released not in {before, after}, "a release of the same code"
    (site / "scms_of_mine.py").touch()
    assert key(spec) == released, "a file of no concern"


def test_code_that_is_no_python_counts_letter_by_letter(site):
    package = site / "package_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text(MODEL)
    try:
        keys = []
        for text in ("print 'of Python 2'", "print 'of Python 2'  # a comment", "\x00"):
            (package / "old.py").write_text(text)
            keys.append(key("package_of_mine:Mine"))
        assert len(set(keys)) == 3
    finally:
        sys.modules.pop("package_of_mine", None)


def test_records_from_before_an_edit_are_told_where_new_ones_are_wanted(site, tmp_path):
    store, suite = (
        Store(tmp_path / "store"),
        suites.load("smoke").narrow(seeds=[0], scms=["sine"], methods=["identity"]),
    )
    mine = suite.narrow(methods=["mine"], added=[outside("plugin_of_mine:Mine,label=mine")])

    def lacking():
        key("linear")  # forget digests
        return planner.plan(mine, store).lacking

    def told():
        return edited.told(lacking(), store)

    assert told() == ""
    for one in lacking():
        store.write(Record(one.identity, "ok"))
    assert told() == ""
    (site / "plugin_of_mine.py").write_text(MODEL + "LATER = 1\n")
    assert told().startswith("1 record of another digest exists (mine): outside code was edited since")
    for one in lacking():
        store.write(Record(one.identity, "ok"))
    (site / "plugin_of_mine.py").write_text(MODEL + "LATER = 2\n")
    store.path("f" * 32).parent.mkdir()
    store.path("f" * 32).write_text('{"schema":2,"identity":{"source":[')
    assert told().startswith("2 records of another digest exist (mine)")
    (site / "plugin_of_mine.py").write_text(MODEL + "# as it was\n")
    assert (lacking(), told()) == ([], "")


def test_a_model_in_a_package_is_all_of_the_package_and_no_more(site):
    package = site / "package_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text(MODEL.replace("helpers_of_mine", ".constants"))
    (package / "constants.py").write_text("RIDGE = 0.5\n")
    (package / "part").mkdir()
    (package / "part" / "unused.py").write_text("")
    spec = "package_of_mine:Mine"
    try:
        keys = [key(spec)]
        for file in ("constants.py", "part/unused.py"):
            (package / file).write_text("RIDGE = 0.75\n")
            keys.append(key(spec))
        assert len(set(keys)) == 3, "an edit of any file of its package"
        (site / "helpers_of_mine.py").write_text("RIDGE = 0.25\n")
        install(site, "wrapped", "", top_level="helpers_of_mine")
        assert key(spec) == keys[-1], "what it may import from elsewhere"
    finally:
        for name in ("package_of_mine", "package_of_mine.constants"):
            sys.modules.pop(name, None)


def test_an_outside_dataset_counts_by_its_code_as_well(site):
    install(site, "mine", "[scmbench.datasets]\nmine = scms_of_mine\n", top_level="scms_of_mine")
    before = key("linear", "mine/couple")
    (site / "scms_of_mine.py").write_text(SCMS.replace("a + u", "a - u"))
    assert key("linear", "mine/couple") != before
    assert (
        fingerprint.of_dataset(datasets.get("dcm/triangle/nlin")) == fingerprint.of_model(models.load("linear")) == ""
    )


def test_the_command_finds_a_module_in_the_working_directory(tmp_path):
    (tmp_path / "plugin_of_mine.py").write_text(MODEL)
    (tmp_path / "helpers_of_mine.py").write_text("RIDGE = 0.5\n")
    command = (
        "-P -m scmbench.benchmarks.cli run smoke --scms check/sine --seeds 1 --workers 1 --only identity --add-model"
    )
    command = [sys.executable, *command.split(), "plugin_of_mine:Mine,ridge=0.1,label=mine"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "results" / "runs" / "records").rglob("*.json"))) == 2
