"""Adapters that misbehave cost their own records only, and the record says what they did."""

from __future__ import annotations

import os
import random
import re
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from rich.console import Console
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine, planner
from scmbench.benchmarks.running.isolation import isolated
from scmbench.benchmarks.running.output import MOST_OUTPUT
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import collect, compute
from scmbench.benchmarks.suites.suite import parse


def suite_of(*models: str, seeds: int = 3, options: str = "{}"):
    tables = "".join(
        f'[[models]]\nname = "{name}"\nlabel = "{name.rpartition(":")[2]}"\n'
        + (f"options = {options}\n" if ":" in name else "")
        for name in models
    )
    text = f'protocol = "paper"\nseeds = {seeds}\ndatasets = ["check/sine"]\n{tables}'
    return parse(text, name="t", file="t.toml")


def run(suite, folder, engine=engine.inline):
    store = Store(folder)
    return compute(plan(suite, store), store, engine, workers=1, console=Console(quiet=True)).results()


def by_model_and_seed(results):
    return results.provenance.set_index(["model", "seed"]).sort_index()


def test_an_adapter_that_quits_costs_only_itself(tmp_path):
    records = by_model_and_seed(run(suite_of("rogues:Quits", "marginal", seeds=1), tmp_path))
    assert records["status"].to_dict() == {("Quits", 0): "failed", ("marginal", 0): "ok"}
    assert records.loc[("Quits", 0), "message"] == "SystemExit: 0"


def test_an_adapter_that_exhausts_memory_meets_the_limit_and_its_mates_are_fitted(tmp_path):
    pool = partial(engine.pool, workers=1, memory_limit=1.0)
    records = by_model_and_seed(run(suite_of("rogues:Hogs", "marginal"), tmp_path, pool))
    assert records.loc["Hogs", "status"].to_dict() == {0: "ok", 1: "failed", 2: "ok"}
    assert "MemoryError" in records.loc[("Hogs", 1), "message"]
    assert set(records.loc["marginal", "status"]) == {"ok"}


def test_an_adapter_that_draws_from_global_generators_depends_on_its_seed_alone(tmp_path):
    suite = suite_of("rogues:Draws")
    packed = run(suite, tmp_path / "packed")
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    alone = Store(tmp_path / "alone")
    for one in reversed(planner.trials(suite)):
        list(engine.inline(planner.pack([one]), alone))
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    rows = collect(suite, alone).results().rows
    assert rows.equals(packed.rows)
    assert rows.groupby("seed")["score"].mean().nunique() == 3
    assert after == before
    assert set(packed.provenance["random_state"]) == {"touched by fit; touched by queries"}


def test_an_adapter_that_reseeds_global_generators_or_changes_defaults_leaves_nothing_behind(tmp_path):
    results = run(suite_of("rogues:Reseeds", "linear"), tmp_path)
    scores = results.rows.groupby(["model", "seed"])["score"].sum()
    assert scores["Reseeds"].equals(scores["linear"])
    records = by_model_and_seed(results)
    assert set(records.loc["Reseeds", "random_state"]) == {"touched by queries"}
    assert records.loc["linear", "random_state"].isna().all()
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("draw", [random.random, np.random.rand, lambda: torch.rand(1)])
def test_isolation_notices_every_generator_and_puts_all_of_them_back(draw):
    expected = [isolated_draw(draw) for _ in range(2)]
    assert expected[0] == expected[1]
    with isolated(1) as watch:
        pass
    assert not watch.touched


def isolated_draw(draw):
    before = random.getstate(), np.random.get_state()[2], torch.get_rng_state().sum()  # noqa: NPY002
    with isolated(1) as watch:
        value = float(draw())
    assert watch.touched
    assert (random.getstate(), np.random.get_state()[2], torch.get_rng_state().sum()) == before  # noqa: NPY002
    return value


@pytest.mark.parametrize("time", ["scalar", "positional"])  # a compiled loop a network, or one stack of them
def test_a_training_that_diverges_is_recorded_with_step_and_loss_and_its_mates_are_unharmed(tmp_path, time):
    options = f'{{ epochs = 1, steps = 5, time = "{time}" }}'
    knocked = run(suite_of("rogues:Diverges", options=options), tmp_path / "a")
    records = by_model_and_seed(knocked)
    assert records.loc["Diverges", "status"].to_dict() == {0: "ok", 1: "failed", 2: "ok"}
    assert records.loc[("Diverges", 1), "message"].endswith(
        "training diverged after step 0 (epoch 1): mean squared error nan"
    )
    plain = suite_of("scmbench.models.dcm:DCM", options=options).narrow(seeds=(0, 2))
    keys = ["seed", "query", "metric", "node", "value"]
    ours, theirs = (r.rows.set_index(keys)["score"].sort_index() for r in (knocked, run(plain, tmp_path / "b")))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_a_learning_rate_that_no_training_survives_is_recorded_with_step_and_loss(tmp_path):
    results = run(
        suite_of("scmbench.models.dcm:DCM", seeds=1, options="{ epochs = 2, steps = 5, lr = 1e30 }"), tmp_path
    )
    assert results.provenance["status"].tolist() == ["failed"]
    assert "training diverged after step" in results.provenance["message"][0]
    assert "mean squared error" in results.provenance["message"][0]


def test_an_adapter_that_wanders_off_leaves_place_environment_and_defaults_as_they_were(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ), torch.get_num_threads()
    results = run(suite_of("rogues:Wanders", "linear", seeds=1), "store")
    assert set(results.provenance["status"]) == {"ok"}
    assert (dict(os.environ), torch.get_num_threads()) == before
    assert (Path.cwd(), torch.get_default_device().type, torch.is_grad_enabled()) == (tmp_path, "cpu", True)
    assert len(list(tmp_path.glob("store/records/*/*.json"))) == 2
    out = capsys.readouterr().out
    assert len(out) < 30_000
    assert "characters of output left out" in out


@pytest.mark.parametrize("engine", [engine.inline, partial(engine.pool, workers=1)], ids=["inline", "pool"])
def test_what_an_adapter_prints_past_python_is_cut_too(tmp_path, capfd, engine):
    results = run(suite_of("rogues:Floods", "linear", seeds=1), tmp_path, engine)
    assert set(results.provenance["status"]) == {"ok"}
    out, err = capfd.readouterr()  # a model from outside has one stream for both
    assert err == ""
    assert MOST_OUTPUT - 100 <= len(out) < MOST_OUTPUT + 200, out[-300:]
    assert re.search(r"\[… \d{7} (?:bytes|characters) of output left out …\]", out)
    os.write(1, b"as before")
    assert capfd.readouterr().out == "as before"


def test_what_an_adapter_says_is_cut_and_can_be_written(tmp_path):
    results = run(suite_of("rogues:Mumbles", "linear", seeds=1), tmp_path)
    (record,) = (Store(tmp_path).read(key) for key in results.provenance.query("status == 'failed'")["key"])
    assert len(record.message) < 25_000
    assert record.message.encode().isascii() or "…" in record.message
    assert "\x1b" not in record.message
    assert r"\ud800 \x1b[2J" in record.message or "left out" in record.message
    results.provenance.to_csv(tmp_path / "p.csv")


def sleepers():
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "86399"]]


@pytest.mark.parametrize("rogue", ["Breeds", "BreedsAndDies"])
def test_what_an_adapter_started_ends_with_its_batch(tmp_path, rogue):
    pool = partial(engine.pool, workers=1)
    results = run(suite_of(f"rogues:{rogue}", seeds=1), tmp_path, pool)
    assert results.provenance["status"].tolist() == ["ok" if rogue == "Breeds" else "failed"]
    assert sleepers() == []
