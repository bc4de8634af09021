"""Where models compute: a device that is not here is told at once, one that is not used is told too."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench.benchmarks.cli import app
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engines, planner
from scmbench.benchmarks.running.hosts import Here
from scmbench.benchmarks.suites.suite import Entry, parse

SUITE = """protocol = "paper"
seeds = 10
datasets = ["dcm/chain/nlin", "dcm/triangle/nlin"]
[[models]]
name = "dcm"
[[models]]
name = "linear"
"""


def suite():
    return parse(SUITE, name="t", file="t.toml")


def test_auto_is_what_there_is():
    assert engines.found("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert engines.found(None) is None


@pytest.mark.parametrize("device", ["cuda:99", "tpu", ""])
def test_a_device_that_is_not_here_is_one_line(device, monkeypatch, capsys, tmp_path):
    with pytest.raises(engines.DeviceError, match=f"device='{device}' is not there"):
        engines.found(device)
    words = ["scmbench", "run", "smoke", "--dry-run", "--device", device, "--store", str(tmp_path)]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as left:
        app.main()
    err = capsys.readouterr().err.strip()
    assert left.value.code == 2
    assert err.startswith("error: device=")
    assert "\n" not in err


def test_workers_elsewhere_have_devices_of_their_own():
    assert engines.found("cuda:99", scheduler="tcp://there:8786") == "cuda:99"
    with pytest.raises(engines.DeviceError, match="says nothing of the workers of tcp://there:8786"):
        engines.found("auto", scheduler="tcp://there:8786")


def test_models_that_cannot_choose_are_named():
    assert engines.elsewhere(suite().models, "cuda") == ["linear"]
    assert engines.elsewhere(suite().models, "cpu") == []
    assert engines.elsewhere(suite().models, None) == []


def test_on_a_device_more_is_trained_together_of_the_models_that_gain_by_it():
    trials = planner.trials(suite())
    here, there = (planner.pack(trials, device=device) for device in ("cpu", "cuda"))
    count = {
        (where, model): sum(batch.entry.name == model for batch in batches)
        for where, batches in (("here", here), ("there", there))
        for model in ("dcm", "linear")
    }
    assert count["there", "dcm"] == 1 < count["here", "dcm"]
    assert count["there", "linear"] == count["here", "linear"]


def test_parts_of_a_whole_do_not_depend_on_the_device(tmp_path):
    parts = [
        {one.key for one in planner.plan(suite(), Store(tmp_path), shard=(2, 3), device=device).lacking}
        for device in (None, "cuda")
    ]
    assert parts[0] == parts[1] != set()


def test_a_record_says_where_its_model_computes():
    made = [Here(Entry(name, name), device) for name, device in (("dcm", "meta"), ("dcm", "cpu"), ("dcm", None))]
    made += [
        Here(replace(Entry("dcm", "dcm"), options={"device": "meta"}), None),
        Here(Entry("linear", "linear"), "meta"),
    ]
    for one in made:
        one.start()
    assert [one.where for one in made] == ["meta", "", "", "meta", ""]
