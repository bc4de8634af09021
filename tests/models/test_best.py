"""scm-best: the score that chooses, who stays, what an ensemble of fits answers, and that it chooses what is right."""

from __future__ import annotations

from math import pi, sqrt

import networkx as nx
import pytest
import torch
from scmbench.models import conformance
from scmbench.models.best import ScmBest, chosen, scoring
from scmbench.models.contract.fields import FieldError
from scmbench.models.contract.nodewise import Mechanism, Task
from scmbench.models.training.regressed import Diverged

PAIR = nx.DiGraph([("x", "y")])
FEW = {"candidates": ("additive", "spline"), "members": 2, "effort": 0.02}


class Line(Mechanism):
    """``x = slope pa + scale u``, u ~ N(0, 1); a fit remembers its seed."""

    dtype = torch.float64

    def __init__(self, slope: float = 1.0, scale: float = 1.0):
        self.slope, self.scale, self.seed = slope, scale, -1

    def fit(self, task):
        self.seed = task.seed
        return self

    def encode(self, x, parents):
        return (x - self.slope * parents) / self.scale

    def decode(self, u, parents):
        return self.slope * parents + self.scale * u

    def noise(self, n, generator):
        return torch.randn(n, 1, generator=generator, dtype=torch.float64)


class Broken(Line):
    """Says on its first question that its training failed."""

    def decode(self, u, parents):
        raise Diverged("nothing was learned")


def normal(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def task(n: int, seed: int = 0) -> Task:
    parents = normal(n, seed)
    return Task(parents + normal(n, seed + 1), parents, seed)


def test_it_conforms():
    conformance.require(ScmBest, dict(ScmBest.conformance_options))


def test_the_energy_score_of_a_normal_law_is_its_known_crps():
    rows = task(4000)
    unit = float(rows.x.std(correction=0))
    # The mean CRPS of N(0, s²) under itself is s / √π (Gneiting, Raftery, 2007, section 4.2).
    assert float(scoring.energy_scores(Line(), rows).mean()) == pytest.approx(1 / sqrt(pi) / unit, rel=0.03)
    wide = float(scoring.energy_scores(Line(scale=2.0), rows).mean())
    # E|y − x| − E|y − y'| / 2 with y − x ~ N(0, 4 + 1) and y − y' ~ N(0, 4 + 4).
    assert wide == pytest.approx((sqrt(10 / pi) - 2 / sqrt(pi)) / unit, rel=0.03)


def test_the_score_has_no_unit_and_is_least_for_the_law_itself():
    rows = task(800)
    scores = {s: float(scoring.energy_scores(Line(slope=s), rows).mean()) for s in (0.5, 1.0, 1.5)}
    assert min(scores, key=scores.__getitem__) == 1.0
    larger = Task(1e6 * rows.x, rows.parents, rows.seed)
    assert float(scoring.energy_scores(Line(1e6, 1e6), larger).mean()) == pytest.approx(scores[1.0])


def test_who_is_surely_worse_falls_out():
    base = normal(200)[:, 0]
    scores = {"worse": base + 1 + normal(200, 1)[:, 0], "alike": base + normal(200, 2)[:, 0] / 9, "best": base - 0.01}
    assert scoring.contenders(scores) == ["best", "alike"]
    assert scoring.contenders(scores | {"best": torch.full((200,), torch.inf)}) == ["alike"]
    assert scoring.contenders({"gone": torch.tensor([torch.nan])}) == []
    assert scoring.members(["a", "b"], 3) == ["a", "b", "a"]


def test_members_are_fits_of_their_own_on_all_rows():
    one = chosen.Chosen({"right": Line(), "wrong": Line(slope=-3.0)}, 3).fit(task(500))
    assert one.names == ["right"] * 3
    assert len({part.seed for part in one.parts}) == 3  # type: ignore[attr-defined]


def test_a_candidate_that_diverged_is_not_chosen_and_none_left_is_said():
    assert chosen.Chosen({"broken": Broken(), "wide": Line(scale=9.0)}, 1).fit(task(50)).names == ["wide"]
    with pytest.raises(Diverged, match="every candidate"):
        chosen.Chosen({"a": Broken(), "b": Broken()}, 1).fit(task(50))


def test_a_row_comes_back_and_its_counterfactual_is_the_mean_of_the_members():
    one = chosen.Chosen({"a": Line()}, 2).fit(task(50))
    one.parts = [Line(slope=1.0), Line(slope=3.0)]
    rows = task(9)
    u = one.encode(rows.x, rows.parents)
    torch.testing.assert_close(one.decode(u, rows.parents), rows.x)
    torch.testing.assert_close(one.decode(u, rows.parents + 1), rows.x + 2)


def test_draws_are_of_one_member_each():
    one = chosen.Chosen({"a": Line()}, 2).fit(task(50))
    one.parts = [Line(slope=0.0, scale=1e-9), Line(slope=10.0, scale=1e-9)]
    drawn = one.draw(torch.ones(2000, 1, dtype=torch.float64), torch.Generator().manual_seed(0))[:, 0].round()
    assert set(drawn.tolist()) == {0.0, 10.0}
    assert float(drawn.mean()) == pytest.approx(5, abs=0.5)


def test_a_fitted_root_chooses_among_families_that_need_no_parents():
    x = torch.randn(300, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model = ScmBest(**FEW, roots="fitted").fit(PAIR, {"x": x, "y": x + 1}, seed=0)
    [own] = model.mechanisms["x"].parts
    assert set(own.names) == {"spline"}
    assert abs(float(model.sample(2000, seed=1)["x"].std()) - 1) < 0.3


def test_on_additive_noise_it_keeps_the_additive_family_and_its_answers_are_near():
    x = normal(800)[:, 0]
    data = {"x": x, "y": 2 * x + normal(800, 1)[:, 0] / 2}
    model = ScmBest(**FEW).fit(PAIR, data, seed=0)
    [part] = model.mechanisms["y"].parts  # type: ignore[attr-defined]
    assert part.names[0] == "additive"
    factual = {v: rows[:50] for v, rows in data.items()}
    answer = model.counterfactual(factual, {"x": factual["x"] + 1}, seed=0)
    assert float((answer["y"] - factual["y"] - 2).abs().mean()) < 0.15


def test_a_saved_member_of_no_candidate_is_refused():
    model = ScmBest(**FEW).fit(PAIR, {"x": normal(60)[:, 0], "y": normal(60, 1)[:, 0]}, seed=0)
    kept = model.saved()
    kept["mechanisms"]["y"]["parts"][0]["names"][0] = "os.system"
    with pytest.raises(FieldError, match=r"no candidate 'os.system'"):
        ScmBest(**FEW).restore(kept)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"candidates": ("magic",)}, "candidates"),
        ({"candidates": "spline"}, "candidates"),
        ({"candidates": ()}, "candidates"),
        ({"members": 0}, "members"),
        ({"effort": 0}, "effort"),
        ({"roots": "drawn"}, "roots"),
        ({"roots": "fitted", "candidates": ("additive",)}, "no parents to regress on"),
    ],
)
def test_options_are_checked(options, named):
    with pytest.raises(ValueError, match=named):
        ScmBest(**options)
