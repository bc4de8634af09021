"""Pages made from the registry: every world and method has one, with all that it names, from the committed runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from scmbench import datasets
from scmbench.models.contract.registry import BUILT_IN, summaries

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import committed_runs
import equations
import gallery
import methods
import shown
import worlds


@pytest.fixture
def two_runs(monkeypatch):
    """Two committed runs that are quick to read."""
    read = [committed_runs._read(name) for name in ("causal-nf", "regress")]
    for module in (shown, methods):
        monkeypatch.setattr(module, "runs", lambda: read)
    return read


def test_a_world_shows_its_cells_as_the_run_has_them(two_runs):
    text = worlds.page("cnf/chain/lin")
    (line,) = [line for line in text.splitlines() if "](../methods/causal-nf.md)" in line]
    cell = two_runs[0].cells["cnf/chain/lin", "observational", "kl", "causal-nf", ""]
    assert line.split("|")[2].split()[0] == shown.number(cell["median"])
    assert "*[oracle](../methods/oracle.md)* (ceiling)" in text
    assert "[Javaloy et al., NeurIPS 2023](https://arxiv.org/abs/2306.05415)" in text


def test_a_method_shows_its_place_its_waivers_and_what_beats_it(two_runs):
    text = methods.page("linear", summaries()["linear"])
    asked = ("cnf/chain4/lin", "interventional", "ate_norm")
    mine, other = (two_runs[0].value((*asked, model, "")) for model in ("linear", "causal-nf"))
    place = 1 + (other < mine)
    line = next(line for line in text.splitlines() if line.startswith("| [chain4/lin]"))
    assert line.split("|")[3].strip() == f"{shown.number(mine)} / {place} of 2"
    assert re.search(r"^\* causal-nf: the floor marginal† is ahead of it on \[fork/nlin\]", text, re.M)
    assert "| `reference` | do is exact |" in methods.page("vaca", "")


def test_a_method_without_a_run_says_so_and_how_to_try_it(two_runs):
    text = methods.page("engression", summaries()["engression"])
    assert "nothing is known here of how good it is" in text
    assert "--add-model engression" in text  # the gate's short training of it says nothing
    assert ("engression", "") not in two_runs[1].methods()
    assert ("linear", "") in two_runs[1].methods()


@pytest.mark.parametrize("name", ["cnf/large-backdoor/nlin", "violations/sine-0.25", "violations/ctf4"])
def test_equations_come_with_all_that_they_call(name):
    text = equations.equations(datasets.get(name).scm(0))
    called = set(re.findall(r"\b(_\w+|g)\(", text))
    assert called
    assert called <= set(re.findall(r"(?:^|def )(_\w+|g)(?: = |\()", text, re.M))


def test_worlds_of_vectors_are_drawn_by_component_and_written_out():
    scm = datasets.get("tmscm/stair").scm(0)
    panel = gallery.draw(scm).axes[-1]
    gallery.plt.close("all")
    assert [label.get_text() for label in panel.get_xticklabels()] == ["x[0]", "y[0]", "y[1]", "z[0]", "z[1]", "z[2]"]
    assert "intervened on: no node by itself" in gallery.facts(scm, 1)
    assert "def _vector(" in equations.equations(scm)
    assert {"_backdoor_w", "_correlated", "_softmax_mean"} <= set(
        re.findall(r"def (\w+)\(", equations.equations(datasets.get("tmscm/backdoor").scm(0)))
    )


def test_missing_files_are_told_without_a_place_on_this_machine():
    message = "labels.txt is not in /some/cache; needed by x. Get it with `scmbench data fetch fmri`, or by hand"
    assert gallery.how(message) == "Get it with `scmbench data fetch fmri`."
    assert "/some" not in gallery.how("labels.txt is not in /some/cache")


def test_every_world_and_method_has_a_file_name_of_its_own():
    pages = [shown.world_page(name) for name in datasets.names()]
    assert len(set(pages)) == len(pages)
    assert len({shown.method_page(name) for name in BUILT_IN}) == len(BUILT_IN)
