"""Proxy flow: which interventions it answers, and that it finds the effect where a line given the cause does not."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from scmbench import datasets
from scmbench.datasets.scm import SCM
from scmbench.datasets.values import ValuesError, to_frame
from scmbench.models import Unsupported, conformance
from scmbench.models.keeping.frames import FrameModel
from scmbench.models.proxy_flow import ProxyFlow
from scmbench.models.proxy_flow.flow import Flow, Layout
from scmbench.models.proxy_flow.groups import told
from scmbench.models.proxy_flow.identification import separated, unanswered
from scmbench.models.training.rising import Shape

LINE = SCM(
    {
        "h": lambda u: u,
        "w": lambda u, h: (4 * h + 3 * u) / 5,
        "z": lambda u, h: (4 * h + 3 * u) / 5,
        "x": lambda u, h: (h + u) / 2**0.5,
        "y": lambda u, h, x: x + h + u / 2,
    },
    latent=["h"],
)
"""The effect of x on y is 1; y given x has the slope 1 + 1/sqrt(2)."""


def test_it_conforms():
    conformance.require(ProxyFlow, {"epochs": 2})


@pytest.fixture(scope="module")
def line():
    rows = LINE.sample(2500, seed=0)
    return ProxyFlow().fit(LINE.graph, rows, seed=0), rows


def test_the_effect_is_the_true_one_where_that_of_a_line_is_not(line):
    model, rows = line
    naive = float((rows["x"] * rows["y"]).mean() / rows["x"].square().mean())
    assert naive == pytest.approx(1 + 2**-0.5, abs=0.05)
    low, high = (float(model.sample(8000, {"x": a}, seed=1)["y"].mean()) for a in (-1.0, 1.0))
    assert (high - low) / 2 == pytest.approx(1, abs=0.2)


def test_a_counterfactual_moves_by_the_effect_and_rows_come_back(line):
    model, _ = line
    noise = LINE.noise(400, seed=5)
    factual = LINE.observed(LINE.run(noise))
    do = {"x": factual["x"] + 1}
    error = model.counterfactual(factual, do, seed=2)["y"] - LINE.counterfactual(noise, do)["y"]
    assert float(error.square().mean().sqrt()) < 0.35  # given x alone it is 0.71
    again = model.counterfactual(factual, {"w": factual["w"]}, seed=2)
    torch.testing.assert_close(again["y"], factual["y"])


def test_the_density_is_near_that_of_the_normal_law(line):
    model, _ = line
    rows = LINE.sample(2000, seed=9)
    a, b = 4 / 5, 2**-0.5
    loads = torch.tensor([a, a, b, b + 1], dtype=torch.float64)
    own = torch.tensor([[0.6, 0, 0, 0], [0, 0.6, 0, 0], [0, 0, b, 0], [0, 0, b, 0.5]], dtype=torch.float64)
    law = torch.distributions.MultivariateNormal(torch.zeros(4).double(), loads[:, None] * loads + own @ own.T)
    truth = float(law.log_prob(torch.stack([rows[v] for v in "wzxy"], 1)).mean())
    assert truth - 0.1 < float(model.log_prob(rows).mean()) < truth + 0.02


def test_x_and_y_alone_are_refused_and_the_rest_is_answered():
    scm = datasets.get("confounded/open-0.5").scm()
    rows = scm.sample(200, seed=0)
    model = ProxyFlow(epochs=1).fit(scm.graph, rows, seed=0)
    for ask in (lambda: model.sample(3, {"x": 0.0}, seed=0), lambda: model.counterfactual(rows, {"x": 0.0}, seed=0)):
        with pytest.raises(Unsupported, match=r"effects of 'x'.*lacks two proxies"):
            ask()
    assert len(model.sample(3, seed=0)["y"]) == len(model.sample(3, {"y": 0.0}, seed=0)["x"]) == 3


def test_without_hidden_causes_nothing_is_refused_and_the_option_counts_before_the_graph():
    rows = LINE.sample(100, seed=0)
    bare = nx.DiGraph(LINE.graph.edges)
    bare.add_nodes_from("wz")
    assert ProxyFlow(epochs=1).fit(bare, rows, seed=0).groups == []
    model = ProxyFlow(confounded=["x, y"], epochs=1).fit(LINE.graph, rows, seed=0)
    assert model.groups == [["x", "y"]]
    assert list(model.blocked) == ["x"]
    with pytest.raises(ValuesError, match=r"confounded: unknown node\(s\) \['v'\]"):
        ProxyFlow(confounded=["x, v"]).fit(bare, rows, seed=0)


def test_a_discrete_treatment_is_refused_where_it_is_set_and_not_where_it_is_drawn():
    rows = LINE.sample(100, seed=0)
    data = {"x": (rows["x"] > 0).long(), "y": rows["y"]}
    model = ProxyFlow(confounded=["x, y"], epochs=1, starts=1).fit(nx.DiGraph([("x", "y")]), data, seed=0)
    assert set(model.sample(50, seed=0)["x"].tolist()) <= {0, 1}
    model.sample(3, {"y": 0.0}, seed=0)
    with pytest.raises(Unsupported, match="effects of 'x'"):
        model.sample(3, {"x": 1}, seed=0)


@pytest.mark.parametrize("given", ["x, y", ["x, y"], [("x",)], [("x", "x")], 5, [3]])
def test_a_graph_that_says_something_else_than_sets_of_nodes_is_refused(given):
    graph = nx.DiGraph([("x", "y")], confounded=given)
    with pytest.raises(ValuesError, match="expected a list of sets of two nodes or more"):
        told((), graph)


def test_nodes_that_are_numbers_have_hidden_causes_too():
    graph = nx.DiGraph([(1, 2)])
    assert told(["1, 2"], graph) == ((1, 2),)
    graph.graph["confounded"] = [{1, 2}]
    assert told((), graph) == ((1, 2),)
    assert "hidden cause of 1, 2" in unanswered(graph, told((), graph), {1: 1, 2: 1}, 1)[1]  # type: ignore[dict-item, index]


@pytest.fixture(scope="module")
def framed():
    frame = to_frame(LINE.sample(200, seed=0))
    return FrameModel(ProxyFlow(epochs=2, starts=1)).fit(LINE.graph, frame), frame


def test_a_frame_is_told_of_hidden_causes_by_its_graph(framed):
    model, frame = framed
    assert model.model.groups == [WXYZ]
    graph = nx.DiGraph([("x", "y")], confounded=[("x", "y")])
    alone = FrameModel(ProxyFlow(epochs=1, starts=1)).fit(graph, frame)
    with pytest.raises(Unsupported, match="lacks two proxies"):
        alone.sample(3, {"x": 1.0})


def test_a_proxy_that_is_missing_is_refused_since_the_cause_is_inferred_from_it(framed):
    model, frame = framed
    rows = frame.head(3)
    assert model.counterfactual(rows, {"x": 1.0}, nodes=["y"]).shape == (3, 1)
    with pytest.raises(ValuesError, match="no column 'w'"):
        model.counterfactual(rows.drop(columns="w"), {"x": 1.0}, nodes=["y"])
    rows = rows.assign(w=[0.1, float("nan"), 0.2])
    with pytest.raises(ValuesError, match="'w'"):
        model.counterfactual(rows, {"x": 1.0})


def test_a_function_of_a_natural_value_is_answered_for_rows_and_not_for_draws(framed):
    model, frame = framed
    with pytest.raises(Unsupported, match="tells of a hidden cause"):
        model.sample(3, {"x": lambda x: x + 1})
    moved = model.counterfactual(frame.head(3), {"x": lambda x: x + 1})["x"]
    assert moved.tolist() == pytest.approx((frame["x"].head(3) + 1).tolist())


WXYZ = ["w", "x", "y", "z"]


@pytest.mark.parametrize(
    ("edges", "groups", "dim", "refused"),
    [
        ("xy", [["x", "y"]], 1, "x"),
        ("xy", [["w", "x", "y"]], 1, "x"),  # one proxy
        ("xy", [WXYZ], 1, ""),
        ("xy", [WXYZ], 2, "x"),  # a proxy of one column cannot tell two dimensions
        ("xy zx wy", [WXYZ], 1, "wz"),  # a proxy may cause x, the other y; what they cause themselves is not known then
        ("xy zx wx", [WXYZ], 1, "xwz"),
        ("xy wz", [WXYZ], 1, "xw"),  # they depend on each other beside the hidden cause
        ("xy xw", [WXYZ], 1, "x"),  # a proxy that x causes
        ("xm my", [["x", "y"]], 1, ""),  # the front door: no child shares the cause
        ("zy xy", [["x", "z"]], 1, ""),  # the back door is closed
        ("xy", [["x", "m"], ["m", "y"]], 1, "x"),  # a chain of hidden causes
        ("xy", [WXYZ, ["x", "m"], ["m", "y"]], 1, "x"),
        ("xy", [WXYZ, ["x", "y"]], 1, "x"),  # a second cause without proxies
    ],
)
def test_what_is_refused(edges, groups, dim, refused):
    graph = nx.DiGraph(tuple(edge) for edge in edges.split())
    graph.add_nodes_from(v for group in groups for v in group)
    assert set(unanswered(graph, groups, dict.fromkeys(graph, 1), dim)) == set(refused)


def test_separation_is_that_of_networkx():
    drawn = torch.Generator().manual_seed(0)
    for _ in range(60):
        up = torch.rand(6, 6, generator=drawn).triu(1) > 0.6
        graph = nx.DiGraph([(i, j) for i in range(6) for j in range(6) if up[i, j]])
        graph.add_nodes_from(range(6))
        given = {v for v in (2, 3) if torch.rand((), generator=drawn) > 0.5}
        assert separated(graph, {0, 1}, {4, 5}, given) == nx.is_d_separator(graph, {0, 1}, {4, 5}, given)


def test_columns_see_their_parents_and_causes_alone():
    layout = Layout([[], [0], [1]], [[], [0], [0]], [([0], [0, 1, 2])], 3)
    flow = Flow(layout, Shape("affine", (4,))).double()
    for tensor in flow.parameters():
        torch.nn.init.normal_(tensor, generator=torch.Generator().manual_seed(tensor.numel()))
    x = torch.randn(1, 3, dtype=torch.float64)
    z = torch.randn(1, 1, dtype=torch.float64)
    by_x, by_z = torch.autograd.functional.jacobian(flow.encode, (x, z))
    seen = torch.eye(3, dtype=torch.bool) | torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=torch.bool)
    assert torch.equal(by_x[0, :, 0] != 0, seen)
    assert (by_z[0, :, 0, 0] != 0).tolist() == [False, True, True]
    torch.testing.assert_close(flow.decode(flow.encode(x, z), z, x, torch.ones(3, dtype=torch.bool)), x)


@pytest.mark.parametrize(
    "options",
    [
        {"dim": 0},
        {"transform": "x"},
        {"confounded": "x, y"},
        {"confounded": ["x"]},
        {"confounded": None},
        {"starts": 0},
        {"hidden": 5},
        {"hidden": (0,)},
        {"hidden": "ab"},
    ],
)
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ProxyFlow(**options)
