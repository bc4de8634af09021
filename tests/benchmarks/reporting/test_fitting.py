"""Whatever methods are called and however many there are: no two texts of a figure overlap, and none leaves it.

Every kind of figure is drawn with matplotlib's own layout, and asked where its texts came to lie.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from overprinting import wrong_with
from scmbench.benchmarks.judging import proxies
from scmbench.benchmarks.judging.cells import cells, seed_scores
from scmbench.benchmarks.judging.contests import Friedman
from scmbench.benchmarks.judging.paired import relatives
from scmbench.benchmarks.judging.published import Published
from scmbench.benchmarks.judging.sweeps import Sweep
from scmbench.benchmarks.judging.verdict import verdicts
from scmbench.benchmarks.reporting.figures import boxes, curves, fitting, images, members, pairs, style
from scmbench.benchmarks.reporting.figures.ranking import difference_diagram
from scmbench.benchmarks.reporting.figures.relative import relative_map
from scmbench.benchmarks.reporting.figures.verdicts import verdict_map
from scmbench.benchmarks.reporting.layout import Layout

COUNTS = (3, 9, 16)
SCMS = ("dcm/chain/nlin", "dcm/a_large_backdoor_with_many_nodes/nlin")
QUESTIONS = [("observational", "mmd"), ("counterfactual", "mse_first"), ("composition", "composition_10")]
OPTION = "guidance_scale_of_the_anticausal_predictor"


def methods_of(count):
    """Long names, two variants of some models, and one word longer than its column."""
    names = [f"carefl, standard spline, {['one', 'sequential'][i % 2]} do {i}" for i in range(count)]
    names[-1] = "an_unbreakable_name_of_forty_letters_in_all"
    return [(names[i - 1 if i % 3 == 1 else i], "corrected" if i % 3 == 1 else "reference") for i in range(count)]


@cache
def run(count):
    """Scores of `count` methods and the oracle on three SCMs, half of them published, one method without answers."""
    methods = methods_of(count)
    rows = [
        {
            **dict(zip(("dataset", "model", "variant", "query", "metric"), (scm, *method, *question), strict=True)),
            "seed": seed,
            "score": 0.0021 * (1 + 5 * i) * (1 + 0.1 * seed + 0.01 * j),
        }
        for j, scm in enumerate(SCMS)
        for i, method in enumerate([*methods, ("oracle", "")])
        for question in QUESTIONS
        for seed in range(3)
        if not (i == 1 and scm == SCMS[0])
    ]
    told = [
        {"dataset": scm, "model": m, "variant": v, "seed": seed, "status": "ok", "role": "method", "name": m}
        | {"waives": "do is exact: by design"}
        for scm in SCMS
        for m, v in methods
        for seed in range(3)
    ]
    frame, told = pd.DataFrame(rows), pd.DataFrame(told)
    told.loc[(told["dataset"] == SCMS[0]) & (told["model"] == methods[1][0]), "status"] = "unsupported"
    scores = seed_scores(frame)
    box = {"form": "box", "n": 10, "whisker_low": 0.001, "q1": 0.0015, "median": 0.002, "q3": 0.003}
    lines = [
        {**dict(zip(("dataset", "model", "variant", "query", "metric"), (scm, *method, *question), strict=True)), **box}
        for scm in SCMS
        for method in methods[::2]
        for question in QUESTIONS[:2]
    ]
    lacking = {"whisker_high": 0.004, "mean": np.nan, "sd": np.nan, "tolerance": np.nan, "higher_is_better": False}
    theirs = pd.DataFrame([{**line, **lacking, "outliers": (0.01,)} for line in lines])
    published = Published("toy", "Toy", "paper", (), theirs, scale=100.0)
    found = cells(scores, told, also=published.cells)
    return scores, found, Layout.of(found, published, told), published, verdicts(scores, published, told), methods


def draw_boxes(count):
    scores, found, layout, published, *_ = run(count)
    _, title, datasets = next(boxes.pages(layout, published))
    yield boxes.boxes(scores, found, layout, published, datasets, questions=QUESTIONS[:2], title=title)


def draw_maps(count):
    scores, _, layout, _, judged, methods = run(count)
    yield verdict_map(judged, layout)
    yield relative_map(relatives(scores, methods[0], methods), methods[0], layout)


def draw_pairs(count):
    scores, _, layout, *_, methods = run(count)
    yield pairs.seed_by_seed(scores, methods[0], methods[-1], layout)
    true = np.linspace(-1, 1, 20)
    answers = [
        pd.DataFrame({"intervened": a, "node": b, "true": true, "predicted": true + i, "model": m, "variant": v})
        for a, b in [("x1", "x2"), ("x1", "a_node_with_a_long_name"), ("x3", "x4")]
        for i, (m, v) in enumerate(methods)
    ]
    yield pairs.counterfactuals(pd.concat(answers), layout, title=f"{SCMS[1]}, seed 0", panels=2)


def draw_members(count):
    layout, methods = run(count)[2], methods_of(count)
    about = {"dataset": "fmri/hg-cg", "query": "predictive", "metric": "abs_error", "seed": 0, "node": "x"}
    keys = [(m, v, who) for m, v in methods for who in "abcde"]
    rows = pd.DataFrame(keys, columns=["model", "variant", "member"]).assign(**about, value=0.0)
    yield members.errors_by_member(rows.assign(score=np.linspace(0.4, 0.8, len(rows))), layout)
    series = [
        pd.DataFrame({"model": m, "variant": v, "member": "a", "true": np.sin(np.arange(9)), "predicted": 0.1})
        for m, v in methods
    ]
    told = pd.concat(series).assign(intervened="left_Heschl_gyrus", node="right_cingulate_gyrus")
    yield members.predicted_series(told, "a", layout)


def draw_curves(count):
    methods = methods_of(count)
    about = {"dataset": "image/a_long_name_of_a_data_set", "member": "", "node": "digit", "value": 1.0}
    told = {"cf_relative": "counterfactual", "cld_weighted": "counterfactual", "frechet64": "interventional"}
    told |= {f"composition_{k}": "composition" for k in (1, 10)}
    lines = [
        {**about, "model": m, "variant": v, "seed": seed, "query": query, "metric": metric, "score": 1 + i + 0.1 * seed}
        for i, (m, v) in enumerate(methods)
        for metric, query in told.items()
        for seed in range(3)
    ]
    rows = pd.DataFrame(lines)
    dataset, scores = about["dataset"], seed_scores(rows)
    layout = Layout([dataset], [], methods)
    sweep = Sweep(methods[0][0], OPTION, [(0.1 * i, m) for i, m in enumerate(methods)])
    yield curves.along(scores, sweep, layout, dataset=dataset, beside=methods[:2])
    yield curves.cycles(scores, methods, layout, dataset=dataset)
    yield curves.against_truth(proxies.pairs(rows, dataset), layout, title=dataset)


def draw_images(count):
    methods = methods_of(count)
    x = np.zeros((28, 28, 3))
    shown = [
        images.Shown(node, value, x, x, dict.fromkeys(methods, x + 0.1))
        for node, value in (("digit", 3.0), ("the_thickness_of_the_stroke", 0.125))
    ]
    layout = Layout(["image/toy"], [], methods)
    for i in range(0, count, images.METHODS):
        yield images.grid(shown, methods[i : i + images.METHODS], layout, title="image/a_long_name_of_a_data_set")
    sweep = Sweep(methods[0][0], OPTION, [(0.1 * i, m) for i, m in enumerate(methods)])
    yield images.strip(shown, sweep, title="image/a_long_name_of_a_data_set, one row an image")


def draw_ranking(count):
    ranks = {method: 1 + 0.4 * i for i, method in enumerate(methods_of(count))}
    yield difference_diagram(Friedman("counterfactual", ranks, 14, 30.0, 0.001, 1.0, marked=True))


KINDS = [draw_ranking, draw_boxes, draw_maps, draw_pairs, draw_members, draw_curves, draw_images]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("draw", KINDS, ids=lambda draw: draw.__name__.removeprefix("draw_"))
def test_texts_keep_clear_of_each_other(draw, count, monkeypatch):
    figures = list(draw(count))
    assert figures
    for figure in figures:
        assert {what: found for what, found in wrong_with(figure, monkeypatch).items() if found} == {}


def test_the_test_sees_what_is_wrong(monkeypatch):
    figure, axes = style.new_figure(3, 2)
    axes[0, 0].set_xticks([0, 0.1], ["two names that", "run into each other"])
    figure.text(0.99, 0.5, "leaves the canvas")
    wrong = wrong_with(figure, monkeypatch)
    assert wrong["outside"] == ["leaves the canvas"]
    assert wrong["over each other"] == [("two names that", "run into each other")]


def test_no_two_methods_look_alike():
    methods = [(f"m{i}", v) for i in range(20) for v in ("reference", "corrected")]
    assert len({to_hex(c) for c in style.method_colours(methods).values()}) == len(methods)
    assert len({to_hex(c) for c in style.method_colours([(f"m{i}", "") for i in range(60)]).values()}) == 60
    assert len(set(style.method_markers(methods[:15]).values())) == 15
    assert set(style.method_hatches(methods[:2]).values()) == {"", "/////"}


@pytest.mark.parametrize("colour", ["#009E73", "#D55E00", "#0072B2", "#56B4E9", "#BBBBBB", "#CC79A7", "#B8A300"])
def test_letters_on_a_colour_have_the_contrast_of_wcag(colour):
    def light(c):
        r, g, b = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in style.to_rgb(c))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((light(colour), light(style.ink(colour))))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_lines_break_at_blanks_and_long_names_lose_their_middle():
    assert fitting.wrap("a b", 10, 8) == "a b"
    lines = fitting.wrap("several words in a row", 0.6, 8).split("\n")
    assert len(lines) > 1
    assert " ".join(lines) == "several words in a row"
    assert all(fitting.width(line, 8) <= 0.6 for line in fitting.wrap("x" * 60, 0.6, 8).split("\n"))
    short = fitting.shorten("begins" + "x" * 60 + "ends", 1.0, 8)
    assert short.startswith("begin")
    assert short.endswith("nds")
    assert fitting.width(short, 8) <= 1.0
