"""Judges: trained by seed alone, kept whole or not at all, and what they say of images."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from scmbench.benchmarks.questions.judges import keeping, scoring
from scmbench.benchmarks.questions.judges.judges import Judges, digest
from scmbench.benchmarks.questions.judges.keeping import JudgeWarning, World
from scmbench.benchmarks.questions.judges.networks import ClassAutoencoder, Classifier, Panel, WholeAutoencoder
from scmbench.benchmarks.questions.judges.training import Budget, Effort
from scmbench.datasets import SCM, Values, ValuesError
from scmbench.metrics import MetricError
from torch.nn import Sequential


def bars(n: int, seed: int) -> Values:
    """16 x 16 images of three classes: a bar to the left, in the middle, to the right; its thickness varies."""
    stream = torch.Generator().manual_seed(seed % 2**31)
    digit = torch.arange(n) % 3
    thickness = 2 + 2 * torch.rand(n, generator=stream, dtype=torch.float64)
    across = (torch.arange(16) - 3.5 - 4 * digit[:, None]).abs()
    ink = torch.sigmoid((thickness[:, None] / 2 - across) / 0.25)[:, None, None, :].expand(n, 1, 16, 16)
    e = torch.randn(n, 1, 16, 16, generator=stream)
    rows = torch.arange(16)[:, None]
    return {"digit": digit, "thickness": thickness, "image": (ink * ((rows > 2) & (rows < 13)) + 0.02 * e).float()}


def world(seed: int = 0, **options) -> World:
    return World("test/bars", 1, seed, bars, **{"thickness": "thickness", "cut": True, **options})


@pytest.fixture(autouse=True)
def data(monkeypatch, tmp_path) -> Path:
    """A data folder of its own, judges of two steps, and none remembered from another test."""
    monkeypatch.setenv("SCMBENCH_DATA", str(tmp_path))
    monkeypatch.setattr(keeping, "CUT", Budget(60, *(Effort(2, 8, 4e-3),) * 4))
    keeping._remembered.cache_clear()
    return tmp_path


def anew(which: World) -> Judges:
    """The judges as another process would get them."""
    keeping._remembered.cache_clear()
    return keeping.judges(which)


def refuse(n: int, seed: int) -> Values:
    raise AssertionError("rows were drawn")


def test_the_networks_are_those_of_the_papers():
    def count(network):
        return sum(p.numel() for p in network.parameters())

    shape, x = (1, 28, 28), torch.zeros(2, 1, 28, 28)
    assert count(Classifier(shape, 10)) == 105_866
    # 3 x 3 convolutions: 1-16, 16-8, 8-8, 8-8, 8-16, 16-1, and 1-16, 16-16, 16-1 twice
    assert count(ClassAutoencoder(shape)) == 160 + 1160 + 584 + 584 + 1168 + 145
    assert count(WholeAutoencoder(shape)) == 2 * (160 + 2320 + 145)
    assert Sequential(*list(ClassAutoencoder(shape))[:7])(x).shape == (2, 8, 7, 7)
    assert Sequential(*list(WholeAutoencoder(shape))[:6])(x).shape == (2, 1, 14, 14)
    for odd in ((1, 28, 28), (1, 16, 16), (3, 15, 18)):
        panel = Panel(odd, 2)
        x = torch.zeros(2, *odd)
        assert panel.whole(x).shape == panel.autoencoder(0)(x).shape == x.shape
        assert panel.classifier(x).shape == (2, 2)


def test_same_seed_same_judges_whatever_the_threads_and_the_global_stream():
    first = anew(world())
    first_path = world().path
    first_path.unlink()
    torch.manual_seed(99)
    torch.set_num_threads(2)
    try:
        state = torch.get_rng_state()
        again = anew(world())
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert again.digest == first.digest
    assert anew(world(seed=1)).digest != first.digest


def test_they_are_kept_and_read_as_they_were_without_drawing_rows():
    trained = anew(world())
    read = keeping._read(world(), world().path)
    assert read.digest == trained.digest
    assert read.thickness == trained.thickness
    x = bars(10, 5)["image"]
    assert torch.equal(read.logits(x), trained.logits(x))
    keeping._remembered.cache_clear()
    unasked = World("test/bars", 1, 0, refuse, thickness="thickness", cut=True)
    assert keeping.judges(unasked).digest == trained.digest
    assert keeping.judges(unasked) is keeping.judges(unasked)
    assert [p.name for p in world().path.parent.iterdir()] == ["v1-judges1-seed0-cut.safetensors"]


def test_another_world_version_seed_or_budget_has_another_file():
    paths = {
        w.path for w in (world(), world(1), world(cut=False), World("test/bars", 2, 0, bars), World("test", 1, 0, bars))
    }
    assert len(paths) == 5
    assert World("../..", 1, 0, bars).path.parent.parent == world().path.parent.parent


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garble(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-17] ^= 1
    path.write_bytes(content)


def exchange(path: Path) -> None:
    """A whole file, of other judges."""
    other = World("test/bars", 1, 1, bars, thickness="thickness", cut=True)
    path.write_bytes(keeping_of(other).read_bytes())


def keeping_of(which: World) -> Path:
    anew(which)
    return which.path


def strange(path: Path) -> None:
    """Tensors with a checksum that is right, and not those of judges."""
    tensors = {"a": torch.zeros(3)}
    about = {**world().about((1, 16, 16), 3), "sha256": digest(tensors)}
    save_file(tensors, path, {"about": json.dumps(about)})


def nothing_said(path: Path) -> None:
    save_file(load_file(path), path)


def no_json(path: Path) -> None:
    save_file(load_file(path), path, {"about": "["})


def a_list(path: Path) -> None:
    save_file(load_file(path), path, {"about": "[]"})


DAMAGE = [shorten, empty, garble, flip_a_bit, exchange, strange, nothing_said, no_json, a_list]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda f: f.__name__)
def test_a_damaged_file_is_told_of_and_made_anew(damage):
    path, expected = world().path, anew(world()).digest
    whole = path.read_bytes()
    damage(path)
    assert path.read_bytes() != whole
    with pytest.warns(JudgeWarning, match=r"test%2Fbars.*cannot be used \(.+\): they are trained anew") as told:
        assert anew(world()).digest == expected
    assert len(told) == 1
    assert len(str(told[0].message).splitlines()) == 1
    assert path.read_bytes() == whole


def test_where_nothing_can_be_written_they_serve_the_process(data):
    (data / "judges").write_text("a file where the folder should be")
    with pytest.warns(JudgeWarning, match="cannot keep the judges in"):
        assert len(anew(world()).digest) == 64


def _train(folder: str) -> None:
    os.environ["SCMBENCH_DATA"] = folder
    torch.set_num_threads(1)
    keeping.judges(world())


@pytest.mark.slow
def test_two_processes_at_once_leave_one_whole_file(data):
    processes = [multiprocessing.get_context("fork").Process(target=_train, args=(str(data),)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert [p.name for p in world().path.parent.iterdir()] == [world().path.name]
    assert keeping._read(world(), world().path).digest


def test_a_file_that_appears_while_they_are_trained_is_replaced_by_the_same(monkeypatch):
    first = anew(world())
    content = world().path.read_bytes()
    world().path.unlink()
    original = keeping._trained

    def interrupted(which):
        found = original(which)
        world().path.write_bytes(content)  # the other process was quicker
        return found

    monkeypatch.setattr(keeping, "_trained", interrupted)
    assert anew(world()).digest == first.digest
    assert world().path.read_bytes() == content


def without(node: str):
    return lambda n, seed: {k: v for k, v in bars(n, seed).items() if k != node}


def changed(**functions):
    return lambda n, seed: {k: functions.get(k, lambda x: x)(v) for k, v in bars(n, seed).items()}


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (changed(image=lambda x: 2 * x - 1), r"'image' has pixels from -1\.\d+ to 1\.\d+; judges need them in about"),
        (changed(image=lambda x: 255 * x), "judges need them in about"),
        (changed(image=lambda x: x[:, 0]), r"'image' has shape \(60, 16, 16\)"),
        (changed(image=lambda x: x * torch.nan), "pixels from nan to nan"),
        (changed(digit=lambda y: y + 1), r"none of 60 rows has 'digit' = 0; they have \[1, 2, 3\]"),
        (changed(digit=lambda y: y - 1), "judges need classes from 0 on"),
        (changed(digit=lambda y: y.double()), r"'digit' is torch\.float64"),
        (without("digit"), r"judges need the node 'digit'; the rows have \['image', 'thickness'\]"),
        (without("thickness"), "judges need the node 'thickness'"),
    ],
)
def test_rows_that_judges_cannot_be_trained_on_are_refused(draw, message, data):
    with pytest.raises(ValuesError, match=message):
        anew(World("test/bars", 1, 0, draw, thickness="thickness", cut=True))
    assert list(data.rglob("*.safetensors")) == []


def test_the_world_of_an_scm_is_found_by_type():
    def image(u, digit, thickness):
        x = torch.arange(16)[None, None, None, :] < 3 * thickness[:, None, None, None] + digit[:, None, None, None]
        return x.expand(len(u), 1, 16, 16).float()

    equations = {
        "digit": lambda u: (u > 0).long() + (u > 1).long(),
        "thickness": lambda u, digit: 2 + torch.sigmoid(u + digit),
        "image": image,
    }
    found = World.of_scm(SCM(equations), "test/scm", 1, 0, cut=True)
    assert (found.image, found.label, found.thickness) == ("image", "digit", "thickness")
    judges = anew(found)
    assert judges.panel.n_classes == 3
    assert len(judges.labels) == 60
    with pytest.raises(ValuesError, match="test/plain: judges need one image, its SCM has none"):
        World.of_scm(SCM({"a": lambda u: u}), "test/plain", 1, 0)
    equations["digit"] = lambda u: u
    with pytest.raises(ValuesError, match="judges need an image with one class, 'image' has none"):
        World.of_scm(SCM(equations), "test/scm", 1, 0)


LONGER = Budget(300, *(Effort(45, 32, 4e-3),) * 3, Effort(60, 32, 4e-3))
"""Enough for bars."""


def test_trained_judges_tell_classes_apart_and_score_what_is_asked(monkeypatch):
    monkeypatch.setattr(keeping, "CUT", LONGER)
    judges, fresh = anew(world()), bars(90, 77)
    x, own = fresh["image"], fresh["digit"]
    target = (own + 1) % 3
    assert (judges.logits(x).argmax(1) == own).double().mean() > 0.95
    assert judges.features(x).shape == (90, 64)
    nothing = scoring.proxies(judges, x, x, target=target, own=own, groups=3)
    assert set(nothing) == {
        *("validity", "im1", "im2", "cld", "cld_weighted", "l1", "im1_median", "im2_median"),
    }
    assert all(score.shape == (3,) for score in nothing.values())
    assert nothing["cld"].tolist() == [math.log(1 + math.e)] * 3
    assert nothing["l1"].tolist() == [0] * 3
    assert nothing["validity"].max() < 0.1
    assert nothing["im1"].min() > 1
    others = {int(y): x[own == y][0] for y in own.unique()}
    moved = torch.stack([others[int(y)] for y in target])
    flipped = scoring.proxies(judges, moved, x, target=target, own=own, groups=3)
    assert flipped["validity"].min() > 0.9
    assert flipped["im1_median"].max() < 1
    assert (flipped["cld"] < nothing["cld"]).all()
    near, far = (float(scoring.frechet64(judges, bars(90, 5)["image"], y)["frechet64"]) for y in (x, 1 - x))
    assert 0 <= near < far


def test_measures_are_compared_with_the_truth_and_named_by_what_should_move():
    judges = anew(world())
    truth, answer = bars(8, 1), bars(8, 2)
    nodes = ["digit", "thickness", "intensity"]
    scores = scoring.measured(judges, truth["image"], answer["image"], nodes=nodes, moved=["thickness"], groups=2)
    assert set(scores) == {"measured_thickness", "leak_intensity"}
    apart = (truth["thickness"] - answer["thickness"]).abs().reshape(2, 4).mean(1)
    torch.testing.assert_close(scores["measured_thickness"], apart, atol=0.25, rtol=0)
    exact = scoring.measured(judges, truth["image"], truth["image"], nodes=nodes, moved=nodes)
    assert exact["measured_thickness"].tolist() == [0]
    seen = scoring.effectiveness(judges, truth["image"], "thickness", truth["thickness"])
    assert float(seen["effectiveness_thickness"]) < 0.25
    assert scoring.effectiveness(judges, truth["image"], "digit", truth["digit"]) == {}
    kept = scoring.class_kept(judges, truth["image"], judges.logits(truth["image"]).argmax(1), groups=2)
    assert kept["leak_class"].tolist() == [0, 0]


def test_images_of_another_size_are_refused():
    judges = anew(world())
    with pytest.raises(MetricError, match=r"these judges know images \(n, 1, 16, 16\), not \(2, 1, 28, 28\)"):
        judges.logits(torch.zeros(2, 1, 28, 28))


def test_an_answer_does_not_depend_on_its_mates():
    judges, x = anew(world()), bars(7, 3)["image"]
    torch.testing.assert_close(judges.logits(x)[2:3], judges.logits(x[2:3]))
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    torch.testing.assert_close(judges.reconstructed(x, labels).flip(0), judges.reconstructed(x.flip(0), labels.flip(0)))
