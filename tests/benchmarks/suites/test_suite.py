"""A suite file is read whole, or refused with file and line."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from scmbench.benchmarks import run
from scmbench.benchmarks.judging import published
from scmbench.benchmarks.running import engines, planner
from scmbench.benchmarks.running.api import choose
from scmbench.benchmarks.suites import shelf
from scmbench.benchmarks.suites import suite as suites
from scmbench.benchmarks.suites.suite import Entry, SuiteError
from scmbench.models.contract.registry import BUILT_IN

GOOD = """title = "t"
protocol = "paper"
seeds = 3
datasets = ["dcm/chain", "check/sine"]

[[models]]
name = "linear"

[[models]]
name = "dcm"
variant = "corrected"
options = { epochs = 2 }
"""


def parse(text: str):
    return suites.parse(text, name="mine", file="mine.toml")


def test_a_suite_resolves_short_names_seeds_and_models():
    suite = parse(GOOD)
    assert suite.datasets == ["dcm/chain/nadd", "dcm/chain/nlin", "check/sine"]
    assert suite.seeds == (0, 1, 2)
    assert [entry.title for entry in suite.models] == ["linear", "dcm (corrected)"]
    assert suite.models[1].build().options()["epochs"] == 2


def test_a_model_may_have_datasets_of_its_own():
    suite = parse(GOOD + 'datasets = ["check/sine", "dcm/y/nlin"]\n')
    assert suite.datasets == ["dcm/chain/nadd", "dcm/chain/nlin", "check/sine", "dcm/y/nlin"]
    asked = [(one.entry.name, one.identity.dataset) for one in planner.trials(suite) if one.identity.seed == 0]
    assert asked == [
        ("linear", "dcm/chain/nadd"),
        ("linear", "dcm/chain/nlin"),
        ("linear", "check/sine"),
        ("dcm", "check/sine"),
        ("dcm", "dcm/y/nlin"),
    ]
    outside = suite.with_models([Entry("marginal", "marginal")])
    assert sum(one.entry.name == "marginal" for one in planner.trials(outside)) == 4 * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seeds = 3", "sedes = 3"), r"mine.toml:3: unknown key 'sedes'"),
        (("seeds = 3", 'seeds = "3"'), r"mine.toml:3: seeds is a str; expected int or list"),
        (("seeds = 3", "seeds = true"), r"mine.toml:3: seeds is a bool"),
        (("seeds = 3", "seeds = [1, 1]"), r"mine.toml:3: .*twice"),
        (("seeds = 3", "seeds = [-1]"), r"mine.toml:3: .*integers from 0"),
        (("seeds = 3", "seeds = 3\ntime_limit = -1"), r"mine.toml:4: time_limit = -1; expected seconds above 0"),
        (("seeds = 3", "seeds = 3\ntime_limit = nan"), r"mine.toml:4: time_limit = nan; expected seconds above 0"),
        (("seeds = 3", 'seeds = 3\ntime_limit = "1 h"'), r"mine.toml:4: time_limit is a str; expected int or float"),
        (('protocol = "paper"', 'protocol = "papr"'), r"mine.toml:2: no protocol 'papr'"),
        (('protocol = "paper"\n', ""), r"mine.toml: the key 'protocol' is missing"),
        (('"check/sine"', '"check/cosine"'), r"mine.toml:4: no dataset fits 'check/cosine'"),
        (('"check/sine"', '"dcm/chain/nadd"'), r"mine.toml:4: .*listed twice"),
        (('name = "linear"', 'name = "liner"'), r"mine.toml:7: .*no model 'liner'"),
        (("epochs = 2", "epoch = 2"), r"mine.toml:10: .*no option \['epoch'\]"),
        (('variant = "corrected"', 'variant = "fixed"'), r"mine.toml:10: .*variant"),
        (('variant = "corrected"', 'varant = "corrected"'), r"mine.toml:11: unknown key 'varant'"),
        (('name = "dcm"', 'name = "linear" #'), r"mine.toml:10: .*"),
        (('name = "linear"', 'name = "linear"\nlabel = "../linear"'), r"mine.toml:7: .*files are named after it"),
        (('name = "linear"', 'name = "linear"\nlabel = "a/b"'), r"mine.toml:7: .*files are named after it"),
        (('name = "linear"', 'name = "linear"\nlabel = ".."'), r"mine.toml:7: .*files are named after it"),
        (("epochs = 2 }", "epochs = 2 }\ndatasets = []"), r"mine.toml:13: model 'dcm' has no datasets"),
        (("epochs = 2 }", 'epochs = 2 }\ndatasets = ["dcm/cube"]'), r"mine.toml:13: no dataset fits 'dcm/cube'"),
        (("epochs = 2 }", 'epochs = 2 }\ndatasets = "dcm/y"'), r"mine.toml:13: datasets is a str"),
        (('"check/sine"', '"../sine"'), r"mine.toml:4: no dataset fits '../sine'"),
        (("[[models]]", "[[models"), r"mine.toml: not valid TOML: .*line 6"),
    ],
)
def test_a_broken_suite_names_file_and_line(change, message):
    with pytest.raises(SuiteError, match=message):
        parse(GOOD.replace(*change, 1))


def test_two_models_of_one_title_are_refused():
    with pytest.raises(SuiteError, match=r"mine.toml:15: the model 'linear' is there twice"):
        parse(GOOD + '\n[[models]]\nname = "linear"\n')


def test_narrowing_by_seed_scm_and_model():
    suite = parse(GOOD).narrow(seeds=(5,), scms=["chain/nadd"], methods=["dcm"])
    assert (suite.seeds, suite.datasets, [e.title for e in suite.models]) == (
        (5,),
        ["dcm/chain/nadd"],
        ["dcm (corrected)"],
    )


@pytest.mark.parametrize("part", [{"scms": ["triangle"]}, {"methods": ["vacuum"]}])
def test_narrowing_to_what_is_not_there_is_an_error(part):
    with pytest.raises(SuiteError, match="suite 'mine'"):
        parse(GOOD).narrow(**part)


def test_a_label_that_is_taken_is_refused():
    with pytest.raises(SuiteError, match="linear"):
        parse(GOOD).with_models([Entry("dcm", "linear")])


def titles(suite):
    return [entry.title for entry in suite.models]


@pytest.mark.parametrize("added", [Entry("linear", "linear"), Entry("linear", "linear", options={"ridge": 0})])
def test_a_model_of_the_suite_that_is_added_stays_and_is_not_asked_twice(added):
    suite = parse(GOOD)
    assert titles(suite.narrow(added=[added])) == titles(suite)
    part = suite.narrow(methods=["dcm"], added=[added, added])
    assert titles(part) == titles(suite.narrow(methods=["dcm", "linear"]))
    assert titles(part.whole) == titles(suite)


def test_a_new_model_that_is_added_twice_is_asked_once():
    suite = parse(GOOD).narrow(added=[Entry("marginal", "floor"), Entry("marginal", "floor")])
    assert titles(suite) == [*titles(parse(GOOD)), "floor"]


@pytest.mark.parametrize("methods", [None, ["dcm"]])
@pytest.mark.parametrize("added", [Entry("linear", "linear", options={"ridge": 1.0}), Entry("marginal", "linear")])
def test_another_model_under_a_label_of_the_suite_is_told_with_what_to_write(added, methods):
    with pytest.raises(SuiteError, match=rf"would be called 'linear'.*as in {added.name},label=mine"):
        parse(GOOD).narrow(methods=methods, added=[added])


def test_a_model_of_some_worlds_is_not_the_one_that_is_asked_about_all():
    text = GOOD + 'datasets = ["check/sine"]\n'
    whole = Entry("dcm", "dcm", "corrected", {"epochs": 2})
    assert titles(parse(GOOD).narrow(added=[whole])) == titles(parse(GOOD))
    with pytest.raises(SuiteError, match=r"would be called 'dcm \(corrected\)'"):
        parse(text).narrow(added=[whole])


def test_a_suite_is_addressed_as_a_command_names_it(tmp_path):
    path = tmp_path / "my toys" / "toy.toml"
    path.parent.mkdir()
    path.write_text(GOOD)
    suite = suites.load(str(path))
    assert suite.address == suite.file == shlex.quote(str(path)) != str(path)
    other = suite.narrow(seeds=[0]).under("standard")
    assert other.address == f"{suite.address} --protocol standard"
    assert other.file == suite.file
    assert suites.load("smoke").address == "smoke"
    assert suites.load("smoke").under("standard").address == "smoke --protocol standard"


@pytest.mark.parametrize("name", ["nothing", "nowhere.toml", "../paper"])
def test_an_unknown_suite_is_a_clear_error(name):
    with pytest.raises(SuiteError, match="no suite"):
        suites.load(name)


@pytest.mark.parametrize("file", ["...toml", "a b.toml", "a\nb.toml"])
def test_a_suite_is_not_named_so_that_its_results_land_elsewhere(tmp_path, file):
    (tmp_path / file).write_text(GOOD)
    with pytest.raises(SuiteError, match="results are kept under a suite's name"):
        suites.load(str(tmp_path / file))


def test_a_suite_may_give_its_batches_more_time():
    assert parse(GOOD).time_limit is None
    longer = parse(GOOD.replace("seeds = 3", "seeds = 3\ntime_limit = 7200"))
    assert longer.time_limit == 7200
    assert longer.narrow(seeds=[0]).time_limit == 7200


def test_the_batches_of_a_suite_get_its_time_or_what_the_caller_says(monkeypatch, tmp_path):
    asked = []
    named = engines.named
    monkeypatch.setattr(engines, "named", lambda *a, **k: asked.append(k["time_limit"]) or named(*a, **k))
    plain = parse(GOOD.replace("seeds = 3", "seeds = 1")).narrow(scms=["check/sine"], methods=["linear"])
    for suite, given in ((plain, None), (replace(plain, time_limit=7200), None), (replace(plain, time_limit=7200), 60)):
        run(suite, store=tmp_path, engine="inline", time_limit=given)
    assert asked == [3600, 7200, 60]


@pytest.mark.parametrize("name", shelf.names())
def test_the_suites_that_come_with_scmbench_load(name):
    assert suites.load(name).models


class TestVariants:
    """A model that has variants has one, named or not: its records are kept under that one."""

    def test_one_that_names_none_has_the_default(self):
        text = GOOD.replace('variant = "corrected"\n', "")
        [entry] = [e for e in parse(text).models if e.name == "dcm"]
        assert (entry.variant, entry.title) == ("reference", "dcm (reference)")
        assert entry.build().options()["variant"] == "reference"
        assert [e.variant for e in parse(text).models if e.name == "linear"] == [""]

    def test_one_named_among_the_options_counts(self):
        text = 'protocol = "paper"\nseeds = 1\ndatasets = ["check/sine"]\n[[models]]\nname = "vaca"\n'
        [entry] = parse(text + 'options = { variant = "corrected" }\n').models
        assert (entry.variant, entry.title) == ("corrected", "vaca (corrected)")

    def test_the_default_and_its_name_are_one_model(self):
        text = 'protocol = "paper"\nseeds = 1\ndatasets = ["check/sine"]\n[[models]]\nname = "vaca"\n'
        with pytest.raises(SuiteError, match=r"'vaca \(reference\)' is there twice"):
            parse(text + '[[models]]\nname = "vaca"\nvariant = "reference"\n')

    def test_an_added_one_is_found_under_its_default(self):
        suite = choose(parse(GOOD), add_models=[Entry("vaca", "mine")])
        assert suite.models[-1].title == "mine (reference)"
        with pytest.raises(SuiteError, match=r"add_models: .*'vacua'"):
            choose(parse(GOOD), add_models=[Entry("vacua", "mine")])

    def test_a_dataset_may_have_another(self):
        text = (
            'protocol = "paper"\nseeds = 1\ndatasets = ["check/sine", "check/treatment"]\n[[models]]\nname = "vaca"\n'
        )
        suite = parse(text + '[models.by_dataset]\n"check/sine" = { variant = "corrected" }\n')
        variants = {one.identity.dataset: one.identity.options["variant"] for one in planner.trials(suite)}
        assert (variants["check/sine"], variants["check/treatment"]) == ("corrected", "reference")
        with pytest.raises(SuiteError, match="wrong"):
            parse(text + '[models.by_dataset]\n"check/sine" = { variant = "wrong" }\n')


class TestOptionsByDataset:
    TEXT = GOOD + '[models.by_dataset]\n"check/sine" = { epochs = 3, steps = 5 }\n"chain" = { epochs = 4 }\n'

    def asked(self):
        first = [one for one in planner.trials(parse(self.TEXT)) if one.identity.seed == 0]
        return {one.identity.dataset: one for one in first if one.entry.name == "dcm"}

    def test_they_come_on_top_of_the_model_s_and_short_names_stand_for_several(self):
        options = {name: one.identity.options for name, one in self.asked().items()}
        assert (options["check/sine"]["epochs"], options["check/sine"]["steps"]) == (3, 5)
        for kind in ("nadd", "nlin"):
            assert (options[f"dcm/chain/{kind}"]["epochs"], options[f"dcm/chain/{kind}"]["steps"]) == (4, 100)

    def test_the_record_is_that_of_a_suite_which_has_them_for_all(self):
        plain = parse(GOOD.replace("epochs = 2", "epochs = 4"))
        same = {one.key for one in planner.trials(plain)}
        assert self.asked()["dcm/chain/nlin"].key in same
        assert self.asked()["check/sine"].key not in same

    def test_what_is_fitted_together_has_the_same_options(self):
        batches = planner.pack(planner.trials(parse(self.TEXT)))
        for batch in batches:
            assert len({str(one.identity.options) for one in batch.trials}) == 1
            assert batch.entry.build().options().get("epochs") == batch.trials[0].identity.options.get("epochs")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                '"check/sina" = { epochs = 3 }',
                r"mine.toml:14: by_dataset: among the model's, no dataset fits 'check/sina'",
            ),
            ('"cnf/fork/lin" = { epochs = 3 }', r"mine.toml:14: by_dataset: among the model's, no dataset fits"),
            ('"check/sine" = 3', r"mine.toml:14: by_dataset: 'check/sine' has 3; expected a table"),
            ('"check/sine" = { epocs = 3 }', r"mine.toml:14: model 'dcm', by_dataset 'check/sine': .*epocs"),
            (
                '"chain" = {}\n"dcm/chain/nlin" = {}',
                r"by_dataset: the dataset\(s\) \['dcm/chain/nlin'\] are there twice",
            ),
        ],
    )
    def test_faults_are_told_with_file_and_line(self, text, message):
        with pytest.raises(SuiteError, match=message):
            parse(GOOD + f"[models.by_dataset]\n{text}\n")


def test_every_built_in_method_has_a_cell_in_the_gate():
    assert set(BUILT_IN) - {entry.name for entry in suites.load("regress").models} == set()


def test_every_published_cell_of_causal_nf_is_asked_for():
    for name, count in (("causal-nf", 36), ("causal-nf-violations", 52)):
        suite = suites.load(name)
        (numbers,) = [published.load(each) for each in suite.published]
        assert len(numbers.cells) == count
        assert set(numbers.cells["dataset"]) == set(suite.datasets)
        assert numbers.protocol == suite.protocol == "cnf"


def test_every_published_cell_of_ccnf_is_asked_for():
    suite = suites.load("ccnf")
    cells = published.load("ccnf").cells
    assert len(cells) == 14
    assert set(suite.datasets) - set(cells["dataset"]) == {"ccnf/backdoor"}
    assert set(cells["model"]) <= {entry.label for entry in suite.models}


def test_the_widths_of_causal_nf_are_those_of_the_published_parameter_counts():
    suite = suites.load("causal-nf")
    hidden = {name: suite.models[0].on(name).options["hidden"] for name in suite.datasets}
    assert hidden["cnf/collider/lin"] == [16, 16, 16]
    assert hidden["cnf/chain/lin"] == hidden["cnf/large-backdoor/nlin"] == [32, 32]
    assert hidden["cnf/triangle/nlin"] == [32, 32, 32]
