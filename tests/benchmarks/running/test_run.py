"""Runs end to end on cheap models: resume, failures, engines."""

from __future__ import annotations

import io
import os
import shutil
from functools import partial

import pytest
from rich.console import Console
from scmbench.benchmarks.records.claims import claiming
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine, planner
from scmbench.benchmarks.running.estimate import Rates, Work, duration, estimate, time_left
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import Finished, collect, compute
from scmbench.benchmarks.suites.suite import Suite, parse


def suite_of(*models: str, seeds: int = 2, datasets: str = '"check/sine", "dcm/triangle/nadd"') -> Suite:
    tables = "\n".join(f'[[models]]\nname = "{name}"\nlabel = "{name.rpartition(":")[2]}"' for name in models)
    text = f'protocol = "paper"\nseeds = {seeds}\ndatasets = [{datasets}]\n{tables}\n'
    return parse(text, name="t", file="t.toml")


def run(suite: Suite, store: Store, engine=engine.inline, **options) -> Finished:
    return compute(plan(suite, store, **options), store, engine, workers=1, console=Console(quiet=True))


def same(a: Finished, b: Finished) -> bool:
    keys = ["dataset", "model", "seed", "query", "metric", "node", "value"]
    ours, theirs = (table.results().rows.sort_values(keys, ignore_index=True) for table in (a, b))
    return ours.equals(theirs)


def test_a_run_scores_every_question_and_the_oracle_is_exact(tmp_path):
    rows = run(suite_of("linear", "oracle"), Store(tmp_path)).results().rows
    mean = rows.groupby(["model", "query", "metric"])["score"].mean()
    assert (rows.groupby(["dataset", "model", "query", "metric"])["seed"].nunique() == 2).all()
    assert mean["oracle", "counterfactual", "mse_first"] == mean["oracle", "counterfactual", "mse_all"] == 0
    assert mean["oracle", "interventional", "mmd"] < mean["linear", "interventional", "mmd"]
    assert mean["oracle", "counterfactual", "mse_all"] < mean["linear", "counterfactual", "mse_all"]


def test_finished_records_are_never_computed_twice_and_more_seeds_add_theirs(tmp_path):
    store = Store(tmp_path)
    first = run(suite_of("linear"), store)
    assert plan(suite_of("linear"), store).to_do == 0
    assert plan(suite_of("linear", seeds=3), store).to_do == 2
    assert same(first, run(suite_of("linear"), store))


def test_packing_does_not_move_a_score(tmp_path):
    suite = suite_of("linear", "marginal")
    whole, alone = Store(tmp_path / "a"), Store(tmp_path / "b")
    table = run(suite, whole)
    for one in planner.trials(suite):
        for batch in planner.pack([one]):
            list(engine.inline([batch], alone))
    assert same(table, collect(suite, alone))


def test_the_pool_gives_what_inline_gives(tmp_path):
    suite = suite_of("linear", datasets='"check/sine"')
    inline = run(suite, Store(tmp_path / "a"))
    pooled = run(suite, Store(tmp_path / "b"), partial(engine.pool, workers=1))
    assert same(inline, pooled)


def test_a_fit_that_raises_costs_only_itself(tmp_path):
    table = run(suite_of("rogues:Raises", seeds=3, datasets='"check/sine"'), Store(tmp_path))
    records = table.results().provenance.set_index("seed")
    assert records["status"].to_dict() == {0: "ok", 1: "failed", 2: "ok"}
    assert "no luck with seed 1" in records.loc[1, "message"]


def test_unsupported_is_not_a_failure(tmp_path):
    store = Store(tmp_path)
    table = run(suite_of("rogues:Declines"), store)
    assert set(table.results().provenance["status"]) == {"unsupported"}
    assert plan(suite_of("rogues:Declines"), store, retry=True).to_do == 0


def test_a_query_that_is_not_answered_leaves_a_note_and_no_score(tmp_path):
    table = run(suite_of("identity", datasets='"check/sine"'), Store(tmp_path))
    assert set(table.results().rows["query"]) == {"counterfactual"}
    notes = table.results().provenance["notes"][0]
    assert {(note.query, note.status) for note in notes} == {
        ("observational", "unsupported"),
        ("interventional", "unsupported"),
    }


def test_wrong_answers_are_failures_of_their_query_alone(tmp_path):
    table = run(suite_of("rogues:Wrong", datasets='"check/sine"', seeds=1), Store(tmp_path))
    assert set(table.results().rows["query"]) == {"observational"}
    notes = "; ".join(map(str, table.results().provenance["notes"][0]))
    assert "interventional failed: scmbench.datasets.values.ValuesError: the model's answer has shape (1999,)" in notes
    assert "NaN or infinity in 2000 row(s)" in notes


@pytest.mark.parametrize(
    ("rogue", "trouble"),
    [("Hangs", "exceeded the time limit of 8 s"), ("Dies", "its process died (exit code 7)")],
)
def test_a_hang_or_a_crash_costs_one_batch(tmp_path, rogue, trouble):
    store = Store(tmp_path)
    suite = suite_of(f"rogues:{rogue}", "marginal", seeds=1, datasets='"check/sine"')
    table = run(suite, store, partial(engine.pool, workers=1, time_limit=8.0))
    records = table.results().provenance.set_index("model")
    assert records["status"].to_dict() == {rogue: "failed", "marginal": "ok"}
    assert trouble in records.loc[rogue, "message"]


def test_missing_data_is_said_and_all_else_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SCMBENCH_DATA", str(tmp_path / "empty"))
    todo = plan(suite_of("marginal", datasets='"check/sine", "dcm/sachs/nlin"'), Store(tmp_path))
    assert [gone.dataset for gone in todo.missing] == ["dcm/sachs/nlin"]
    assert "scmbench data fetch sachs" in todo.missing[0].message
    assert {one.identity.dataset for one in todo.trials} == {"check/sine"}


def test_a_table_of_nothing_is_empty(tmp_path):
    assert collect(suite_of("linear"), Store(tmp_path)).results().rows.empty


def test_estimates_follow_what_records_cost(tmp_path):
    store = Store(tmp_path)
    run(suite_of("linear"), store)
    more = plan(suite_of("linear", seeds=4), store)
    assert 0 < estimate(more) < Rates.FALLBACK[0]


def test_a_worker_that_ends_before_it_has_taken_a_batch_is_no_batchs_failure(tmp_path, monkeypatch):
    ends, begin = tmp_path / "ends", engine._begin
    ends.write_text("")
    monkeypatch.setattr(engine, "_started", partial(_started_badly, ends, engine._started))
    finished = run(suite_of("linear", datasets='"check/sine"'), Store(tmp_path / "s"), partial(engine.pool, workers=2))
    assert set(finished.results().provenance["status"]) == {"ok"}
    assert len(ends.read_text()) == 2
    assert engine._begin is begin


def _started_badly(ends, started, *arguments):
    running = started(*arguments)
    if len(ends.read_text()) < 2:
        ends.write_text(ends.read_text() + "x")
        running._context.worker_parameters.initializer = os.abort
        running._context.worker_parameters.initargs = ()
    return running


def test_workers_that_always_end_are_an_error_and_write_nothing(tmp_path, monkeypatch):
    ends = tmp_path / "ends"
    ends.write_text("")
    monkeypatch.setattr(engine, "TRIES", 2)
    monkeypatch.setattr(engine, "_started", partial(_started_badly, ends, engine._started))
    store = Store(tmp_path / "s")
    with pytest.raises(engine.WorkersEnd, match="Nothing was written"):
        run(suite_of("linear", datasets='"check/sine"'), store, partial(engine.pool, workers=2))
    assert list(store.records.glob("*/*.json")) == []


def test_done_means_there(tmp_path):
    store = Store(tmp_path)

    def forgetful(batches, store):
        for i, done in enumerate(engine.inline(batches, store)):
            if i == 0:
                shutil.rmtree(store.records)
            yield done

    told = Console(file=io.StringIO(), width=200)
    suite = suite_of("linear", "marginal", datasets='"check/sine"')
    finished = compute(plan(suite, store), store, forgetful, workers=1, console=told)
    assert len(finished.lacking) == 2
    assert "2 of 4 records are not in" in told.file.getvalue()
    assert "2/4 records, done" in told.file.getvalue()


class Asked:
    """An engine that notes how many records each call of the inline engine made."""

    def __init__(self, during=lambda store: None):
        self.made, self.during = [], during

    def __call__(self, batches, store):
        for batch in batches:
            self.during(store)
            before = {trial.key: store.stamp(trial.key) for trial in batch.trials}
            yield from engine.inline([batch], store)
            self.made.append(sum(store.stamp(key) != stamp for key, stamp in before.items()))


def test_of_two_equal_runs_one_computes_a_record_and_the_other_waits_for_it(tmp_path, monkeypatch):
    suite, both = suite_of("identity", datasets='"check/sine"'), [Store(tmp_path), Store(tmp_path)]
    first, second = Asked(), Asked()
    todo = [plan(suite, store) for store in both]
    keys = [trial.key for trial in todo[0].trials]
    with claiming(tmp_path, {}) as theirs:
        assert theirs.take(keys[:1])

        def finish(seconds):
            both[0].claims = theirs
            for batch in todo[0].batches:
                list(first([batch], both[0]))
            theirs.release(keys)

        monkeypatch.setattr("scmbench.benchmarks.running.sharing._wait", finish)
        told = io.StringIO()
        found = compute(todo[1], both[1], second, workers=1, console=Console(file=told, width=120))
    assert len(found.results().provenance) == 2
    assert not found.lacking
    assert (sum(first.made), sum(second.made)) == (1, 1)
    assert "another run computes 1 of these records now: waiting for them" in told.getvalue()
    assert both[1].claims is None
    assert os.listdir(tmp_path / "claims") == []


def test_what_a_run_that_ends_leaves_undone_is_computed_by_the_one_that_waits(tmp_path, monkeypatch):
    suite, store = suite_of("identity", datasets='"check/sine"'), Store(tmp_path)
    todo, mine = plan(suite, store), Asked()
    with claiming(tmp_path, {}) as theirs:
        keys = [trial.key for trial in todo.trials]
        assert theirs.take(keys)
        monkeypatch.setattr("scmbench.benchmarks.running.sharing._wait", lambda seconds: theirs.release(keys))
        found = compute(todo, store, mine, workers=1, console=Console(quiet=True))
    assert not found.lacking
    assert sum(mine.made) == 2


def test_a_record_that_another_run_finished_after_the_plan_is_not_computed_again(tmp_path):
    suite = suite_of("identity", datasets='"check/sine"')
    late = plan(suite, Store(tmp_path))
    run(suite, Store(tmp_path))
    stamps = [Store(tmp_path).stamp(trial.key) for trial in late.trials]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "prepare", lambda self: None)
        store, mine = Store(tmp_path), Asked()
        store_stamp = Store.stamp
        seen = []

        def stamp(self, key):  # as it was when the plan was made: there was none
            seen.append(key)
            return None if len(seen) <= len(late.trials) else store_stamp(self, key)

        patch.setattr(Store, "stamp", stamp)
        found = compute(late, store, mine, workers=1, console=Console(quiet=True))
    assert not found.lacking
    assert [store.stamp(trial.key) for trial in late.trials] == stamps


def test_a_crash_writes_no_failure_for_what_another_run_computes(tmp_path):
    suite, store = suite_of("rogues:Dies", seeds=1, datasets='"check/sine"'), Store(tmp_path)
    (batch,) = plan(suite, store).batches
    with claiming(tmp_path, {}) as mine, claiming(tmp_path, {}) as theirs:
        store.claims = mine
        assert theirs.take([batch.trials[0].key])
        engine.settle(RuntimeError("died"), batch, store, 1.0, {batch.trials[0].key: None})
        assert store.stamp(batch.trials[0].key) is None
        theirs.release([batch.trials[0].key])
        engine.settle(RuntimeError("died"), batch, store, 1.0, {batch.trials[0].key: None})
        assert store.stamp(batch.trials[0].key) is not None


def test_progress_names_what_runs_and_guesses_no_time_before_anything_is_finished(tmp_path):
    told = Console(file=io.StringIO(), width=200)
    suite = suite_of("linear", "marginal", datasets='"check/sine"')
    compute(plan(suite, Store(tmp_path)), Store(tmp_path), engine.inline, workers=1, console=told)
    first = told.file.getvalue().splitlines()[0]
    assert first in (
        "0/4 records, unknown time left; running: linear",
        "0/4 records, unknown time left; running: marginal",
    )


def test_the_time_left_counts_down_while_a_batch_is_computed(tmp_path):
    batches, rates = plan(suite_of("linear", datasets='"check/sine"'), Store(tmp_path)).batches, Rates()
    work = Work(batches)
    assert time_left(work, rates, workers=1, since=0.0) == "unknown time left"
    rates.learn("linear", {"fit_cpu_s": 20.0, "query_cpu_s": 20.0, "mechanisms": 2})
    seconds = work.seconds(rates)
    assert time_left(work, rates, workers=1, since=0.0) == f"about {duration(seconds)} left"
    assert time_left(work, rates, workers=2, since=10.0) == f"about {duration(seconds / 2 - 10)} left"
    assert time_left(work, rates, workers=1, since=seconds + 1) == "longer than estimated"
