"""Figures and tables of images, from synthetic records: pixels are what was kept, panels are what was scored."""

from __future__ import annotations

import base64
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scmbench.benchmarks.judging import curves as published
from scmbench.benchmarks.judging import proxies
from scmbench.benchmarks.judging.curves import load
from scmbench.benchmarks.judging.sweeps import Sweep, sweeps
from scmbench.benchmarks.records.record import Identity, Record
from scmbench.benchmarks.records.results import Results, gather
from scmbench.benchmarks.reporting import images
from scmbench.benchmarks.reporting.figures import curves
from scmbench.benchmarks.reporting.figures.images import GAP, grid, lines, strip
from scmbench.benchmarks.reporting.figures.style import description
from scmbench.benchmarks.reporting.layout import Layout
from scmbench.benchmarks.reporting.page import page
from scmbench.benchmarks.reporting.render import markdown
from scmbench.benchmarks.reporting.report import Report
from scmbench.benchmarks.reporting.tables.scores import overview
from scmbench.benchmarks.suites.suite import Entry, Suite
from scmbench.datasets import Score
from scmbench.datasets.pictures import encode, pictures

SCALES = (0.0, 0.7, 2.0)
NAMES = ["image-dcm", *(f"diff-scm s={s:g}" for s in SCALES), "identity"]


def digits(n: int, side: int = 12) -> torch.Tensor:
    """Rings of growing size."""
    y, x = torch.meshgrid(torch.arange(side * 1.0), torch.arange(side * 1.0), indexing="ij")
    middle, radius = (side - 1) / 2, torch.linspace(2, side / 2 - 1, n)[:, None, None]
    return torch.sigmoid(4 - 4 * (((x - middle).square() + (y - middle).square()).sqrt() - radius).abs())[:, None]


ERROR = {"image-dcm": 0.3, "diff-scm s=0": 1.0, "diff-scm s=0.7": 0.8, "diff-scm s=2": 0.5, "identity": 1.0}


def record(name: str, seed: int = 0, *, truth: bool = True) -> Record:
    x = digits(16)
    true = x.flip(0)
    answer = true + ERROR[name] ** 0.5 * (x - true)
    kept = [
        *pictures("digit", torch.arange(16) // 2, "image", factual=x, answer=answer, truth=true if truth else None),
        *pictures("slant", torch.arange(16) / 40, "image", factual=x, answer=answer, truth=true if truth else None),
    ]
    e = ERROR[name] + 0.01 * seed
    told = {"cf_relative": e, "validity": 1 - e / 2, "cld": 1 + e / 4, "l1": 0.2 - 0.1 * e, "im1_median": 1.1 - e / 9}
    scores = [Score("counterfactual", metric, x, "digit", 1.0) for metric, x in told.items()]
    scores += [Score("composition", f"composition_{k}", 0.01 * k * e) for k in range(1, 11)]
    where = {"python": "3.11", "packages": "", "commit": "c", "dirty": False, "hardware": "", "threads": 1}
    identity = Identity("image/test", 1, seed, "linear", 1, {}, "standard", 1, {})
    role = "floor" if name == "identity" else "method"
    shown = kept if seed == 0 else ()
    return Record(identity, "ok", scores=[("", s) for s in scores], pictures=shown, provenance=where, role=role)


@cache
def results(seeds: int = 3, *, truth: bool = True) -> Results:
    return gather([(record(name, s, truth=truth), name) for name in NAMES for s in range(seeds)], suite="t")


def suite(seeds: int = 3) -> Suite:
    """What `sweeps` sees of it is faked: no model that is here has a guidance scale."""
    entries = [Entry("linear", name) for name in NAMES]
    return Suite("t", "Images", "standard", ["image/test"], entries, range(seeds))


SWEEP = Sweep("diff-scm", "scale", [(s, (f"diff-scm s={s:g}", "")) for s in SCALES])
METHODS = [("image-dcm", ""), ("identity", "")]


def layout(found: Results) -> Layout:
    roles = {("identity", ""): "floor"}
    return Layout(["image/test"], [], [(name, "") for name in NAMES], roles=roles) if found else Layout([], [], [])


def pixels(figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def images_in(figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def test_lines_are_rows_that_all_methods_have_spread_over_their_values():
    shown = lines(results().pictures, METHODS, most=3)
    assert [line.intervened for line in shown] == ["digit"] * 3 + ["slant"] * 3
    assert [line.value for line in shown[:3]] == [0, 3, 6]
    assert shown[0].label == "do(digit = 0)"
    assert set(shown[0].answers) == set(METHODS)
    lacking = results().pictures
    lacking = lacking[(lacking["model"] != "identity") | (lacking["intervened"] == "slant")]
    assert {line.intervened for line in lines(lacking, METHODS, most=3)} == {"slant"}
    assert lines(lacking.iloc[:0], METHODS, most=3) == []
    several = lines(results().pictures.assign(value=None), METHODS, most=1)
    assert [line.label for line in several] == ["do(digit)", "do(slant)"]


def test_a_grid_shows_every_pixel_as_it_was_kept():
    found = results()
    shown = lines(found.pictures, METHODS, most=3)
    figure = grid(shown, METHODS, layout(found), title="strokes")
    sheet = images_in(figure)
    zoom = 84 // 12
    assert sheet[: 12 * zoom, : 12 * zoom : 1].shape == (84, 84, 3)
    np.testing.assert_allclose(sheet[:84:zoom, :84:zoom], shown[0].factual, atol=1e-9)
    np.testing.assert_allclose(sheet[zoom - 1 : 84 : zoom, zoom - 1 : 84 : zoom], shown[0].factual, atol=1e-9)
    second = 84 + GAP
    np.testing.assert_allclose(sheet[:84:zoom, second : second + 84 : zoom], shown[0].truth, atol=1e-9)
    drawn = pixels(figure)  # the same on the canvas, a pixel of it on every pixel
    corner = np.argwhere(np.all(np.isclose(drawn, sheet[0, 0], atol=0.01), axis=-1))[0]
    np.testing.assert_allclose(
        drawn[corner[0] : corner[0] + 84, corner[1] : corner[1] + 84], sheet[:84, :84], atol=0.01
    )


@pytest.mark.parametrize("node", ["slant", "intensity", "a_cause_of_a_long_name"])
def test_no_text_of_a_grid_is_cut_at_the_edge_of_its_picture(node):
    found = results()
    shown = [replace(line, intervened=node, value=0.4531) for line in lines(found.pictures, METHODS, most=1)]
    figure = grid(shown, METHODS, layout(found), title="strokes")
    figure.canvas.draw()
    edge = figure.bbox
    for text in (*figure.axes[0].texts, *figure.texts):
        box = text.get_window_extent()
        assert edge.x0 <= box.x0
        assert box.x1 <= edge.x1


def test_differences_are_signed_and_share_one_scale():
    found = results()
    shown = lines(found.pictures, METHODS, most=1)
    exact = [replace(line, answers={m: line.truth for m in METHODS}) for line in shown]
    sheet = images_in(grid(exact, METHODS, layout(found)))
    third = 2 * (84 + GAP) + GAP + 84 + GAP
    for k in range(2):  # of every method
        middle = sheet[:84, third + 2 * k * (84 + GAP) :][:, :84]
        assert middle.min() > 0.93  # nothing to see: white
    more = [replace(line, answers={m: np.clip(line.truth + 0.5, 0, 1) for m in METHODS}) for line in shown]
    sheet = images_in(grid(more, METHODS, layout(found)))
    for k in range(2):
        where = sheet[:84, third + 2 * k * (84 + GAP) :][:, :84].reshape(-1, 3)
        assert (where[:, 0] >= where[:, 2] - 0.02).all()  # red, not blue: too much ink
    labels = [t.get_text() for t in grid(more, METHODS, layout(found)).axes[1].get_xticklabels()]
    assert labels == ["−0.5", "0", "+0.5"]


def test_without_a_truth_the_factual_image_stands_for_it():
    found = results(truth=False)
    shown = lines(found.pictures, METHODS, most=2)
    assert shown[0].truth is None
    figure = grid(shown, METHODS, layout(found))
    assert "signed difference from the factual image" in description(figure, "x")
    assert [t.get_text() for t in figure.axes[0].texts if t.get_text() in ("factual", "truth")] == ["factual"]


def test_a_strip_goes_from_the_factual_image_along_the_sweep_to_the_truth():
    found = results()
    shown = lines(found.pictures, SWEEP.methods, most=2)
    figure = strip(shown, SWEEP)
    texts = [t.get_text() for t in figure.axes[0].texts]
    assert [t for t in texts if not t.startswith("do(")] == ["factual", "0", "0.7", "2", "truth", "scale"]
    assert "diff-scm at scale = 0, 0.7, 2, then the true" in description(figure, "x")
    for draw in (lambda: strip([], SWEEP), lambda: grid([], METHODS, layout(found))):
        with pytest.raises(ValueError, match="no picture that all"):
            draw()


def test_curves_have_a_panel_a_score_and_bands_from_three_seeds_on():
    for seeds, bands in ((3, True), (2, False)):
        found = results(seeds)
        scores = Report.of(suite(seeds), found, papers=[]).scores
        theirs = [load("diffscm_cld")]
        beside = [("identity", "")]
        figure = curves.along(scores, SWEEP, layout(found), dataset="image/test", beside=beside, published=theirs)
        panels = {axis.get_title(): axis for axis in figure.axes if axis.get_visible()}
        assert list(panels)[:3] == ["error / doing nothing", "validity", "CLD"]
        assert len(panels["validity"].collections) == (1 if bands else 4)  # else a point a seed at every value
        band = np.ptp(panels["validity"].collections[0].get_paths()[0].vertices[:, 1])
        assert not bands or band > np.ptp(panels["validity"].lines[0].get_ydata())
        line = panels["error / doing nothing"].lines[0]
        assert list(line.get_xdata()) == [0, 0.7, 2]
        assert list(line.get_ydata()) == pytest.approx([ERROR[m] + 0.01 * (seeds - 1) / 2 for m, _ in SWEEP.methods])
        assert [t.get_text() for t in figure.legends[0].get_texts()] == ["diff-scm", "identity", "paper (CLD)"]
    with pytest.raises(ValueError, match="the sweep of scale has no score"):
        curves.along(scores.iloc[:0], SWEEP, layout(found), dataset="image/test")


def test_composition_is_drawn_over_its_cycles():
    found = results()
    scores = Report.of(suite(), found, papers=[]).scores
    figure = curves.cycles(scores, [("image-dcm", ""), ("no", "")], layout(found), dataset="image/test")
    (line,) = figure.axes[0].lines
    assert list(line.get_xdata()) == list(range(1, 11))
    assert line.get_ydata()[-1] == pytest.approx(0.1 * (ERROR["image-dcm"] + 0.01))
    with pytest.raises(ValueError, match="no method has a score of composition"):
        curves.cycles(scores, [("no", "")], layout(found), dataset="image/test")


def test_agreement_is_spearmans_and_names_what_a_proxy_would_have_chosen():
    found = proxies.pairs(results().rows, "image/test")
    told = proxies.agreement(found).set_index("proxy")
    assert told.loc["validity", "rho"] == pytest.approx(1)  # higher is better: turned round
    assert told.loc["cld", "rho"] == pytest.approx(1)
    assert told.loc["l1", "rho"] == pytest.approx(-1)
    assert told.loc["l1", "chosen"] in [("diff-scm s=0", ""), ("identity", "")]
    assert told.loc["cld", "chosen"] == told.loc["cld", "best"] == ("image-dcm", "")
    assert told.loc["l1", "chosen_error"] == pytest.approx(1.01)
    assert set(told["n"]) == {5}
    few = proxies.agreement({"cld": found["cld"].iloc[:3]}).set_index("proxy")
    assert math.isnan(few.loc["cld", "low"])
    assert math.isnan(proxies.agreement({"cld": found["cld"].assign(cld=1.0)})["rho"].iloc[0])
    without = proxies.pairs(results().rows, "image/test", without=[("identity", "")])
    assert {len(both) for both in without.values()} == {4}
    rows = results().rows
    assert proxies.agreement(proxies.pairs(rows[rows["metric"] != "cf_relative"], "image/test")).empty


def test_a_proxy_stands_beside_the_truth_of_the_same_interventions():
    rows = results().rows
    other = rows[rows["metric"] == "cf_relative"].assign(node="slant", score=5.0)
    found = proxies.pairs(pd.concat([rows, other]), "image/test")
    assert found["cld"]["cf_relative"].max() == pytest.approx(1.01)  # of do(digit), where it was scored
    assert found["composition_1"]["cf_relative"].max() == pytest.approx((1.01 + 5) / 2)  # of all
    elsewhere = rows[rows["metric"] == "cld"].assign(query="interventional", score=99.0)
    assert proxies.pairs(pd.concat([elsewhere, rows]), "image/test")["cld"]["cld"].max() < 2


def test_scores_of_two_questions_are_not_mixed_in_a_curve():
    scores = Report.of(suite(), results(), papers=[]).scores
    other = scores[scores["metric"] == "cld"].assign(query="interventional", score=99.0)
    figure = curves.along(pd.concat([other, scores]), SWEEP, layout(results()), dataset="image/test")
    (cld,) = [axis for axis in figure.axes if axis.get_title() == "CLD"]
    assert max(cld.lines[0].get_ydata()) < 2


def test_sweeps_are_methods_that_differ_in_one_number():
    def entry(label, **options):
        return (label, ""), "diff-scm", {"depth": 1.0, "clip": "none", **options}

    found = sweeps([entry(f"s{s}", scale=s) for s in (2, 0, 1)] + [entry("d", scale=1, depth=0.5)])
    assert [(s.option, [m for m, _ in s.methods]) for s in found] == [("scale", ["s0", "s1", "s2"])]
    assert sweeps([entry(f"s{s}", scale=s) for s in (2, 0)]) == []
    assert sweeps([entry(f"s{s}", scale=s, clip=str(s)) for s in (2, 0, 1)]) == []
    assert sweeps([entry(f"s{s}", flag=s) for s in (True, False, True)]) == []


def test_a_report_of_images_has_its_sections_and_says_what_each_figure_shows(monkeypatch):
    monkeypatch.setattr(images, "sweeps", lambda entries: [SWEEP])
    report = Report.of(suite(), results(), papers=[])
    sections = {part.title: part for part in images.parts(suite(), report.results, report.scores, report.layout)}
    assert list(sections) == [
        *("Pictures", "Along a sweep", "Composition over cycles", "Do proxies agree with the truth?"),
    ]
    assert set(sections["Pictures"].figures) == {"pictures_image_test", "sweep_image_test_diff-scm_scale"}
    names = [name for part in sections.values() for name in part.figures]
    text = page("t", "", list(sections.values()), dict.fromkeys(names, b"PNG"), [])
    assert 'alt="6 rows of images under do(digit), do(slant): factual, truth, then the answer of image-dcm' in text
    assert text.count("<img") == text.count('alt="') == len(names) == 5
    assert "Which proxy would have chosen the right method?" in text
    small = gather([(record("identity"), "identity")], suite="t")
    assert "Composition over cycles" in [part.title for part in Report.of(suite(1), small, papers=[]).parts()]


def test_published_numbers_stand_beside_their_data_sets(monkeypatch):
    monkeypatch.setattr(images, "sweeps", lambda entries: [SWEEP])
    for dataset, extra in (("image/mnist", "Along a sweep"), ("image/morpho", "Beside published tables")):
        found = results()
        rows = found.rows[found.rows["metric"].isin(["cld", "validity", "composition_1"])].assign(dataset=dataset)
        found = replace(found, rows=rows, pictures=found.pictures.iloc[:0])
        scores = Report.of(replace(suite(), datasets=[dataset]), found, papers=[]).scores
        beside = replace(layout(found), datasets=[dataset])
        sections = {part.title: part for part in images.parts(suite(), found, scores, beside)}
        (table,) = sections[extra].tables
        text = markdown(table)
        if dataset == "image/mnist":
            assert "| diff-scm | 2.00 | 0.800 | – | 3 | 3 | undecided |" in text
            assert "about ±0.002" in text
        else:
            assert "| composition, L1 of 0..255, 1 cycle | 2.60 ± 1.45 | 0.438 ± 0.178 | 3.81 ± 1.82 | 0.790 |" in text
            assert "| class reached under do(digit) | 0.775 | 0.972 | 0.451 | 0.845 |" in text
            assert text.count("| compare |") == 13
        other = next(title for title in ("Along a sweep", "Beside published tables") if title != extra)
        assert not sections[other].tables if other in sections else True
    assert published.beside("image/strokes") == []


def test_validity_is_better_high_and_no_floor_is_praised_for_a_proxy():
    report = Report.of(suite(), results(), papers=[])
    assert ("counterfactual", "validity") in report.layout.higher
    assert ("counterfactual", "cld") not in report.layout.higher
    text = markdown(overview(None, report.found, report.layout, report.scores))
    assert "but for CF validity, where higher is" in text
    assert "| CF L1 to the factual image |" in text  # where identity is best by construction: no mark
    assert "| composition, 1 cycle |" in text
    assert "L1 to the factual image: identity" not in text


def test_box_plots_show_a_few_scores_of_images_and_all_of_others():
    report = Report.of(suite(), results(), papers=[])
    assert [metric for _, metric in images.boxed(report.layout) or []] == [
        *("cf_relative", "validity", "cld", "composition_1"),
    ]
    assert images.boxed(replace(report.layout, questions=[("observational", "mmd")])) is None


def test_errors_that_span_much_are_drawn_on_a_logarithmic_axis():
    rows = results().rows
    far = (rows["metric"] == "cf_relative") & (rows["model"] == "image-dcm")
    for factor, scale in ((1, "linear"), (0.01, "log")):
        wide = rows.assign(score=rows["score"].where(~far, rows["score"] * factor))
        figure = curves.against_truth(proxies.pairs(wide, "image/test"), layout(results()))
        assert {axis.get_xscale() for axis in figure.axes if axis.get_visible()} == {scale}


def test_other_figures_are_described_by_name_and_title():
    figure = Figure()
    assert description(figure, "boxes_nlin") == "boxes nlin"
    figure.suptitle("nlin (additive)")
    assert description(figure, "boxes_nlin") == "boxes nlin (nlin (additive))"


def test_pictures_of_another_size_and_names_with_dollars_do_no_harm():
    frame = results().pictures.copy().assign(intervened=lambda f: f["intervened"].replace("digit", "$x_"))
    other = gather([(record("identity"), "identity")], suite="t").pictures
    odd = base64.b64encode(encode(torch.zeros(1, 3, 3))).decode()
    frame.loc[frame["row"] == 4, "answer"] = odd
    shown = lines(frame, METHODS, most=8)
    assert len(other) == 16
    assert [line.size() for line in shown] == [{(12, 12, 3)}] * 14
    grid(shown, METHODS, layout(results())).canvas.draw()


def test_a_report_without_images_has_none_of_this():
    found = results()
    plain = replace(found, pictures=found.pictures.iloc[:0], rows=found.rows.assign(metric="mmd"))
    assert images.parts(suite(), plain, Report.of(suite(), plain, papers=[]).scores, layout(found)) == []
