"""What no honest method scores is told from what an honest one may score by chance."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from scmbench import metrics
from scmbench.benchmarks.judging.doubts import LEAST, suspects, with_suspects
from scmbench.benchmarks.judging.notes import SUSPECT, Note
from scmbench.benchmarks.records import committed

ROLES = {"oracle": "ceiling", "posterior": "ceiling", "marginal": "floor"}


def frames(query="interventional", metric="mmd", **scores):
    """Rows and provenance of a run in which each model has these scores, one a value, ten values a seed."""
    rows = pd.DataFrame(
        [
            ("d", i // 10, model, "", "", query, "x", float(i % 10), metric, float(score))
            for model, column in scores.items()
            for i, score in enumerate(column)
        ],
        columns=["dataset", "seed", "model", "variant", "member", "query", "node", "value", "metric", "score"],
    )
    told = rows[["dataset", "seed", "model", "variant"]].drop_duplicates(ignore_index=True)
    return rows, told.assign(name=told["model"], role=[ROLES.get(m, "method") for m in told["model"]])


def judged(model="mine", **given):
    """None where nothing can be judged, else whether the model is suspect."""
    found = suspects(*frames(**given)).get(("d", model, ""), {})
    return bool(next(iter(found.values()))) if found else None


def draws(groups, n, d, seed):
    return torch.randn(groups, n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def spread(groups, n):
    """Rows at the quantiles of the normal distribution: no chance in them, as in a quasi-random draw."""
    rows = torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(n, dtype=torch.float64) + 0.5) / n)
    return rows.expand(groups, n).unsqueeze(-1)


@pytest.mark.parametrize("metric", [metrics.mmd_paper, metrics.energy_distance, metrics.sliced_wasserstein])
@pytest.mark.parametrize("groups", [LEAST, 200])
def test_the_very_truth_is_suspect_and_honest_answers_are_not_however_good(metric, groups):
    truth = draws(groups, 100, 1, 0)
    answers = {
        "oracle": draws(groups, 100, 1, 1),
        "copy": truth,
        "perfect": draws(groups, 100, 1, 2),
        "evenly_spread": spread(groups, 100),
        "narrow": 0.95 * draws(groups, 100, 1, 3),
    }
    scores = {name: metric(truth, answer).tolist() for name, answer in answers.items()}
    assert {name: judged(name, **scores) for name in answers if name != "oracle"} == {
        **{"copy": True, "perfect": False, "evenly_spread": False, "narrow": False}
    }


def test_chance_marks_nobody():
    """A thousand perfect methods, on the least number of groups, with one effective degree of freedom each."""
    noise = torch.randn(1001, LEAST, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).square().tolist()
    models = {f"m{i}": scores for i, scores in enumerate(noise[1:])}
    found = suspects(*frames(oracle=noise[0], **models))
    assert len(found) == 1000
    assert not any(note for queries in found.values() for note in queries.values())


def test_nothing_is_judged_without_the_oracle_without_groups_or_around_zero():
    assert judged(mine=[0.0] * 40) is None
    assert judged(mine=[0.0] * (LEAST - 1), oracle=[1.0] * (LEAST - 1)) is None
    assert judged(mine=[-9.0] * 40, oracle=[1.0, -1.0] * 20) is None
    assert judged(mine=[0.0] * 40, oracle=[1.0] * 40) is True
    assert judged(mine=[0.2] * 40, oracle=[1.0] * 40) is False
    assert judged(mine=[0.0] * 16 + [1.5] * 24, oracle=[1.0] * 16 + [100.0] + [1.0] * 23) is False  # 17 of 40: a coin


@pytest.mark.parametrize(
    ("mine", "posterior", "marginal", "expected"),
    [
        (1e-3, 0.05, 1.0, True),
        (6e-3, 0.05, 1.0, False),
        (1e-4, 5e-3, 1.0, False),  # a hundredth of the variance at least must be out of reach
        (0.0, 1e-31, 1.0, True),  # what is exact to the last digit was not learned
        (1e-9, 1e-31, 1.0, False),
        (0.0, 0.0, 1.0, None),
    ],
)
def test_counterfactuals_are_held_against_the_posterior(mine, posterior, marginal, expected):
    scores = {"mine": [mine] * 40, "posterior": [posterior] * 40, "marginal": [marginal] * 40, "oracle": [0.0] * 40}
    assert judged(query="counterfactual", metric="mse_all", **scores) is expected
    roots = {name: [x**0.5 for x in column] for name, column in scores.items()}
    assert judged(query="counterfactual", metric="rmse", **roots) is expected
    without = {name: column for name, column in scores.items() if name != "marginal"}
    assert judged(query="counterfactual", metric="mse_all", **without) in (False, None)


def test_a_floor_is_not_judged_and_a_label_does_not_hide_a_method():
    scores = {"marginal": [0.0] * 40, "oracle": [1.0] * 40}
    assert judged("marginal", **scores) is None
    rows, provenance = frames(**scores)
    assert suspects(rows, provenance.replace({"name": {"marginal": "my.pkg:M"}, "role": {"floor": "method"}}))


def test_notes_are_put_beside_others_and_kept_where_nothing_can_be_judged():
    rows, provenance = frames(mine=[0.0] * 40, oracle=[1.0] * 40)
    other = Note("observational", "failed", "why")
    provenance = provenance.assign(notes=[(other,) for _ in range(len(provenance))])
    marked = with_suspects(rows, provenance)
    mine = marked[marked["model"] == "mine"]["notes"]
    assert {tuple(note.status for note in notes) for notes in mine} == {("failed", SUSPECT)}
    again = with_suspects(rows, marked)
    assert again["notes"].tolist() == marked["notes"].tolist()
    alone = rows["model"] == "mine"
    kept = with_suspects(rows[alone], marked[marked["model"] == "mine"])
    assert kept["notes"].tolist() == mine.tolist()


@pytest.mark.parametrize("suite", ["paper", "regress"])
def test_no_method_of_a_committed_run_is_suspect(suite):
    run = committed.read(committed.folder(suite))
    found = suspects(run.rows, run.provenance)
    assert found or suite == "regress"
    assert [record for record, queries in found.items() if any(queries.values())] == []
