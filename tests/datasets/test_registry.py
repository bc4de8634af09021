"""The registry: names, short forms, what a registered dataset builds, and refusals."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from scmbench.datasets import SCM, DataMissing, SCMDataset, get, names, registry, resolve

POOL = ["cnf/triangle/nlin", "dcm/chain/nlin", "dcm/triangle/nadd", "dcm/triangle/nlin", "dcm/bivariate/nlin2"]


@pytest.fixture
def scratch(monkeypatch):
    """A registry that forgets what a test registers."""
    for name in names():  # a built-in one is imported, and hence registered, only once
        get(name)
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def protocol(n_train: int = 50):
    return SimpleNamespace(name="none", version=1, n_train=n_train, queries=lambda scm, *, seed, train: [seed])


def test_the_papers_worlds_are_all_there():
    graphs = ("chain", "triangle", "diamond", "y", "ladder", "random", "sachs")
    expected = {f"dcm/{graph}/{noise_model}" for graph in graphs for noise_model in ("nlin", "nadd")}
    expected |= {f"dcm/bivariate/{noise_model}" for noise_model in ("exp", "linear", "nlin", "nlin2", "nadd", "sign")}
    assert expected | {"check/sine"} <= set(names())
    assert names() == sorted(names())
    assert all(get(name).name == name and get(name).__doc__ for name in names())


@pytest.mark.parametrize(
    ("short", "found"),
    [
        ("dcm/chain/nlin", ["dcm/chain/nlin"]),
        ("chain", ["dcm/chain/nlin"]),
        ("dcm/triangle", ["dcm/triangle/nadd", "dcm/triangle/nlin"]),
        ("triangle/nadd", ["dcm/triangle/nadd"]),
        ("nlin2", ["dcm/bivariate/nlin2"]),
        ("dcm", [name for name in sorted(POOL) if name.startswith("dcm")]),
    ],
)
def test_short_forms(short, found):
    assert resolve(short, POOL) == found


@pytest.mark.parametrize(
    ("short", "message"),
    [
        ("triangle", r"ambiguous between the papers \['cnf', 'dcm'\]; write e.g. cnf/triangle"),
        ("rectangle", "no dataset fits 'rectangle'"),
        ("tri", "no dataset fits 'tri'"),
        ("", "no dataset fits ''"),
    ],
)
def test_short_forms_that_fit_nothing_or_too_much(short, message):
    with pytest.raises(registry.UnknownDataset, match=message):
        resolve(short, POOL)


def test_a_misspelt_name_gets_near_ones():
    with pytest.raises(registry.UnknownDataset, match=r"did you mean .*dcm/triangle/nadd"):
        get("dcm/trangle/nadd")
    with pytest.raises(registry.UnknownDataset, match="there are"):
        get("zzz")


@pytest.mark.usefixtures("scratch")
def test_registering_equations_a_seeded_function_or_a_whole_model():
    @registry.register("mine/plain", latent=["h"], targets=["x"], version=3)
    def plain():
        """Plain."""
        return {"h": lambda u: u, "x": lambda u, h: h + u, "y": lambda u, x, h: x + h + u}

    @registry.register("mine/seeded")
    def seeded(seed):
        """Seeded."""
        return SCM({"x": lambda u: u + seed})

    dataset = get("mine/plain")
    assert isinstance(dataset, SCMDataset)
    assert (dataset.version, dataset.__doc__, dataset.scm().targets) == (3, "Plain.", ("x",))
    [problem] = dataset.problems(protocol(), seed=7)
    assert (problem.name, problem.seed, problem.member) == ("mine/plain", 7, "")
    assert set(problem.train) == set(problem.graph) == {"x", "y"}, "latent nodes never reach the training data"
    assert all(len(x) == 50 for x in problem.train.values())
    [again] = dataset.problems(protocol(), seed=7)
    assert all(problem.train[v].equal(again.train[v]) for v in problem.train)
    assert problem.queries == again.queries
    [other] = dataset.problems(protocol(), seed=8)
    assert not problem.train["x"].equal(other.train["x"])
    far = get("mine/seeded").problems(protocol(), seed=1000)[0].train["x"]
    assert float(far.mean()) == pytest.approx(1000, abs=1)


@pytest.mark.usefixtures("scratch")
def test_datasets_of_one_seed_do_not_share_their_noise():
    equations = {"x": lambda u: u}
    for name in ("mine/a", "mine/b"):
        registry.register(name)(lambda: equations)
    a, b = (get(name).problems(protocol(), seed=0)[0].train["x"] for name in ("mine/a", "mine/b"))
    assert abs(float(torch.corrcoef(torch.stack([a, b]))[0, 1])) < 0.5


@pytest.mark.usefixtures("scratch")
def test_what_a_dataset_needs_is_said_before_it_is_built():
    @registry.register("mine/needy", needs=lambda: "bring a file")
    def needy():
        raise AssertionError("built without its file")

    assert get("mine/needy").missing() == "bring a file"
    with pytest.raises(DataMissing, match="bring a file"):
        get("mine/needy").problems(protocol(), seed=0)


@pytest.mark.usefixtures("scratch")
def test_names_are_taken_once_and_stay_inside_their_folder():
    def equations():
        return {"x": lambda u: u}

    registry.register("mine/x")(equations)
    with pytest.raises(ValueError, match="'mine/x' is taken twice"):
        registry.register("mine/x")(equations)
    for name in ("../x", "/x", "mine//x", "mine/..", "a b", ""):
        with pytest.raises(ValueError, match="dataset name"):
            registry.register(name)(equations)
