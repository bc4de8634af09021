"""Real glyphs: they come back at their own thickness, grow and lean as told, and have no other class."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from scmbench.datasets import SCM, DataMissing, SCMDataset, ValuesError, get
from scmbench.datasets.files import download
from scmbench.datasets.files.sources import SOURCES
from scmbench.datasets.image import glyphs as module
from scmbench.datasets.image.glyphs import Glyphs, distance_map, glyphs
from scmbench.datasets.image.morpho import morpho_scm

needs_mnist = pytest.mark.skipif(bool(download.missing("mnist")), reason=str(download.missing("mnist")))
TARGETS = ("thickness", "intensity", "slant")


def stroke(width: float, lean: float = 0.0) -> np.ndarray:
    """A vertical bar, `width` pixels wide, that leans to the right."""
    y, x = np.mgrid[0:28, 0:28].astype(float)
    across = np.abs(x - 13.5 + lean * (y - 13.5)) - width / 2
    return (255 * np.clip(0.5 - across, 0, 1) * (np.abs(y - 13.5) < 9)).round().astype(np.uint8)


def drawn(count: int = 12, file=None) -> Glyphs:
    """A library of bars of two widths, half of them of class 0 and half of class 1."""
    bars = torch.from_numpy(np.stack([stroke(2 + 2 * (i % 2), 0.02 * i) for i in range(count)]))
    return Glyphs(bars, torch.arange(count) % 2, file or module.Path("nowhere"))


def scm() -> SCM:
    dataset = get("image/morpho")
    assert isinstance(dataset, SCMDataset)
    return dataset.scm(0)


@pytest.mark.parametrize("width", [2.0, 3.0, 5.0])
def test_the_map_of_a_bar_is_its_distance_and_knows_its_width(width):
    distance, (thickness, shear, middle) = distance_map(stroke(width))
    assert distance.shape == (56, 56)
    assert thickness == pytest.approx(width, abs=0.3)
    assert shear == pytest.approx(0, abs=1e-6)
    assert middle == pytest.approx(13.5, abs=1e-6)
    row, columns = distance[28].astype(float), (np.arange(56) + 0.5) / 2 - 0.5
    assert np.abs(row - (width / 2 - np.abs(columns - 13.5)))[8:48].max() < 0.3


def test_a_leaning_bar_has_its_slant():
    _, (_, shear, _) = distance_map(stroke(3, lean=0.3))
    assert shear == pytest.approx(0.3, abs=0.02)


def test_bars_come_back_grow_and_lean():
    library, n = drawn(), 12
    index = torch.arange(n)
    _, traits = library.look_up(index)
    own, slant = traits[:, 0], traits[:, 1].atan()
    back = library.draw(index, own, slant)
    assert (back[:, 0] - library.images / 255).abs().mean() < 0.02
    areas = torch.stack([library.draw(index, torch.full((n,), t), slant).sum((1, 2, 3)) for t in (1.5, 2.5, 3.5, 5.0)])
    assert (areas.diff(dim=0) > 0).all()
    upright = library.draw(index, own, torch.zeros(n))
    columns = torch.arange(28.0)
    centre = (upright[:, 0] * columns).sum(2) / upright[:, 0].sum(2).clamp(min=1e-6)
    assert (centre[:, 8] - centre[:, 19]).abs().max() < 0.3


def test_a_world_of_bars_keeps_its_promises():
    world = morpho_scm(drawn())
    noise = world.noise(80, seed=0)
    factual = world.observed(world.run(noise))
    assert world.targets == TARGETS
    assert "glyph" not in factual
    assert set(world.graph.predecessors("image")) == {"digit", *TARGETS}
    assert (factual["slant"].abs() <= 0.5).all()
    assert 2.3 < float(factual["thickness"].mean()) < 2.7
    for node in ("digit", *TARGETS):
        again = world.counterfactual(noise, {node: factual[node]})
        assert all(again[v].equal(x) for v, x in factual.items())
    dark = world.counterfactual(noise, {"intensity": 0.5})["image"]
    assert torch.allclose(dark.amax((1, 2, 3)), torch.full((80,), 0.5))
    few = world.run({v: x[60:70] for v, x in noise.items()})
    assert torch.allclose(few["image"], factual["image"][60:70], atol=1e-6)


def test_the_class_of_a_real_glyph_cannot_be_set():
    world = morpho_scm(drawn())
    with pytest.raises(ValuesError, match=r"do\('digit' = 1\) on a 0: a real glyph has one class"):
        world.counterfactual(world.noise(20, seed=0), {"digit": 1})


def test_all_maps_are_kept_once_many_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MANY", 5)
    counted = []
    monkeypatch.setattr(module, "distance_map", lambda x: counted.append(1) or distance_map(x))
    library = drawn(file=tmp_path / "morpho" / "maps.safetensors")
    library.look_up(torch.arange(3))
    assert len(counted) == 3
    assert not library.file.exists()
    first = library.look_up(torch.arange(12))
    assert len(counted) == 12
    assert [f.name for f in library.file.parent.iterdir()] == ["maps.safetensors"]
    again = drawn(file=library.file).look_up(torch.arange(12))
    assert len(counted) == 12
    assert all(a.equal(b) for a, b in zip(first, again, strict=True))
    library.file.write_bytes(b"torn")
    assert drawn(file=library.file).look_up(torch.arange(12))[0].equal(first[0])
    assert len(counted) == 24


def test_a_folder_that_cannot_be_written_to_costs_nothing_but_time(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MANY", 5)
    (tmp_path / "morpho").write_text("a file where the folder would be")
    library = drawn(file=tmp_path / "morpho" / "maps.safetensors")
    assert library.look_up(torch.arange(12))[0].shape == (12, 56, 56)


def test_without_its_file_or_with_a_wrong_one_the_world_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv(download.ENV, str(tmp_path))
    message = get("image/morpho").missing()
    assert message
    assert "`scmbench data fetch mnist`" in message
    with pytest.raises(DataMissing, match="t10k-images-idx3-ubyte"):
        scm()
    (tmp_path / "mnist").mkdir()
    for file in SOURCES["mnist"].files:
        (tmp_path / "mnist" / file.name).write_bytes(b"not it")
    with pytest.raises(DataMissing, match=f"is not the expected file: sha256 {hashlib.sha256(b'not it').hexdigest()}"):
        glyphs()
    assert not replace(SOURCES["mnist"]).files[0].url.count("/master/")


@needs_mnist
def test_real_glyphs_come_back_at_their_own_thickness():
    library, index = glyphs(), torch.arange(0, 10_000, 100)
    _, traits = library.look_up(index)
    back = library.draw(index, traits[:, 0], traits[:, 1].atan())
    real = library.images[index] / 255
    assert (back[:, 0] - real / real.amax((1, 2), keepdim=True)).abs().mean() < 0.02
    assert 2.0 < float(traits[:, 0].mean()) < 2.8


@needs_mnist
def test_the_real_world_measures_as_it_was_told():
    from scmbench.metrics import images

    values = scm().sample(100, seed=0)
    assert values["image"].dtype == torch.float32
    assert values["digit"].dtype == torch.int64
    for node, measure in (("slant", images.slant), ("intensity", images.intensity)):
        both = torch.stack([measure(values["image"]), values[node]])
        assert torch.corrcoef(both)[0, 1] > 0.98
