"""Questions about images: floors and ceilings score what they must, null rows are not asked, bad input is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from scmbench import datasets, metrics, models
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.axioms import Composition
from scmbench.benchmarks.questions.image_protocol import ImageProtocol
from scmbench.benchmarks.questions.images import ImageCounterfactual, other_rows, relative
from scmbench.benchmarks.questions.measured_images import of_another_class
from scmbench.benchmarks.questions.protocols import Protocol
from scmbench.datasets import SCM, SCMDataset, ValuesError
from scmbench.models import Unsupported

WORLD = "image/strokes16"
PARENTS = {"digit", "thickness", "intensity", "slant"}


@pytest.fixture(autouse=True)
def own_judges(tmp_path_factory, monkeypatch):
    """Judges of a few steps are kept in a folder of the tests, not beside the user's data."""
    monkeypatch.setenv("SCMBENCH_DATA", str(tmp_path_factory.getbasetemp() / "judges"))


@pytest.fixture(scope="module")
def problem():
    smoke = protocols.get("image-smoke")
    assert isinstance(smoke, ImageProtocol)
    return datasets.get(WORLD).problems(replace(smoke, n_train=60), seed=0)[0]


def scores(problem, name, kinds=("counterfactual", "counterfactual-image", "composition", "reversibility")):
    model = models.build(models.load(name), {}).fit_problem(problem, seed=0)
    return [
        score
        for query in problem.queries
        if query.kind in kinds and query.rung in model.answers
        for score in query.score(query.ask(model, seed=1))
    ]


def test_every_cause_of_the_image_is_asked_about_in_every_way(problem):
    asked = [(query.kind, getattr(query, "node", "")) for query in problem.queries]
    kinds = ("interventional", "counterfactual", "counterfactual-image", "reversibility")
    expected = {(kind, node) for kind in kinds for node in PARENTS}
    assert set(asked) == expected | {("observational", ""), ("composition", "")}
    assert len(asked) == len(set(asked))


def test_the_protocol_is_sized_as_it_is_said_to_be():
    whole = protocols.get("image")
    problem = datasets.get(WORLD).problems(replace(whole, n_train=8), seed=0)[0]
    asked = [q for q in problem.queries if isinstance(q, ImageCounterfactual)]
    rows = {(q.kind, q.node): (len(q.values), q.n) for q in asked}
    assert rows["counterfactual", "digit"] == (10, 20)
    assert all(rows["counterfactual", node] == (5, 40) for node in PARENTS - {"digit"})
    assert rows["counterfactual-image", "digit"] == (10, 10)
    digits = next(q.values for q in asked if q.node == "digit")
    assert digits.dtype == torch.int64
    assert digits.tolist() == list(range(10))


def test_doing_nothing_scores_one_and_the_oracle_zero(problem):
    for name, expected in (("identity", 1.0), ("oracle", 0.0)):
        found = [s for s in scores(problem, name) if s.metric == "cf_relative"]
        for kind in ("counterfactual", "counterfactual-image"):
            for node in PARENTS:
                of_node = [s.score for s in found if (s.query, s.node) == (kind, node)]
                assert sum(of_node) / len(of_node) == pytest.approx(expected, abs=1e-9)
    everything = scores(problem, "oracle")
    exact = ("cf_", "rmse", "measured", "composition")
    assert all(s.score == 0 for s in everything if s.metric.startswith(exact) or s.query == "reversibility")
    assert {"composition_1", "composition_2", "l1"} <= {s.metric for s in everything}


def test_identity_keeps_the_axioms_and_has_the_cld_of_doing_nothing(problem):
    found = scores(problem, "identity")
    assert all(s.score == 0 for s in found if s.query in ("composition", "reversibility"))
    clds = [s.score for s in found if s.metric == "cld"]
    assert clds
    assert clds == pytest.approx([1.3132616875] * len(clds))


def test_a_floor_that_knows_no_row_breaks_the_axioms(problem):
    found = {s.metric: s.score for s in scores(problem, "marginal", ("composition", "reversibility"))}
    assert min(found["composition_1"], found["composition_2"], found["l1"]) > 0.01


def test_an_answer_that_is_no_image_any_more_is_shown_as_one():
    """A method may diverge; its next question is about pixels that an image can have."""

    class Diverging:
        powers: frozenset[str] = frozenset()
        seen: ClassVar[list[float]] = []

        def counterfactual(self, factual, do, *, seed):
            self.seen.append(float(factual["image"].max()))
            return {**factual, **do, "image": factual["image"] + 5}

    factual = {"digit": torch.arange(2), "image": torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))}
    composition = Composition(factual, None, ("digit",), cycles=3)
    found = {s.metric: s.score for s in composition.score(composition.ask(Diverging(), seed=0))}
    assert max(Diverging.seen) <= 1.25
    assert found["composition_1"] == pytest.approx(5, abs=1e-5)


def test_no_row_is_asked_about_the_class_that_it_has(problem):
    for query in problem.queries:
        if isinstance(query, ImageCounterfactual):
            assert (query.factual()[query.node] != query.do[query.node]).all()
            assert len(query.factual()["image"]) == query.n * len(query.values)


def test_told_all_parents_a_model_hears_their_true_values(problem):
    query = next(q for q in problem.queries if q.kind == "counterfactual-image" and q.node == "digit")
    assert set(query.told()) == PARENTS
    assert all(query.told()[v].equal(query.truth()[v]) for v in PARENTS)


def test_pictures_show_fact_truth_and_answer_of_rows_over_all_values(problem):
    query = next(q for q in problem.queries if q.kind == "counterfactual" and q.node == "digit")
    shown = query.pictures(query.factual())
    assert [picture.value for picture in shown] == [float(query.do["digit"][picture.row]) for picture in shown]
    assert len({picture.value for picture in shown}) >= 8
    assert all(picture.answer == picture.factual != picture.truth for picture in shown)


def test_errors_are_in_units_of_doing_nothing_over_all_values():
    stream = torch.Generator().manual_seed(0)
    truth, factual = (torch.rand(3, 5, 1, 4, 4, generator=stream) for _ in range(2))
    assert relative(truth, factual, factual).mean() == pytest.approx(1.0)
    assert relative(truth, truth, factual).tolist() == [0, 0, 0]
    half = (truth + factual) / 2
    assert relative(truth, half, factual).mean() == pytest.approx(0.25)
    with pytest.raises(metrics.MetricError, match="factual image in every row"):
        relative(truth, half, truth)


def test_rows_of_another_value_are_found_or_refused():
    rare = SCM({"k": lambda u: (u > -3.5).long(), "x": lambda u, k: u + k})
    with pytest.raises(ValuesError, match=r"do\('k' = 1\): nearly every row has this value already"):
        other_rows(rare, "k", torch.tensor([0, 1]), 20, seed=0)
    often = SCM({"k": lambda u: (u > -1).long(), "x": lambda u, k: u + k})
    noise = other_rows(often, "k", torch.tensor([0, 1]), 20, seed=0)
    assert often.run(noise)["k"].tolist() == [1] * 20 + [0] * 20


def test_measured_rows_of_another_class_are_drawn_or_refused():
    measured = {"digit": torch.tensor([0, 0, 0, 1]), "row": torch.arange(4)}
    drawn = of_another_class(measured, "digit", torch.tensor([1, 0]), 1, seed=0)
    assert drawn["digit"].tolist() == [0, 1]
    with pytest.raises(ValuesError, match=r"do\('digit' = 0\): 1 measured rows have another class; 2 are wanted"):
        of_another_class(measured, "digit", torch.tensor([0]), 2, seed=0)


def test_a_world_without_an_image_is_refused_by_the_protocol():
    with pytest.raises(ValuesError, match="'image' asks about one image; this world has no image"):
        datasets.get("check/sine").problems(protocols.get("image"), seed=0)


def test_wrong_images_are_refused_with_the_node(problem):
    query = next(q for q in problem.queries if q.kind == "counterfactual")
    truth = query.truth()
    for wrong, message in (
        (truth["image"].expand(-1, 3, -1, -1), r"shape \(10, 3, 16, 16\) for 'image'; expected \(10, 1, 16, 16\)"),
        (truth["image"] * torch.nan, "'image' has NaN"),
    ):
        with pytest.raises(ValuesError, match=message):
            query.score({**truth, "image": wrong})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("anm", r"'image': it has the shape \(1, 16, 16\), 256 columns; at most 100"),
        ("posterior", "'image' has noise of more than one dimension"),
    ],
)
def test_methods_that_cannot_say_so_at_once_and_name_the_image(problem, name, message):
    with pytest.raises(Unsupported, match=message):
        models.build(models.load(name), {}).fit_many([problem], [0])


def test_the_standard_protocol_gives_an_image_one_scale_for_all_pixels():
    """Constant pixels at the border have no standard deviation of their own."""
    world = SCM(
        {
            "ink": lambda u: u,
            "picture": lambda u, ink: torch.stack([ink, 0 * ink], 1).reshape(-1, 1, 1, 2).float(),
        },
        images=["picture"],
    )
    standard = protocols.get("standard")
    assert isinstance(standard, Protocol)
    few = replace(standard, n_train=9, n_factual=50)
    problem = SCMDataset("mine/picture", lambda seed: world).problems(few, seed=0)[0]
    query = next(q for q in problem.queries if q.kind == "counterfactual")
    truth = query.truth()
    found = {s.metric: s.score for s in query.score({**truth, "picture": truth["picture"] + 0.1})}
    sd = truth["picture"][..., 0].double().std(correction=0)
    assert found["rmse"] == pytest.approx(float(0.1 / (sd / 2**0.5)), rel=1e-5)
    assert found["rmse"] == found["rmse_depth1"]


def test_records_of_small_graphs_keep_their_key():
    known = {name: metrics.VERSIONS[name] for name in ("counterfactual", "energy", "mmd", "wasserstein")}
    assert protocols.get("paper").metric_versions == known
    further = {name: metrics.VERSIONS[name] for name in ("discrete", "effects", "likelihood")}
    assert protocols.get("standard").metric_versions == known | further
    assert "judges" in protocols.get("image").metric_versions
