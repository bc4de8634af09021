"""The critical difference diagram: every method named once, no label on another, bars where nothing is told apart."""

from __future__ import annotations

from itertools import combinations

import pytest
from scmbench.benchmarks.judging.contests import Friedman
from scmbench.benchmarks.reporting.figures.ranking import difference_diagram
from scmbench.benchmarks.reporting.figures.style import save


def outcome(ranks, distance=1.0, marked=True):
    named = {(f"a method of some length {i}", "corrected"): rank for i, rank in enumerate(ranks)}
    return Friedman("counterfactual", named, 14, 30.0, 0.001, distance, marked)


@pytest.mark.parametrize(
    "ranks", [[1.0, 2.0], [1.5, 1.5, 3.0], [3.0, 3.01, 3.02, 3.03, 3.04, 3.05, 3.06], range(1, 16)]
)
def test_labels_never_lie_on_each_other(ranks, tmp_path):
    figure = difference_diagram(outcome(ranks))
    save(figure, tmp_path, "diagram")
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert len(boxes) >= len(list(ranks)) + 1
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    told = [text.get_text() for text in figure.axes[0].texts]
    assert all(sum(name in each for each in told) >= 1 for name in (f"length {i} " for i in range(len(ranks))))


def test_bars_join_what_is_not_told_apart_and_are_missing_where_nothing_may_be_marked():
    def thick(figure):
        return [line for line in figure.axes[0].lines if line.get_linewidth() == 3]

    assert len(thick(difference_diagram(outcome([1.0, 1.5, 2.2, 4.0])))) == 2
    assert thick(difference_diagram(outcome([1.0, 1.5, 2.2, 4.0], marked=False))) == []
