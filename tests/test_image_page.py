"""The tables of the page on images: made from scores, and a plain sentence without a run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import image_results
import shown
from scmbench.benchmarks.judging.proxies import TRUTH
from scmbench.benchmarks.suites import shelf

PAGE = Path(image_results.__file__).with_name("image-results.md").read_text(encoding="utf-8")
NAMES = {("image-dcm", ""): "image-dcm", ("oracle", ""): "oracle", ("diff-scm", "corrected"): "diff-scm (corrected)"}


def line(model, variant, seed, query, node, metric, score):
    return {
        **{"dataset": "image/strokes", "model": model, "variant": variant, "seed": seed},
        **{"query": query, "node": node, "metric": metric, "score": score},
    }


ROWS = pd.DataFrame(
    [
        *(line("image-dcm", None, seed, "counterfactual", "digit", TRUTH, 0.5 + seed / 10) for seed in range(3)),
        *(line("image-dcm", None, seed, "counterfactual", "slant", TRUTH, 0.25) for seed in range(3)),
        *(line("image-dcm", None, seed, "counterfactual-image", "digit", TRUTH, 0.25) for seed in range(3)),
        *(line("image-dcm", None, seed, "counterfactual-image", "slant", TRUTH, 0.75) for seed in range(3)),
        line("diff-scm", "corrected", 0, "composition", "", "composition_1", 0.125),
        line("diff-scm", "corrected", 0, "counterfactual", "digit", "cld", 1.25),
    ]
)


def test_a_method_is_told_by_node_median_and_ends_over_seeds():
    lines = image_results.truth(ROWS, NAMES).splitlines()
    assert lines[0].startswith("| method | do(digit) | do(slant) | causes given |")
    assert lines[2].startswith("| image-dcm | 0.600<br>0.500 to 0.700 | 0.250 | 0.500 |")  # seeds first, then nodes
    assert "| – | – | – | 0.125 |" in lines[3]
    assert len(lines) == 4  # the oracle has no score: no line


def test_proxies_stand_beside_the_true_error():
    lines = image_results.proxies(ROWS, NAMES).splitlines()
    assert lines[2].startswith("| image-dcm | 0.600<br>0.500 to 0.700 | – |")
    assert "| 1.25 |" in lines[3]


def test_without_a_run_every_table_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shown.committed, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(image_results, "OUT", tmp_path / "tables")
    image_results.main()
    written = {path.stem: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert all(text == shown.not_run(name.partition("_")[2]) for name, text in written.items())
    assert set(re.findall(r'numbers/images/tables/(\w[\w-]*)\.md"', PAGE)) == set(written)


def test_a_committed_run_fills_them(tmp_path, monkeypatch):
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "scores.csv").touch()
    layout = SimpleNamespace(methods=list(NAMES), method=NAMES.__getitem__)
    monkeypatch.setattr(shown.committed, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(image_results, "runs", lambda: [SimpleNamespace(name="image", layout=layout)])
    monkeypatch.setattr(image_results, "run", lambda name: SimpleNamespace(rows=ROWS))
    found = image_results.tables()
    assert found["truth_image"] == image_results.truth(ROWS, NAMES)
    assert found["truth_image-morpho"] == shown.not_run("image-morpho")


@pytest.mark.parametrize("suite", image_results.SUITES)
def test_the_suites_are_there(suite):
    assert suite in shelf.names()
