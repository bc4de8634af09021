"""Power of distances: a test at its level, faults that are what they say, and the page's table from its file."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from scmbench import datasets, metrics
from scmbench.benchmarks.questions import power
from scmbench.datasets import SCM

DOCS = Path(__file__).parents[3] / "docs"
PAIR = SCM({"x": lambda u: u, "y": lambda u, x: x + u})
ENERGY = {"energy": metrics.energy_distance}


def test_every_fault_changes_the_last_node_alone():
    scm = datasets.get("dcm/triangle/nlin").scm()
    true = scm.sample(200, seed=0)
    for fault in power.FAULTS:
        values = power.wrong(scm, fault).sample(200, seed=0)
        assert [node for node in true if not torch.equal(values[node], true[node])] == ["x3"], fault


def test_faults_are_as_large_as_they_say():
    noise, true = PAIR.noise(20_000, seed=0), PAIR.sample(20_000, seed=0)
    y = {fault: power.wrong(PAIR, fault).run(noise)["y"] for fault in power.FAULTS}
    y |= {"none": true["y"]}
    variance = {fault: float(values.var()) for fault, values in y.items()}
    assert variance["noise 10 % wider"] == pytest.approx(1 + 1.21, rel=0.03)
    assert variance["parents 20 % weaker"] == pytest.approx(0.64 + 1, rel=0.03)
    assert variance["heavier tails"] == pytest.approx(variance["none"], rel=0.03)
    assert float((y["shift by 0.1 sd"] - y["none"]).mean()) == pytest.approx(0.1 * math.sqrt(2), rel=0.03)
    assert abs(float(torch.stack([true["x"], y["an edge lost"]]).corrcoef()[0, 1])) < 0.03


def test_a_distance_cries_wolf_at_its_level_and_sees_what_is_gross(monkeypatch):
    faults = {"none": lambda u, parents, f: f(u, *parents), "gross": lambda u, parents, f: f(u, *parents) + 3}
    monkeypatch.setattr(power, "FAULTS", faults)
    found = power.powers(PAIR, ENERGY, 40, repetitions=200, seed=0)
    assert found["energy", "none"] == pytest.approx(power.LEVEL, abs=0.06)
    assert found["energy", "gross"] == 1


def test_a_world_without_edges_has_no_such_fault():
    with pytest.raises(ValueError, match="without edges"):
        power.wrong(SCM({"x": lambda u: u}), "an edge lost")


def test_rows_needed_is_where_power_stays():
    assert power.rows_needed({100: 0.85, 200: 0.7, 500: 0.8, 1000: 0.9}) == 500
    assert math.isinf(power.rows_needed({100: 0.1, 200: 0.79}))


class TestPage:
    @pytest.fixture(autouse=True)
    def _docs(self, monkeypatch):
        monkeypatch.syspath_prepend(str(DOCS))

    def test_the_file_is_what_the_code_gives(self):
        import power as page  # docs/power.py

        kept = pd.read_csv(page.FILE)
        world, rows = page.WORLDS[0], page.ROWS[:1]
        part = kept[(kept["world"] == world) & kept["rows"].isin(rows)].reset_index(drop=True)
        pd.testing.assert_frame_equal(page.computed((world,), rows), part, atol=0.021)  # one repetition may fall anew

    def test_the_page_has_the_table_of_the_file(self):
        import power as page

        assert page.table(pd.read_csv(page.FILE)) in (DOCS / "power.md").read_text(encoding="utf-8")

    def test_what_the_page_says_follows_from_the_file(self):
        import power as page

        kept = pd.read_csv(page.FILE)
        most = kept[kept["rows"] == max(page.ROWS)].set_index(["world", "fault", "distance"])["power"]
        at = most.unstack("distance")
        assert at.loc[(slice(None), ["noise 10 % wider", "heavier tails"]), :].to_numpy().max() < 0.25
        assert float((at["mmd_paper"] - at["mmd_unbiased"]).abs().max()) <= 0.05
        lost = at.xs("an edge lost", level="fault")
        assert int((lost[["ks", "w1"]].max(axis=1) < 0.2).sum()) == 2
        edge = kept[kept["fault"] == "an edge lost"]
        for _, part in edge.groupby("world"):
            curves = {name: dict(zip(own["rows"], own["power"], strict=True)) for name, own in part.groupby("distance")}
            needed = {name: power.rows_needed(curve) for name, curve in curves.items()}
            assert needed["energy"] == needed["sliced_wasserstein"] == 2 * needed["mmd_paper"]
            assert needed["mmd_paper"] == needed["mmd_unbiased"]
