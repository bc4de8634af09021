"""Protocols and metrics of others: decorator, entry point, address; what is refused, and what is part of a key."""

from __future__ import annotations

import sys

import pytest
import torch
from scmbench import metrics
from scmbench.benchmarks import questions, run
from scmbench.benchmarks.questions import protocols, registry
from scmbench.benchmarks.questions.registry import UnknownProtocol, register_metric, register_protocol
from scmbench.benchmarks.running import fingerprint, planner
from scmbench.benchmarks.suites import suite as suites
from scmbench.benchmarks.suites.suite import Entry, SuiteError

CODE = """
from dataclasses import replace
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.registry import register_metric, register_protocol

def plain(x, y):
    return (x.mean(-2) - y.mean(-2)).norm(dim=-1)

@register_metric("gap", version=2)
def gap(x, y):
    return (x - y).abs().amax((-2, -1))

@register_metric("worst", of="rows")
def worst(x, y):
    return (x - y).abs().amax((-2, -1))

@register_protocol
def short():
    few = dict(n_train=200, n_observational=50, n_interventional=20, n_factual=10)
    return replace(protocols.get("standard"), name="short", **few)

SHORT = short()
NUMBER = 3

def broken():
    return 1 / 0
"""
SUITE = 'protocol = "{}"\nseeds = 1\ndatasets = ["dcm/chain/nlin"]\n[[models]]\nname = "linear"\n'


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path with a module of protocols and metrics, not imported yet; all is forgotten afterwards."""
    (tmp_path / "asking_of_mine.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_PROTOCOLS", {})
    monkeypatch.setattr(registry, "_METRICS", {})
    fingerprint._of_files.cache_clear()
    yield tmp_path
    sys.modules.pop("asking_of_mine", None)
    fingerprint._of_files.cache_clear()


def parse(protocol: str):
    return suites.parse(SUITE.format(protocol), name="mine", file="mine.toml")


def key(protocol: str) -> str:
    return planner.identify(Entry("linear", "linear"), "dcm/chain/nlin", 0, protocol).key


@pytest.mark.parametrize("name", ["asking_of_mine:SHORT", "asking_of_mine:short"])
def test_a_protocol_at_an_address_is_a_row_of_a_table(site, tmp_path, name):
    rows = run(parse(name), store=tmp_path / "store", engine="inline").rows
    assert set(rows["query"]) == {"observational", "interventional", "counterfactual"}
    assert set(rows["model"]) == {"linear"}


def test_metrics_are_added_after_a_plus_and_the_rest_is_as_before(site, tmp_path):
    more = parse("asking_of_mine:SHORT+asking_of_mine:plain+asking_of_mine:gap+asking_of_mine:worst+row_norm")
    rows = run(more, store=tmp_path / "store", engine="inline").rows
    found = {query: set(part["metric"]) for query, part in rows.groupby("query")}
    assert {"plain", "gap"} < found["observational"]
    assert {"plain", "gap"} < found["interventional"]
    assert {"worst", "row_norm", "rmse"} < found["counterfactual"]
    before = run(parse("asking_of_mine:SHORT"), store=tmp_path / "store", engine="inline").rows
    both = before.merge(rows, on=["query", "metric", "node", "value"], suffixes=("", "_more"))
    assert len(both) == len(before)
    assert both["score"].equals(both["score_more"])


def test_a_decorator_gives_a_name_and_records_keep_the_address(site):
    import asking_of_mine  # type: ignore[import-not-found]  # noqa: F401

    assert protocols.get("short").n_train == 200
    assert registry.metric("gap").version == 2
    assert registry.canonical("short+gap+row_norm") == "asking_of_mine:short+asking_of_mine:gap+row_norm"
    assert planner.trials(parse("short+gap"))[0].identity.protocol == "asking_of_mine:short+asking_of_mine:gap"
    assert key("short+gap") == key("asking_of_mine:short+asking_of_mine:gap")


def test_an_entry_point_gives_a_name_without_an_import(site):
    info = site / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    points = "[scmbench.protocols]\nbrief = asking_of_mine:SHORT\n[scmbench.metrics]\nmean-gap = asking_of_mine:plain\n"
    (info / "entry_points.txt").write_text(points)
    assert "asking_of_mine" not in sys.modules
    assert protocols.get("brief+mean-gap").metric_versions["plain"] == 1
    assert parse("brief+mean-gap").protocol == "brief+mean-gap"


def test_a_key_belongs_to_this_version_of_the_code_and_ours_have_none(site):
    assert planner.identify(Entry("linear", "linear"), "dcm/chain/nlin", 0, "paper").source == ""
    assert planner.identify(Entry("linear", "linear"), "dcm/chain/nlin", 0, "paper+energy_distance").source == ""
    keys = {key(name) for name in ("standard", "standard+row_norm", "standard+asking_of_mine:plain")}
    assert len(keys) == 3
    before = key("standard+asking_of_mine:plain")
    (site / "asking_of_mine.py").write_text(CODE + "LATER = 1\n")
    fingerprint._of_files.cache_clear()
    assert key("standard+asking_of_mine:plain") != before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("papper", r"mine.toml:1: no protocol 'papper'; there are \['bdcm', .*or write package.module:NAME"),
        ("paper+nope", r"no metric 'nope'; there are \['c2st_forest'"),
        ("cnf+row_norm", r"protocol 'cnf\+row_norm': metrics can be added to \['paper', 'standard'\]"),
        ("nowhere:X", r"protocol 'nowhere:X': cannot import 'nowhere'"),
        ("asking_of_mine:NIX", r"module 'asking_of_mine' has no 'NIX'"),
        ("asking_of_mine:NUMBER", r"protocol 'asking_of_mine:NUMBER' is no protocol: it is without \['name', "),
        ("asking_of_mine:broken", r"calling asking_of_mine:broken without arguments raised ZeroDivisionError"),
        ("asking_of_mine:plain", r"calling asking_of_mine:plain without arguments raised TypeError"),
        ("paper+asking_of_mine:NUMBER", r"asking_of_mine:NUMBER is a int; expected a function of two samples"),
        (
            "scmbench.benchmarks.questions.protocols:Protocol",
            r"is no protocol: it is the class Protocol: give an instance",
        ),
    ],
)
def test_what_is_not_there_is_told_in_a_line_with_the_culprit(site, name, message):
    with pytest.raises(SuiteError, match=message):
        parse(name)


def test_a_name_that_is_taken_or_no_name_is_refused(site):
    def first(x, y):
        return x

    with pytest.raises(ValueError, match="metric name 'row_norm' is taken twice, by scmbench and by"):
        register_metric("row_norm")(first)
    with pytest.raises(ValueError, match="metric name 'a/b': expected letters"):
        register_metric("a/b")(first)
    with pytest.raises(ValueError, match="of='pairs'; expected 'samples' or 'rows'"):
        register_metric("pairs", of="pairs")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="protocol name 'paper' is taken twice, by scmbench and by"):
        register_protocol(lambda: protocols.get("paper"))
    with pytest.raises(UnknownProtocol, match="without"):
        register_protocol(lambda: 3)  # type: ignore[arg-type, return-value]


def test_a_suite_under_another_protocol_is_another_suite():
    smoke = suites.load("smoke")
    assert smoke.under(smoke.protocol) is smoke
    other = smoke.under("standard+row_norm")
    assert (other.name, other.protocol, other.base_protocol) == (
        "smoke-standard-row_norm",
        "standard+row_norm",
        "standard",
    )
    with pytest.raises(SuiteError, match="--protocol nope: no protocol 'nope'"):
        smoke.under("nope")


def test_the_list_of_metrics_says_what_they_are():
    x = torch.arange(24, dtype=torch.float64).reshape(2, 4, 3).sin()
    for name, (of, _) in questions.METRICS.items():
        found = registry.metric(name)
        assert (found.of, found.version) == (of, metrics.VERSIONS[getattr(metrics, name).__module__.split(".")[-1]])
        assert found.score(x, x.cos()).shape == (2,)
