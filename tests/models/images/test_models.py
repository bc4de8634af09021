"""Image models: better than doing nothing where the truth is known, exact where they say so, one line for bad input."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from bars import BARS, IMAGE_FLOORS, IMAGE_METHODS, relative_error
from scmbench.datasets import ValuesError
from scmbench.models import Unsupported
from scmbench.models.contract.options import build
from scmbench.models.contract.registry import load as load_class
from scmbench.models.images.unet import size
from scmbench.models.keeping.saving import load, save

TRAIN = BARS.sample(300, seed=1)
NOISE = BARS.noise(12, seed=2)
FACTUAL = BARS.run(NOISE)
DO = {"label": 1}
TRUTH = BARS.counterfactual(NOISE, DO)

METHODS = IMAGE_METHODS
QUERIES = {"image-dcm": {"clip": "both"}, "diff-scm": {"scale": 0.0}, "image-flow": {"solver_steps": 3}}


def model(name, **options):
    cls = load_class(name)
    return build(cls, {**cls.conformance_options, **options}).fit(BARS.graph, TRAIN, seed=0)


@pytest.fixture(scope="module")
def tiny():
    """Every method, fitted for a few steps."""
    return {name: model(name) for name in METHODS}


def same(a, b):
    return all(torch.equal(a[node], b[node]) for node in a)


NETWORK = {"channels": 8, "multipliers": (1, 2), "patch": 1, "steps": 400, "batch_size": 32, "lr": 4e-3}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("image-vae", {"width": 8, "hidden": 32, "steps": 300, "batch_size": 32, "lr": 3e-3}),
        pytest.param("image-dcm", NETWORK | {"noise_levels": 20}, marks=pytest.mark.slow),
        pytest.param("image-flow", NETWORK | {"solver_steps": 10}, marks=pytest.mark.slow),
    ],
)
def test_it_is_nearer_to_the_truth_than_doing_nothing(name, options):
    answer = model(name, **options, scalar_steps=100).counterfactual(FACTUAL, DO, seed=0)
    assert relative_error(answer, FACTUAL, TRUTH) < 0.6


@pytest.mark.parametrize("name", METHODS)
def test_a_saved_model_answers_as_before(tiny, name, tmp_path):
    again = load(save(tiny[name], tmp_path))
    assert same(again.sample(5, seed=1), tiny[name].sample(5, seed=1))
    assert same(again.counterfactual(FACTUAL, DO, seed=1), tiny[name].counterfactual(FACTUAL, DO, seed=1))
    assert again.cost() == tiny[name].cost()


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("shift", [2.0**20, -(2.0**30)])
def test_a_scalar_cause_is_counted_from_where_its_rows_lie(name, shift):
    """Shifted by about 10^9 standard deviations, it gives the same images, and answers shifted alike."""

    def on_a_grid(values):  # so that the shift is exact in float64
        return values | {"light": (values["light"] * 2**20).round() / 2**20}

    def moved(values):
        return values | {"light": values["light"] + shift}

    cls = load_class(name)
    train, factual = on_a_grid(TRAIN), on_a_grid(FACTUAL)
    answers = [
        build(cls, cls.conformance_options).fit(BARS.graph, to(train), seed=0).counterfactual(to(factual), DO, seed=1)
        for to in (dict, moved)
    ]
    sd = float(train["light"].std())
    assert float((answers[1]["light"] - shift - answers[0]["light"]).abs().max()) < 1e-3 * sd
    assert float((answers[1]["image"] - answers[0]["image"]).abs().max()) < 1e-3


@pytest.mark.parametrize("name", IMAGE_FLOORS)
def test_a_saved_floor_answers_as_before(name, tmp_path):
    fitted = model(name)
    again = load(save(fitted, tmp_path))
    assert same(again.counterfactual(FACTUAL, DO, seed=1), fitted.counterfactual(FACTUAL, DO, seed=1))


@pytest.mark.parametrize("name", [*METHODS, *IMAGE_FLOORS])
def test_what_the_caller_does_after_fit_changes_no_answer(name):
    cls, graph = load_class(name), BARS.graph.copy()
    rows = {node: x.clone() for node, x in TRAIN.items()}
    fitted = build(cls, cls.conformance_options).fit(graph, rows, seed=0)
    before = fitted.counterfactual(FACTUAL, DO, seed=1)
    graph.remove_edge("label", "image")
    rows["image"].zero_()
    rows.pop("light")
    assert same(fitted.counterfactual(FACTUAL, DO, seed=1), before)


@pytest.mark.parametrize("name", ["image-vae", "image-hvae"])
def test_the_residual_makes_abduction_exact(tiny, name):
    mechanism = tiny[name].mechanisms["image"]
    x, pa = FACTUAL["image"].flatten(1).float(), torch.stack([FACTUAL["label"], FACTUAL["light"]], 1).float()
    u = mechanism.encode(x, pa)
    torch.testing.assert_close(mechanism.decode(u, pa), x, rtol=0, atol=1e-6)
    without = tiny[name].with_query_options(residual=False).mechanisms["image"]
    assert not torch.allclose(without.decode(u, pa), x, atol=0.01)


@pytest.mark.parametrize(("name", "options"), QUERIES.items())
def test_query_options_share_the_fit_and_change_the_answer(tiny, name, options):
    fitted = tiny[name]
    before = fitted.counterfactual(FACTUAL, DO, seed=0)
    other = fitted.with_query_options(**options)
    assert other.mechanisms["image"].network is fitted.mechanisms["image"].network
    assert not same(other.counterfactual(FACTUAL, DO, seed=0), before)
    assert same(fitted.counterfactual(FACTUAL, DO, seed=0), before)
    assert other.options() == {**fitted.options(), **options}


def test_classifier_free_guidance_of_nothing_is_no_guidance(tiny):
    plain = tiny["image-dcm"].counterfactual(FACTUAL, DO, seed=0)
    guided = tiny["image-dcm"].with_query_options(guidance=2.0).counterfactual(FACTUAL, DO, seed=0)
    assert not same(guided, plain)
    null = tiny["image-dcm"].with_query_options(abduction="null")
    assert not same(null.abduct(FACTUAL), tiny["image-dcm"].abduct(FACTUAL))


@pytest.mark.parametrize("name", METHODS)
def test_costs_are_counted(tiny, name):
    fitted = tiny[name]
    cost, networks = fitted.cost(), [m.network for m in fitted.mechanisms.values() if hasattr(m, "network")]
    networks += [m.predictor for m in fitted.mechanisms.values() if hasattr(m, "predictor")]
    assert cost["parameters"] == sum(map(size, networks))
    assert cost["gradient_steps"] == fitted.steps + getattr(fitted, "predictor_steps", 0)
    assert cost["mflop"] >= 0


def test_a_pass_of_the_small_network_costs_what_was_measured():
    from scmbench.models.image_dcm import ImageDCM
    from scmbench.models.images.context import Context

    fitted = ImageDCM()
    mechanism = fitted.image((1, 28, 28), [])
    mechanism.context = Context(())
    mechanism.network = mechanism.build()
    assert 80 <= mechanism.mflop() <= 110


@pytest.mark.parametrize("name", METHODS)
def test_what_cannot_be_modelled_is_told_in_one_line(name):
    cls = load_class(name)
    new = build(cls, cls.conformance_options)
    scalars = {"label": TRAIN["label"], "light": TRAIN["light"]}
    with pytest.raises(Unsupported, match=r"models images \(c, h, w\) with causes; there is none among the nodes"):
        new.fit(nx.DiGraph([("label", "light")]), scalars, seed=0)
    read = TRAIN | {"reading": TRAIN["light"]}
    with pytest.raises(Unsupported, match=r"caused by an image: 'image' causes \['reading'\]"):
        new.fit(nx.DiGraph([*BARS.graph.edges, ("image", "reading")]), read, seed=0)
    vector = TRAIN | {"light": TRAIN["image"].flatten(1)[:, :3]}
    with pytest.raises(Unsupported, match=r"'light' has the shape \(3,\)"):
        new.fit(BARS.graph, vector, seed=0)
    odd = TRAIN | {"image": TRAIN["image"][..., :7]}
    with pytest.raises(Unsupported, match=r"\(1, 8, 7\)"):
        new.fit(BARS.graph, odd, seed=0)


@pytest.mark.parametrize("name", METHODS)
def test_bad_data_are_refused_before_training(name):
    cls = load_class(name)
    bright = TRAIN | {"image": (TRAIN["image"].clamp(0, 1) * 255).round()}
    with pytest.raises(
        ValuesError, match=r"'image' has pixels from 0 to \d+: images are expected in \[0, 1\]; divide by"
    ):
        build(cls, cls.conformance_options).fit(BARS.graph, bright, seed=0)
    with pytest.raises(ValuesError, match=r"device='nowhere' is not there: .*; use device='cpu'"):
        build(cls, {**cls.conformance_options, "device": "nowhere"}).fit(BARS.graph, TRAIN, seed=0)


@pytest.mark.parametrize("name", METHODS)
def test_bad_questions_are_refused(tiny, name):
    fitted = tiny[name]
    with pytest.raises(ValuesError, match="'label' is 7: the model was trained on the classes 0, 1, 2"):
        fitted.counterfactual(FACTUAL, {"label": 7}, seed=0)
    with pytest.raises(ValuesError, match="'label' is -1: the model was trained on the classes 0, 1, 2"):
        fitted.sample(3, {"label": -1}, seed=0)
    colour = FACTUAL | {"image": FACTUAL["image"].expand(-1, 3, -1, -1)}
    with pytest.raises(ValuesError, match=r"'image' has shape \(12, 3, 8, 8\); the model was fitted on \(n, 1, 8, 8\)"):
        fitted.counterfactual(colour, DO, seed=0)
    with pytest.raises(ValuesError, match=r"'image' has pixels from .*; divide by 255"):
        fitted.counterfactual(FACTUAL | {"image": FACTUAL["image"].clamp(0, 1) * 255}, DO, seed=0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("image-dcm", {"preset": "huge"}, r"preset='huge': choose one of \['small', 'large'\]"),
        ("image-dcm", {"clip": "always"}, "clip='always': choose one of"),
        ("image-dcm", {"abduction": "none"}, r"abduction='none': choose one of \['factual', 'null'\]"),
        ("image-dcm", {"guidance": -1}, "guidance=-1: expected a number of at least 0"),
        ("image-dcm", {"noise_levels": 980}, "noise_levels=980: expected a whole number from 1 to 979"),
        ("image-dcm", {"channels": 30}, "channels=30: expected a multiple of 4"),
        ("image-dcm", {"multipliers": ()}, r"multipliers=\(\): a network has one level at least"),
        ("image-dcm", {"steps": 0}, "steps=0: expected a whole number of at least 1"),
        ("image-dcm", {"scalar_steps": 0.5}, "scalar_steps=0.5: expected a whole number of at least 1"),
        ("diff-scm", {"variant": "released"}, "variant='released': choose one of"),
        ("diff-scm", {"scale": float("nan")}, "scale=nan: expected a number of at least 0"),
        ("diff-scm", {"depth": 1.5}, "depth=1.5: expected a number from 0 to 1"),
        (
            "diff-scm",
            {"noise_levels": 1001, "variant": "reference"},
            "noise_levels=1001: .* from 1 to 1000",
        ),
        ("diff-scm", {"predictor_multipliers": (0,)}, "predictor_multipliers=0: expected a whole number of at least 1"),
        ("image-flow", {"solver_steps": 0}, "solver_steps=0: expected a whole number of at least 1"),
        ("image-vae", {"residual": "no"}, r"residual='no': choose one of \[True, False\]"),
        ("image-vae", {"beta": -1}, "beta=-1: expected a number of at least 0"),
        ("image-hvae", {"width": 6}, "width=6: expected a multiple of 4"),
    ],
)
def test_a_bad_option_is_refused_where_it_is_given(name, options, message):
    with pytest.raises(ValueError, match=message):
        load_class(name)(**options)


def test_a_bad_option_is_refused_at_query_time_too(tiny):
    for name, options in [
        ("diff-scm", {"scale": -1}),
        ("image-dcm", {"clip": "x"}),
        ("image-flow", {"solver_steps": 0}),
    ]:
        with pytest.raises(ValueError, match=f"{next(iter(options))}="):
            tiny[name].with_query_options(**options)
    with pytest.raises(ValueError, match="act in fit, not at query time"):
        tiny["diff-scm"].with_query_options(steps=3)
