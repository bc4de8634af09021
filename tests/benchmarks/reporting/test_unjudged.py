"""Published numbers that cannot be judged are listed with the reason."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from scmbench.benchmarks.cli.app import cli
from scmbench.benchmarks.judging import published
from scmbench.benchmarks.reporting.unjudged import judged
from scmbench.benchmarks.suites import shelf
from scmbench.benchmarks.suites import suite as suites

ABOUT = """title = "t"
protocol = "{protocol}"
dataset = "{{scm}}"
[source]
title = "t"
authors = ["A"]
year = 2026
url = "https://example.org"
[queries]
kl = {{ query = "observational", metric = "kl" }}
new = {{ query = "interventional", metric = "newest" }}
[models]
cnf = {{ model = "causal-nf" }}
ccnf = {{ model = "ccnf" }}
four = {{ model = "dcm", variant = "four-layers" }}
vaca = {{ model = "vaca", variant = "reference" }}
"""
CELLS = [
    ("cnf/fork/lin", "kl", "cnf", ""),
    ("cnf/fork/lin", "kl", "ccnf", "there is no model 'ccnf'"),
    ("cnf/fork/lin", "kl", "four", "the model 'dcm' has no variant 'four-layers'"),
    ("cnf/fork/lin", "kl", "vaca", "suite 'mine' does not ask 'vaca (reference)'"),
    ("cnf/spoon/lin", "kl", "cnf", "there is no dataset 'cnf/spoon/lin'"),
    ("cnf/chain/lin", "kl", "cnf", "suite 'mine' does not ask about 'cnf/chain/lin'"),
    ("cnf/fork/lin", "new", "cnf", "the protocol 'cnf' gives no 'newest' of interventional queries"),
]
SUITE = (
    'protocol = "cnf"\nseeds = 1\ndatasets = ["cnf/fork/lin"]\npublished = ["theirs"]\n[[models]]\nname = "causal-nf"\n'
)


@pytest.fixture
def theirs(tmp_path):
    def write(protocol: str = "cnf"):
        (tmp_path / "theirs.toml").write_text(ABOUT.format(protocol=protocol))
        lines = [f"{scm},{query},{model},1.0,0.1,5" for scm, query, model, _ in CELLS]
        (tmp_path / "theirs.csv").write_text("\n".join(["scm,query,model,mean,sd,n", *lines]) + "\n")
        (tmp_path / "mine.toml").write_text(SUITE)
        return published.load(tmp_path / "theirs.toml"), suites.load(str(tmp_path / "mine.toml"))

    return write


def test_every_reason_is_told_once_with_a_cell(theirs):
    numbers, suite = theirs()
    found = judged(numbers, [suite])
    assert (found.can, found.cells, found.suites) == (1, 7, ["mine"])
    assert [(each.why, each.count) for each in found.unjudged] == [(why, 1) for *_, why in CELLS if why]
    assert found.unjudged[0].first == "cnf/fork/lin observational kl ccnf"


def test_without_a_suite_none_can_be_judged(theirs):
    numbers, _ = theirs()
    found = judged(numbers, [])
    assert found.can == 0
    assert "no suite names these numbers" in {each.why for each in found.unjudged}


@pytest.mark.parametrize(("protocol", "why"), [
    ("unheard-of", "there is no protocol 'unheard-of'"),
    ("paper", "the protocol 'paper' gives no 'kl' of observational queries"),
])  # fmt: skip
def test_a_protocol_that_is_unknown_or_another(theirs, protocol, why):
    numbers, suite = theirs(protocol)
    assert judged(numbers, [suite]).unjudged[0].why == why


def test_the_command_lists_them_and_its_code_tells(theirs, tmp_path):
    theirs()
    suite = str(tmp_path / "mine.toml")
    done = CliRunner().invoke(cli, ["published", "check", str(tmp_path / "theirs.toml"), "--suite", suite])
    assert done.exit_code == 1
    assert "theirs: 1 of 7 cells can be judged by mine" in done.output
    assert "1 cannot: there is no model 'ccnf' (first: cnf/fork/lin observational kl ccnf)" in done.output


def test_numbers_that_come_with_scmbench_can_be_judged_or_say_why_not():
    done = CliRunner().invoke(cli, ["published", "check"])
    assert done.exit_code == 1, done.output
    assert "causal_nf: 36 of 36 cells can be judged by causal-nf" in done.output
    assert "causal_nf_violations: 52 of 52 cells can be judged by causal-nf-violations" in done.output
    assert "ccnf: 14 of 14 cells can be judged by ccnf" in done.output
    assert "kacgm_sachs: 36 of 36 cells can be judged by kacgm-sachs" in done.output
    assert "cocycles: 125 of 125 cells can be judged by cocycles" in done.output
    assert "tmscm: 96 of 383 cells can be judged by tmscm" in done.output


def test_what_of_tm_scm_cannot_be_judged_is_named_and_nothing_else():
    known = [suites.load(name) for name in shelf.names()]
    found = {name: judged(published.load(name), known).unjudged for name in published.names()}
    whys = {each.why: each.count for each in found.pop("tmscm")}
    assert not any(found.values())
    variants = [
        f"{kind}-{part}" for kind in ("cmsm", "tvsm") for part in ("not-triangular", "joint-base", "wrong-order")
    ]
    assert whys == {
        "there is no model 'dnme'": 80,
        "there is no model 'tnme'": 79,
        "there is no dataset 'tmscm/er-diag'": 16,
        "there is no dataset 'tmscm/er-tril'": 16,
        **{f"the model 'tm-scm' has no variant {variant!r}": 16 for variant in variants},
    }
