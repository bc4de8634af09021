"""The SCMs of the DCM paper: equations by their variances, drawn ones by the draws of the released code."""

from __future__ import annotations

from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
import torch
from scmbench.datasets import DataMissing, SCMDataset, ValuesError, get
from scmbench.datasets.dcm.mlp import draw_super_edges, legacy
from scmbench.datasets.dcm.sachs import build, unit_range
from scmbench.datasets.files import cytometry, download
from scmbench.datasets.files.cytometry import MOLECULES

DRAWS = 400_000

VARIANCES = {
    "triangle/nlin": {"x2": 1.00, "x3": 3.23},
    "triangle/nadd": {"x2": 0.98, "x3": 1.99},
    "chain/nlin": {"x2": 1.01, "x3": 1.02},
    "chain/nadd": {"x2": 0.98, "x3": 0.94},
    "diamond/nlin": {"x2": 1.00, "x3": 12.4, "x4": 1.14},
    "diamond/nadd": {"x2": 0.99, "x3": 1.30, "x4": 0.72},
    "y/nlin": {"x3": 1.00, "x4": 0.99},
    "y/nadd": {"x3": 1.00, "x4": 1.02},
}
"""Variances of the released code's equations, measured on as many draws and noted to two decimals."""

EDGES = {
    "triangle": "12 13 23",
    "chain": "12 23",
    "diamond": "12 13 23 24 34",
    "y": "13 23 34",
    "bivariate": "12",
    "hexagon": "12 13 24 34 25 35 46 56",
}

BIVARIATE_MOMENTS = {  # mean and variance of x2 worked out by hand for standard normal x1, u2
    "exp": (np.exp(0.5), np.e * (np.e - 1) + 1),
    "linear": (30, 5),
    "nlin": (1, 3),
    "sign": (0, 4),
}


def scm(name: str, seed: int = 0):
    dataset = get(f"dcm/{name}")
    assert isinstance(dataset, SCMDataset)
    return dataset.scm(seed)


@pytest.mark.parametrize("name", VARIANCES)
def test_variances_are_those_of_the_released_equations(name):
    values = scm(name).sample(DRAWS, seed=0)
    for node, expected in VARIANCES[name].items():
        x = values[node]
        variance = float(x.var())
        # 2 %, except where the tails are so heavy that two samples of this size differ by more: then three standard
        # errors of the difference between two sample variances, from the fourth moment.
        kurtosis = float(((x - x.mean()) ** 4).mean()) / variance**2
        tolerance = max(0.02, 3 * np.sqrt(2 * (kurtosis - 1) / DRAWS))
        assert tolerance < 0.15
        assert variance == pytest.approx(expected, rel=tolerance, abs=0.005), node


def test_diamond_has_its_heavy_tail():
    assert float(scm("diamond/nlin").sample(DRAWS, seed=0)["x3"].max()) > 150


@pytest.mark.parametrize("noise_model", BIVARIATE_MOMENTS)
def test_bivariate_moments(noise_model):
    x2 = scm(f"bivariate/{noise_model}").sample(DRAWS, seed=0)["x2"]
    mean, variance = BIVARIATE_MOMENTS[noise_model]
    assert float(x2.mean()) == pytest.approx(mean, abs=0.02)
    assert float(x2.var()) == pytest.approx(variance, rel=0.05 if noise_model == "exp" else 0.02)


@pytest.mark.parametrize(
    ("name", "u", "expected"),
    [
        ("triangle/nadd", (1, 2, -3), (1, (1 / 10 + 0.5) / 0.47, None)),
        ("bivariate/nlin2", (2, 1), (2, (10 + 1) / 3.26)),
        ("bivariate/nadd", (2, 1), (2, 4 / (1 + 2 * np.exp(-2)) + 8)),
        ("bivariate/sign", (3, -0.1), (3, -6)),
        ("y/nadd", (1, 1, -2, 3), (1, 1, -3 * 2.2 / 2.87, 1 / (abs(3 - 6 * 2.2 / 2.87) + 0.5) / 0.43)),
        ("hexagon/nlin", (1, 0, 0, 0, 0, 1), (1, -0.8, None, None, None, None)),
    ],
)
def test_equations_by_hand(name, u, expected):
    noise = {f"x{i + 1}": torch.tensor([float(value)], dtype=torch.float64) for i, value in enumerate(u)}
    values = scm(name).run(noise)
    for i, value in enumerate(expected):
        if value is not None:
            assert float(values[f"x{i + 1}"]) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("graph", EDGES)
def test_edges_of_the_small_graphs(graph):
    expected = {(f"x{a}", f"x{b}") for a, b in EDGES[graph].split()}
    for name in [n for n in VARIANCES if n.startswith(f"{graph}/")] or [f"{graph}/nlin"]:
        assert set(scm(name).graph.edges) == expected


def test_small_graphs_are_intervened_on_wherever_there_are_descendants():
    assert scm("diamond/nlin").targets == ("x1", "x2", "x3")
    assert scm("y/nadd").targets == ("x1", "x2", "x3")


@pytest.mark.parametrize("noise_model", ["nlin", "nadd"])
def test_ladder_is_one_graph_with_weights_of_the_seed(noise_model):
    a, b = scm(f"ladder/{noise_model}", 0), scm(f"ladder/{noise_model}", 1)
    assert len(a.graph) == 30
    assert a.graph.number_of_edges() == 117
    assert nx.dag_longest_path_length(a.graph) == 5
    assert set(a.graph.edges) == set(b.graph.edges)
    assert a.targets == b.targets == ("x01", "x04")
    assert [v for v in sorted(a.graph) if not a.graph.in_degree(v)] == ["x01", "x02", "x03"]
    assert not a.sample(5, seed=0)["x30"].equal(b.sample(5, seed=0)["x30"])
    assert a.sample(5, seed=0)["x30"].equal(scm(f"ladder/{noise_model}", 0).sample(5, seed=0)["x30"])


def test_random_graphs_are_those_of_the_released_code():
    graphs = [scm("random/nlin", seed).graph for seed in range(10)]
    assert [sum(d > 0 for _, d in g.in_degree) for g in graphs] == [24, 21, 21, 18, 18, 24, 21, 18, 15, 27]
    assert all(len(g) == 30 and nx.is_weakly_connected(g) for g in graphs)


def test_both_kinds_of_a_seed_share_graph_and_targets():
    a, b = scm("random/nlin", 4), scm("random/nadd", 4)
    assert list(a.graph.edges) == list(b.graph.edges)
    assert a.targets == b.targets


def test_a_graph_that_is_not_connected_is_drawn_again_whole():
    pairs = [(i, j) for i in range(1, 11) for j in range(i + 1, 11)]
    redrawn = 0
    for seed in range(20):
        tries = [[p for p, u in zip(pairs, row, strict=True) if u < 0.3] for row in legacy(seed).rand(20, len(pairs))]
        whole = [len(g) == 10 and nx.is_weakly_connected(g) for g in map(nx.DiGraph, tries)]
        assert draw_super_edges(legacy(seed)) == tries[whole.index(True)]
        redrawn += whole.index(True) > 0
    assert 2 <= redrawn <= 14, "about 36 % of the first draws fall apart"


PINNED = {
    # noise_model, seed: targets, a node, its parents, W1[0, :2], w2[:2], w2[-1]
    "ladder/nlin/0": (
        ("x01", "x04"),
        ("x30", ("x22", "x23", "x24", "x25", "x26", "x27")),
        (0.9609713269380136, -0.8070982786052316, -0.716365448597045, -0.36653866689308745, -0.5344546556377758),
    ),
    "random/nadd/3": (
        ("x04", "x12", "x21"),
        ("x15", ("x07", "x08", "x09")),
        (0.9293074950603262, 0.3447067612671797, 0.1595561375760337, -0.13021387566932296, 0.8890570609459834),
    ),
    "sachs/nadd/1": (
        ("x02", "x04", "x10"),
        ("x11", ("x05", "x10")),
        (-0.7443860011177927, -0.18659425933197538, 0.9878757742700495, -0.6684516486490635, -0.09848220627600313),
    ),
}
"""Weights of the last node that is drawn, so that any draw missed or added before it shows."""


@pytest.mark.parametrize("name", PINNED)
def test_drawn_weights(name, measured):
    graph, noise_model, seed = name.split("/")
    drawn = build(int(seed), noise_model, measured) if graph == "sachs" else scm(f"{graph}/{noise_model}", int(seed))
    targets, (node, parents), weights = PINNED[name]
    mechanism = drawn.functions[node]
    assert [v for v in drawn.graph if drawn.parents[v]][-1] == node
    assert drawn.targets == targets
    assert drawn.parents[node] == parents
    assert mechanism.W1.shape == (16, len(parents) + (noise_model == "nadd"))
    assert (*mechanism.W1[0, :2].tolist(), *mechanism.w2[:2].tolist(), float(mechanism.w2[-1])) == weights


def test_scalars_of_a_super_node_share_weights_but_not_noise():
    drawn = scm("ladder/nadd")
    a, b = drawn.functions["x04"], drawn.functions["x05"]
    assert a.W1 is b.W1
    assert not a.w2.equal(b.w2)
    assert not drawn.noise(5, seed=0)["x04"].equal(drawn.noise(5, seed=0)["x05"])


@pytest.mark.parametrize("noise_model", ["nlin", "nadd"])
def test_generated_mechanisms_by_their_formula(noise_model):
    drawn = scm(f"ladder/{noise_model}", 2)
    values, noise = drawn.run(drawn.noise(7, seed=0)), drawn.noise(7, seed=0)
    f = drawn.functions["x05"]
    pa = np.stack([values[v].numpy() for v in ("x01", "x02", "x03")])
    u = noise["x05"].numpy()
    z = f.W1.numpy() @ (pa if noise_model == "nlin" else np.vstack([u, pa]))
    x = 0.75 * f.w2.numpy() @ (z / (1 + np.exp(-z))) + (u if noise_model == "nlin" else 0)
    np.testing.assert_allclose(values["x05"].numpy(), x, rtol=1e-12)


def test_the_suite_has_1314_mechanisms_to_learn(measured):
    total = 0
    for noise_model in ("nlin", "nadd"):
        for seed in range(10):
            worlds = [
                scm(f"{g}/{noise_model}", seed) for g in ("chain", "triangle", "diamond", "y", "ladder", "random")
            ]
            for world in [*worlds, build(seed, noise_model, measured)]:
                total += sum(d > 0 for _, d in world.graph.in_degree)
    assert total == 1314


def test_drawing_leaves_numpys_global_stream_alone(measured):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must not move
    scm("random/nadd", 1)
    build(1, "nlin", measured)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The real columns where they are, else a small table in the same format."""
    if download.missing("sachs") is None:
        return cytometry.read(download.path("sachs", "cyto_full_data.csv"))
    return cytometry.read(write_table(tmp_path_factory.mktemp("sachs") / "table.csv"))


def write_table(path, rows=200):
    values = np.random.default_rng(0).lognormal(2, 1, (rows, len(cytometry.COLUMNS)))
    lines = [",".join(cytometry.COLUMNS), *(",".join(f"{v:.4g}" for v in row) for row in values)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_sachs_graph_roots_and_targets(measured):
    drawn = build(0, "nlin", measured)
    assert drawn.graph.number_of_edges() == 17
    components = sorted(sorted(c) for c in nx.weakly_connected_components(drawn.graph))
    assert components == [["x01", "x02", "x03"], [f"x{i:02d}" for i in range(4, 12)]]
    values = drawn.sample(2000, seed=0)
    for node in ("x01", "x04"):
        observed = unit_range(measured[MOLECULES[node]])
        assert set(values[node].tolist()) <= set(observed.tolist())
        assert (float(observed.min()), float(observed.max())) == (-1, 1)
    inner = {v for v in drawn.graph if drawn.graph.out_degree(v)}
    for seed in range(10):
        targets = build(seed, "nadd", measured).targets
        assert len(set(targets)) == 3
        assert set(targets) <= inner
        assert list(targets) == sorted(targets)


def test_sachs_roots_have_the_known_moments():
    if message := download.missing("sachs"):
        pytest.skip(message)
    values = scm("sachs/nlin").sample(50_000, seed=0)
    for node, (mean, sd, low, high) in {
        "x01": (-0.983, 0.056, -0.9989, -0.9732),
        "x04": (-0.964, 0.115, -0.9999, -0.9429),
    }.items():
        x = values[node]
        assert float(x.mean()) == pytest.approx(mean, abs=0.001)
        assert float(x.std()) == pytest.approx(sd, rel=0.05)
        quantiles = torch.quantile(x, torch.tensor([0.1, 0.9]).double())
        assert quantiles.tolist() == pytest.approx([low, high], abs=0.0005)


def test_sachs_without_its_file_says_so_and_the_rest_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SCMBENCH_DATA", str(tmp_path))
    dataset = get("dcm/sachs/nlin")
    assert "scmbench data fetch sachs" in (dataset.missing() or "")
    with pytest.raises(DataMissing, match=r"cyto_full_data\.csv is not in .*needed by .*the roots of dcm/sachs"):
        dataset.scm(0)  # type: ignore[attr-defined]
    assert get("dcm/chain/nlin").missing() is None
    assert not list(tmp_path.iterdir())


def test_a_malformed_table_names_file_and_line(tmp_path):
    path = write_table(tmp_path / "table.csv", rows=3)
    assert len(cytometry.read(path)["PKC"]) == 3
    lines = path.read_text().splitlines()
    for broken, message in (
        (["a,b", *lines[1:]], r"table\.csv, line 1: the columns are \['a', 'b'\]"),
        ([*lines[:2], "1,2,3"], r"table\.csv, line 3: 3 entries; expected 11"),
        ([*lines[:3], lines[3].replace(",", ",x", 1)], r"table\.csv, line 4: could not convert string to float: 'x"),
        ([*lines[:2], ",".join(["nan"] * 11)], r"table\.csv, line 3: NaN"),
        (lines[:1], "no rows"),
    ):
        path.write_text("\n".join(broken))
        with pytest.raises(ValuesError, match=message):
            cytometry.read(path)


TRAINING_SUMS = {  # name: version, sum of the last node over 100 training rows at seed 1
    "dcm/chain/nlin": (1, -140.80599713716518),
    "dcm/triangle/nadd": (1, 60.00574434417857),
    "dcm/diamond/nadd": (1, -202.90836917449283),
    "dcm/y/nlin": (1, 303.33727286676344),
    "dcm/ladder/nadd": (1, 388.0932470668043),
    "dcm/random/nlin": (1, 305.478686433088),
    "dcm/bivariate/sign": (1, -14.802096167156645),
    "check/sine": (1, -10.758900810009129),
}


@pytest.mark.parametrize("name", TRAINING_SUMS)
def test_training_rows_of_a_seed_move_only_with_a_new_version(name):
    """If this fails because the data were changed on purpose, raise the dataset's version and note the new sum here."""
    protocol = SimpleNamespace(n_train=100, queries=lambda scm, *, seed, train: [])
    [problem] = get(name).problems(protocol, seed=1)  # type: ignore[arg-type]
    version, total = TRAINING_SUMS[name]
    assert get(name).version == version
    assert float(problem.train[max(problem.train)].sum()) == pytest.approx(total, rel=1e-9)
