"""Figures: that boxes, lines, points and colours stand for the numbers given, and that drawing leaves no trace."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, Rectangle
from scmbench.benchmarks.judging.cells import cells, seed_scores
from scmbench.benchmarks.judging.published import load
from scmbench.benchmarks.judging.verdict import verdicts
from scmbench.benchmarks.reporting.figures import boxes as boxplots
from scmbench.benchmarks.reporting.figures import pairs as scatterplots
from scmbench.benchmarks.reporting.figures import style
from scmbench.benchmarks.reporting.figures.verdicts import verdict_map
from scmbench.benchmarks.reporting.layout import Layout
from scmbench.benchmarks.reporting.render import COLOURS

CHAIN, Y = "dcm/chain/nlin", "dcm/y/nlin"
DCM, FIXED, ANM = ("dcm", "reference"), ("dcm", "corrected"), ("anm", "reference")
MMD = ("observational", "mmd")


@pytest.fixture(scope="module")
def run():
    """DCM in two variants and ANM on two SCMs at five seeds; ANM lacks the second."""
    rows = [
        {
            **dict(zip(["dataset", "model", "variant"], (dataset, *method), strict=True)),
            "seed": seed,
            "score": level * s,
        }
        | {"query": "observational", "metric": "mmd"}
        for dataset in (CHAIN, Y)
        for method, level in ((DCM, 1.0), (FIXED, 1.1), (ANM, 0.3), (("oracle", ""), 0.5))
        for seed, s in enumerate((0.002, 0.0021, 0.0022, 0.0025, 0.02))
        if not (dataset == Y and method == ANM)
    ]
    told = {"variant": "", "seed": 0, "status": "ok", "role": "method"}
    failed = {**told, "dataset": Y, "model": "anm", "variant": "reference", "status": "failed"}
    provenance = pd.DataFrame([failed, {**told, "dataset": Y, "model": "oracle", "role": "ceiling"}]).assign(
        name=lambda frame: frame["model"]
    )
    published = load("dcm_figures")
    scores = seed_scores(pd.DataFrame(rows))
    found = cells(scores, provenance, also=published.cells)
    return scores, found, Layout.of(found, published, provenance), published, verdicts(scores, published, provenance)


@pytest.fixture(scope="module")
def drawn(run):
    scores, found, layout, published, _ = run
    return boxplots.boxes(scores, found, layout, published, [CHAIN, Y], questions=[MMD], title="nlin")


def boxes_of(axis):
    """(face colour, lowest, highest value) of the boxes, from left to right."""
    found = [(patch.get_path().vertices, to_hex(patch.get_facecolor())) for patch in axis.patches]
    assert all(isinstance(patch, PathPatch) for patch in axis.patches)
    return [(colour, v[:-1, 1].min(), v[:-1, 1].max()) for v, colour in sorted(found, key=lambda f: f[0][0, 0])]


def test_published_boxes_stand_beside_ours(run, drawn):
    colours = {m: to_hex(c) for m, c in style.method_colours([DCM, FIXED, ANM]).items()}
    boxes = boxes_of(drawn.axes[0])
    paper = boxplots.HOLLOW.lower()
    assert [colour for colour, *_ in boxes] == [paper, colours[DCM], colours[FIXED], paper, colours[ANM]]
    assert boxes[0][1:] == pytest.approx((0.19197, 0.275763))
    assert boxes[1][1:] == pytest.approx((0.21, 0.25))
    assert boxes[4][1:] == pytest.approx((0.063, 0.075))
    assert [label.get_text() for label in drawn.axes[0].get_xticklabels()] == ["DCM", "ANM"]


def test_the_oracles_median_is_a_line(drawn):
    flat = [line for line in drawn.axes[0].lines if list(line.get_xdata()) == [0, 1]]
    assert [line.get_ydata()[0] for line in flat] == pytest.approx([0.11])


def test_a_failed_method_has_its_word_in_place_of_a_box(drawn):
    assert [t.get_text() for t in drawn.axes[0].texts] == []
    assert [t.get_text() for t in drawn.axes[1].texts] == ["failed"]


def test_wide_spans_are_logarithmic_and_plainly_labelled(drawn):
    assert [axis.get_yscale() for axis in drawn.axes] == ["log", "log"]
    drawn.canvas.draw()
    labels = [t.get_text() for t in drawn.axes[0].get_yticklabels() if t.get_text()]
    assert labels
    assert all("$" not in label for label in labels)
    assert drawn.axes[0].get_ylabel() == "observational\nMMD (×10⁻², log)"


def test_scores_at_zero_stay_on_a_linear_axis(run):
    scores, found, layout, published, _ = run
    figure = boxplots.boxes(scores.assign(score=scores["score"] - 0.001), found, layout, published, [CHAIN])
    assert figure.axes[0].get_yscale() == "linear"


def test_published_moments_are_points_with_bars(run):
    scores, found, layout, published, _ = run
    moments = published.cells.assign(form="moments", mean=0.004, sd=0.001)
    figure = boxplots.boxes(scores, found, layout, type(published)(**{**published.__dict__, "cells": moments}), [CHAIN])
    assert [box[0] for box in boxes_of(figure.axes[0])].count(boxplots.HOLLOW.lower()) == 0
    bars = [c.get_segments()[0][:, 1] for c in figure.axes[0].collections]
    assert [bar.tolist() for bar in bars] == [pytest.approx([0.3, 0.5])] * 2


def test_a_page_holds_four_scms(run):
    layout = run[2]
    many = Layout([f"dcm/{scm}/nlin" for scm in "abcde"] + ["dcm/a/nadd"], layout.questions, layout.methods)
    assert [(name, len(d)) for name, _, d in boxplots.pages(many)] == [
        ("boxes_nlin_1", 4),
        ("boxes_nlin_2", 1),
        ("boxes_nadd", 1),
    ]


def test_colours_tell_models_apart_and_variants_are_shades():
    colours = style.method_colours([DCM, FIXED, ANM])
    assert to_hex(colours[DCM]) == style.PALETTE[0].lower()
    assert len(set(colours.values())) == 3
    assert all(light >= dark for light, dark in zip(colours[FIXED], colours[DCM], strict=True))


def test_the_map_colours_every_published_cell_that_was_run(run):
    *_, layout, _, judged = run
    figure = verdict_map(judged, layout)
    tiles = [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    words = {
        (d, m): w
        for d, m, w, q in judged[judged["form"] != ""][["dataset", "model", "verdict", "query"]].itertuples(index=False)
        if q == MMD[0]
    }
    place = {(p.get_x(), p.get_y()): to_hex(p.get_facecolor()).upper() for p in tiles}
    expected = {
        (x, y): COLOURS[words[dataset, model]]
        for y, dataset in enumerate((CHAIN, Y))
        for x, model in enumerate(("dcm", "anm"))
    }
    assert {key: place[key] for key in expected} == expected
    assert "failed" in [t.get_text() for t in figure.axes[0].texts]


def test_seed_by_seed_draws_every_common_seed(run):
    scores, _, layout, *_ = run
    figure = scatterplots.seed_by_seed(scores, FIXED, DCM, layout)
    points = np.concatenate([np.asarray(c.get_offsets()) for c in figure.axes[0].collections])
    assert points[:, 0] == pytest.approx([1.1] * 10)
    assert sorted(points[:, 1].round().astype(int)) == [0] * 5 + [1] * 5
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["chain/nlin", "y/nlin"]


def answers():
    rng = np.random.default_rng(0)
    true = rng.standard_normal(50)
    pairs = [("x1", "x2"), ("x1", "x3"), ("x2", "x3")]
    return pd.concat(
        [
            pd.DataFrame(
                {"intervened": i, "node": j, "true": true, "predicted": true + error, "model": m, "variant": v}
            )
            for i, j in pairs
            for (m, v), error in ((DCM, 0.1), (ANM, 1.0))
        ]
    )


def test_counterfactuals_one_panel_a_pair(run):
    layout = run[2]
    figure = scatterplots.counterfactuals(answers(), layout, title="t", points=20)
    assert [axis.get_title() for axis in figure.axes] == ["x2 under do(x1)", "x3 under do(x1)", "x3 under do(x2)"]
    assert [t.get_text() for t in figure.axes[0].texts] == ["0.01", "1"]
    assert [len(c.get_offsets()) for c in figure.axes[0].collections] == [20, 20]
    worst, best = figure.axes[0].collections
    assert (worst.get_offsets()[:, 1] - worst.get_offsets()[:, 0]).max() == pytest.approx(1.0)
    assert (best.get_offsets()[:, 1] - best.get_offsets()[:, 0]).max() == pytest.approx(0.1)
    few = scatterplots.counterfactuals(answers(), layout, title="t", panels=2)
    assert few.get_suptitle().startswith("t (2 of 3 pairs of nodes)")
    with pytest.raises(ValueError, match=r"lack the column\(s\) \['true'\]"):
        scatterplots.counterfactuals(answers().drop(columns="true"), layout)


def test_drawing_changes_no_global_state_and_repeats(run, tmp_path):
    scores, found, layout, published, _ = run
    mpl.get_backend()  # found out at the first question, which is no change of ours
    before, state = mpl.rcParams.copy(), np.random.get_state()[1].copy()  # noqa: NPY002
    for folder in ("a", "b"):
        style.save(
            boxplots.boxes(scores, found, layout, published, [CHAIN], questions=[MMD]), tmp_path / folder, "boxes"
        )
    assert mpl.rcParams == before
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    for name in ("boxes.png", "boxes.pdf"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
