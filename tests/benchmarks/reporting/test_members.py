"""Members whose rows are series: estimates, intervals, tables and plots."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scmbench.benchmarks.judging.cells import cells, seed_scores
from scmbench.benchmarks.judging.members import difference, estimate, member_scores, series
from scmbench.benchmarks.judging.paired import relatives
from scmbench.benchmarks.records.results import EXAMPLES, Results
from scmbench.benchmarks.reporting import members
from scmbench.benchmarks.reporting.figures.members import errors_by_member, predicted_series
from scmbench.benchmarks.reporting.layout import Layout
from scmbench.benchmarks.reporting.render import Text, markdown
from scmbench.benchmarks.reporting.tables.members import each_member_table, errors_table
from scmbench.benchmarks.reporting.tables.relative import SAME_MEMBERS, relative_table

N, MEMBERS = 60, ["a", "b", "c", "d", "e"]


def autoregressive(stream, n=N, phi=0.9):
    x = np.zeros(n)
    for t in range(1, n):
        x[t] = phi * x[t - 1] + stream.normal()
    return np.abs(x)


def rows(shift=0.0, seeds=2):
    """Errors of two methods that differ by `shift` everywhere, and of a floor."""
    lines = []
    for i, member in enumerate(MEMBERS):
        own = autoregressive(np.random.default_rng(i)) + 0.5 * i
        for seed in range(seeds):
            for model, extra in (("linear", 0.0), ("dcm", shift), ("marginal", 1.0)):
                for t, error in enumerate(own):
                    lines.append([seed, model, member, float(t), error + extra])
    frame = pd.DataFrame(lines, columns=["seed", "model", "member", "value", "score"])
    about = {"dataset": "fmri/x-y", "variant": "", "query": "predictive", "node": "x", "metric": "abs_error"}
    return frame.assign(suite="test", problem="fmri", kind="x-y", **about)


def layout(frame):
    scores = seed_scores(frame, values="median")
    told = frame.drop_duplicates("model").assign(status="ok")
    told["role"] = ["floor" if model == "marginal" else "method" for model in told["model"]]
    return Layout.of(cells(scores), provenance=told)


def test_an_estimate_is_the_mean_over_members_of_medians_over_rows():
    frame = rows()
    own = [np.median(autoregressive(np.random.default_rng(i)) + 0.5 * i) for i in range(5)]
    e = estimate(series(frame)["linear", ""])
    assert e.mean == pytest.approx(np.mean(own))
    assert e.se == pytest.approx(np.std(own, ddof=1) / 5**0.5)
    assert e.members == 5
    assert e.rows[0] < e.mean < e.rows[1]
    assert e.both[1] - e.both[0] > e.rows[1] - e.rows[0]
    assert member_scores(frame)["linear", ""].to_dict() == pytest.approx(dict(zip(MEMBERS, own, strict=True)))
    assert seed_scores(frame, values="median").query("model == 'linear'")["score"].tolist() == pytest.approx(
        [e.mean] * 2
    )


def test_blocks_of_dependent_rows_make_wider_intervals_than_single_rows():
    errors = series(rows())["linear", ""]
    widths = {block: np.subtract(*estimate(errors, block=block).rows[::-1]) for block in (1, 10)}
    assert widths[10] > 1.3 * widths[1]


def test_a_difference_uses_the_same_draws_so_that_a_constant_one_is_certain():
    found = series(rows(shift=0.25))
    d = difference(found["dcm", ""], found["linear", ""])
    assert d.mean == pytest.approx(0.25)
    assert d.se == pytest.approx(0, abs=1e-12)
    assert d.both == pytest.approx((0.25, 0.25))


def test_a_single_row_a_member_says_nothing_about_rows():
    single = estimate({m: e[:, :1] for m, e in series(rows())["linear", ""].items()})
    assert np.isnan(single.rows).all()
    assert single.both[0] < single.mean < single.both[1]


def test_different_members_or_lengths_are_refused():
    frame = rows()
    found = series(frame)
    some = {m: e for m, e in found["dcm", ""].items() if m != "a"}
    with pytest.raises(ValueError, match=r"different members: \['a'\]"):
        difference(some, found["linear", ""])
    with pytest.raises(ValueError, match="a differ in number between seeds"):
        series(frame.drop(index=frame[(frame.member == "a") & (frame.model == "dcm")].index[0]))
    with pytest.raises(ValueError, match="between methods"):
        series(frame[(frame.model != "dcm") | (frame.value > 3)])
    with pytest.raises(ValueError, match="one question at a time"):
        series(pd.concat([frame, frame.assign(metric="other")]))


def test_tables_show_every_member_and_the_difference_to_the_floor():
    frame = rows(shift=-0.25)
    table = errors_table(frame, layout(frame))
    assert [getattr(line[0], "text", line[0]) for line in table.rows] == ["linear", "dcm", "marginal"]
    assert table.columns[-1] == "minus marginal"
    assert table.rows[1][1] == Text(f"{member_scores(frame)['dcm', ''].mean():.3g}", bold=True)
    assert table.rows[2][-1] == "–"
    each = each_member_table(frame, layout(frame))
    assert [line[0] for line in each.rows] == MEMBERS
    assert "| a |" in markdown(each).replace("  ", " ")


def test_plots_have_a_line_a_member_and_a_panel_a_method():
    frame = rows(shift=0.2)
    (axis,) = errors_by_member(frame, layout(frame)).axes
    assert sum(line.get_color() == "#C4C4C4" for line in axis.lines) == 5
    examples = pd.DataFrame(
        [
            ("fmri/x-y", model, "", 0, "x", 0.0, "y", float(t), t + shift, "a")
            for model, shift in (("linear", 0.5), ("dcm", 1.0))
            for t in range(5)
        ],
        columns=EXAMPLES,
    )
    figure = predicted_series(examples, "a", layout(frame))
    assert [axis.get_title(loc="left") for axis in figure.axes] == [
        "linear, median error 0.500",
        "dcm, median error 1.000",
    ]
    with pytest.raises(ValueError, match="no examples of the member 'z'; there are \\['a'\\]"):
        predicted_series(examples, "z", layout(frame))


def test_a_report_has_a_section_only_where_there_are_members():
    frame = rows()
    empty = pd.DataFrame(columns=EXAMPLES)
    (part,) = members.parts(Results(frame, pd.DataFrame(), empty), layout(frame))
    assert list(part.figures) == ["members_fmri_x-y"]
    assert [table.name for table in part.tables] == ["members_fmri_x-y", "each_member_fmri_x-y"]
    alone = frame[frame.member == "a"].assign(member="")
    assert members.parts(Results(alone, pd.DataFrame(), empty), layout(alone)) == []


def test_where_there_are_members_an_interval_over_seeds_says_that_they_are_the_same():
    frame = rows(shift=0.3, seeds=5)
    scores = seed_scores(frame, values="median")
    compared = relatives(scores, ("linear", ""), [("dcm", "")])
    said = [markdown(relative_table(compared, ("linear", ""), layout(frame), members=among)) for among in (True, False)]
    assert [SAME_MEMBERS in text for text in said] == [True, False]
    assert members.there(Results(frame, pd.DataFrame(), pd.DataFrame(columns=EXAMPLES)))
    assert not members.there(Results(frame.assign(member=""), pd.DataFrame(), pd.DataFrame(columns=EXAMPLES)))
