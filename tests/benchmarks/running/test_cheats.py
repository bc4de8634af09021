"""Outside models that want the truth, or better numbers than their own: powerless, or marked."""

from __future__ import annotations

import cheats
import pytest
from rich.console import Console
from scmbench.benchmarks.judging.notes import SUSPECT, UNSTEADY
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.reporting.report import Report
from scmbench.benchmarks.reporting.tables.scores import score_table
from scmbench.benchmarks.running import engine
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import collect, compute
from scmbench.benchmarks.suites.suite import parse
from scmbench.models.bounds.oracle import Oracle
from scmbench.models.contract.registry import is_outside, role_of

POWERLESS = ["Reads", "Rummages", "Tampers", "Spoils", "Replays", "Bills", "BillsBadly", "BillsNothing"]
MARKED = ["Counts", "Unseeded", "Knows"]
REFUSED = ["Imports", "ClaimsOracle", "Poses"]


def suite_of(*models, seeds=1):
    tables = "".join(f'[[models]]\nname = "{name}"\nlabel = "{name.rpartition(":")[2]}"\n' for name in models)
    return parse(f'protocol = "paper"\nseeds = {seeds}\ndatasets = ["check/sine"]\n{tables}', name="t", file="t.toml")


BUILT_IN = ["linear", "marginal", "oracle", "posterior"]
SUITE = suite_of(*BUILT_IN, *(f"cheats:{name}" for name in [*POWERLESS, *MARKED, *REFUSED, "ClaimsFloor"]))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    console = Console(quiet=True)
    compute(plan(SUITE, store), store, engine.inline, workers=1, console=console)
    return store


@pytest.fixture(scope="module")
def results(store):
    return collect(SUITE, store).results()


@pytest.fixture(scope="module")
def told(results):
    return results.provenance.set_index("model")


def scores(results, model):
    rows = results.rows[results.rows["model"] == model]
    return rows.set_index(["query", "metric", "node", "value"])["score"]


@pytest.mark.parametrize("name", POWERLESS)
def test_a_cheat_without_power_has_the_scores_of_the_method_that_it_is(results, told, name):
    assert told.loc[name, "status"] == "ok", told.loc[name, "message"]
    assert scores(results, name).equals(scores(results, "linear"))
    assert told.loc[name, "notes"] == ()


@pytest.mark.parametrize(
    ("name", "status", "why"),
    [
        ("Imports", "failed", "scmbench.datasets.check defines worlds, which a model does not get to see"),
        ("ClaimsOracle", "unsupported", "no known structural causal model"),
        ("Poses", "unsupported", "no known structural causal model"),
    ],
)
def test_a_cheat_that_needs_the_world_is_refused(told, name, status, why):
    assert told.loc[name, "status"] == status
    assert why in told.loc[name, "message"]


@pytest.mark.parametrize("name", ["Replays", "ClaimsFloor", "ClaimsOracle", "Poses"])
def test_a_role_is_not_a_class_s_to_give_itself(told, name):
    assert told.loc[name, "role"] == "method"


@pytest.mark.parametrize("name", ["Counts", "Unseeded"])
def test_answers_that_change_between_two_calls_with_one_seed_are_marked(told, name):
    (note,) = told.loc[name, "notes"]
    assert (note.query, note.status) == ("observational", UNSTEADY)
    assert note.message == "answers change between two calls with the same seed"
    assert told.loc[name, "status"] == "ok"


def test_scores_that_no_honest_method_has_are_marked_in_record_and_tables(store, results, told):
    notes = told.loc["Knows", "notes"]
    assert [(note.query, note.status) for note in notes] == [("interventional", SUSPECT), ("counterfactual", SUSPECT)]
    assert "mmd below a tenth of what the oracle scores" in notes[0].message
    assert "mse_first" in notes[1].message
    assert store.read(told.loc["Knows", "key"]).notes == list(notes)
    made = Report.of(SUITE, results)
    table = score_table(made.found, made.layout, made.paper, made.scores)
    column = table.columns.index("Knows")
    marked = {row[1].removesuffix(" ‡"): row[column].text.endswith(" §") for row in table.rows if isinstance(row, list)}
    assert marked == {"obs MMD": False, "int MMD": True, "CF MSE (first)": True, "CF MSE (all)": True}
    (legend,) = [note for note in table.notes if note.startswith("§")]
    assert "answers change between two calls with the same seed (Counts, Unseeded)" in legend


def test_honest_methods_and_bounds_are_not_marked(told):
    assert [told.loc[name, "notes"] for name in ("linear", "marginal", "oracle")] == [(), (), ()]


def test_a_cost_overwrites_nothing_and_is_dropped_where_it_is_no_number(told):
    row = told.loc["Bills"]
    assert row["commit"] == told.loc["linear", "commit"]
    assert row["hardware"] == told.loc["linear", "hardware"]
    assert (row["parameters"], row["10"], row["batch_fits"], row["status"]) == (8, 11, 1, "ok")
    assert row.reindex(["seconds", "random_state", "loss", "huge", "text", "rows"]).isna().sum() == 5  # rows is ours
    assert row.get("code") != 7
    assert 0 < row["fit_cpu_s"] != 4.0
    assert 0 < row["query_wall_s"] != 5


def test_a_run_without_the_oracle_takes_nothing_back(store, told):
    key = told.loc["Knows", "key"]
    alone = suite_of("cheats:Knows")
    finished = compute(plan(alone, store), store, engine.inline, workers=1, console=Console(quiet=True))
    assert [note.status for note in store.read(key).notes] == [SUSPECT, SUSPECT]
    assert [note.status for note in finished.results().provenance["notes"][0]] == [SUSPECT, SUSPECT]


def test_who_is_outside_is_told_by_address_and_whom_to_believe_by_the_class_itself():
    assert [is_outside(name) for name in ("dcm", "scmbench.models.dcm:DCM", "cheats:Knows", "scmbench.evil:X")] == [
        *(False, False, True, True)
    ]
    assert [role_of(cls) for cls in (Oracle, cheats.Poses, cheats.ClaimsFloor)] == ["ceiling", "method", "method"]
