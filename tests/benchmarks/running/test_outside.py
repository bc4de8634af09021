"""What goes between the harness and a model from outside is data, and no more of it than is asked about."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time

import psutil
import pytest
import torch
from scmbench import datasets
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.running.blame import Told, costs
from scmbench.benchmarks.running.chamber import pack, unpack
from scmbench.benchmarks.running.hosts import Here, host, is_secluded
from scmbench.benchmarks.suites.suite import Entry


def test_a_view_does_not_take_along_what_it_leaves_out():
    whole = torch.arange(10_000, dtype=torch.float64)
    packed = pack({"train": {"x": whole[:3]}, "rest": [1, "two", None]})
    assert len(packed) < 5_000
    content = unpack(packed)
    assert content["train"]["x"].tolist() == [0.0, 1.0, 2.0]
    assert content["rest"] == [1, "two", None]


@pytest.mark.parametrize("call", [os.system, subprocess.Popen, print])
def test_what_comes_back_cannot_run_code(call, capfd):
    class Bomb:
        def __reduce__(self):
            return call, ("echo boom",)

    for content in (pickle.dumps(Bomb()), b"", b"junk"):
        with pytest.raises(pickle.UnpicklingError):
            unpack(content)
    assert "boom" not in capfd.readouterr().out


@pytest.mark.parametrize("told", [None, [], {"a": "b"}, {"commit": 1, "fit_wall_s": 2, "x_seconds": 3, "cpu_s": 4}])
def test_a_cost_that_is_none_is_no_cost(told):
    assert costs(told or {}) == {}


def test_an_outside_model_answers_what_it_would_here_and_dies_with_its_batch(monkeypatch):
    (problem,) = datasets.get("check/sine").problems(protocols.get("paper"), seed=0)
    query = problem.queries[0]
    entry, twin = Entry("cheats:Spoils", "spoils"), Entry("linear", "linear")
    assert (is_secluded(entry), is_secluded(twin)) == (True, False)
    with host(entry, None) as outside, host(twin, None) as here:
        assert isinstance(here, Here)
        asked = []
        for made in (outside, here):
            made.start()
            (model,), drawn = made.fit([problem], [3])
            assert not drawn
            asked.append(made.configured(model, made.entry))
        chamber = outside.process
        answers = [query.ask(model, seed=5) for model in asked]
        assert all(torch.equal(answers[0][node], answers[1][node]) for node in problem.graph)
        before = outside.cpu()
        asked[0].sample(200_000, seed=1)
        assert outside.cpu() > before
        with pytest.raises(Told, match="unexpected keyword argument"):
            outside.call("ask", model=asked[0].name, method="sample", arguments=[3], seed={"sead": 1}, stream=0)
        with pytest.raises(Told, match="is no question"):
            outside.call("ask", model=asked[0].name, method="replay", arguments=[], seed={}, stream=0)
        chamber.kill()
        with pytest.raises(Told, match=r"its process died \(exit code -9\)"):
            asked[0].sample(3, seed=1)
        with pytest.raises(Told, match="its process died"):
            asked[0].sample(3, seed=1)
        assert outside.fit([problem], [3])[0] == [0]  # in a new one
        again = outside.process
    assert outside.close() is None
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(one.pid) for one in (chamber, again)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(one.pid) for one in (chamber, again))


def test_an_outside_model_is_told_of_hidden_causes_as_one_here_is():
    (problem,) = datasets.get("proxies/0.5").problems(protocols.get("paper"), seed=0)
    with host(Entry("cheats:Hears", "hears"), None) as outside:
        assert len(outside.fit([problem], [3])[0]) == 1


def test_the_process_of_a_chamber_has_no_world_loaded():
    code = (
        "import sys\n"
        "from scmbench.benchmarks.running import chamber\n"
        "from scmbench.datasets.registry import FAMILIES, catalogue\n"
        "print([m for m in (*catalogue(), *FAMILIES) if f'scmbench.datasets.{m}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
