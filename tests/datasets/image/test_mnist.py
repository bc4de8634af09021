"""MNIST's files and parts: read whole or refused by name, and no row is in two parts."""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace

import pytest
import torch
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.image_protocol import ImageProtocol
from scmbench.datasets import DataMissing, ValuesError, get
from scmbench.datasets.files import download, idx
from scmbench.datasets.files.sources import SOURCES
from scmbench.datasets.image import mnist

needs_mnist = pytest.mark.skipif(bool(download.missing("mnist")), reason=str(download.missing("mnist")))


def written(path, content: bytes):
    path.write_bytes(gzip.compress(content))
    return path


def file_of(path, *shape: int, fill: int = 7):
    sizes = struct.pack(f">{len(shape)}I", *shape)
    return written(path, bytes([0, 0, 8, len(shape)]) + sizes + bytes([fill]) * torch.Size(shape).numel())


def test_an_idx_file_is_read_in_its_shape(tmp_path):
    content = bytes([0, 0, 8, 2]) + struct.pack(">2I", 2, 3) + bytes(range(6))
    assert idx.read(written(tmp_path / "a.gz", content)).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no IDX file of unsigned bytes: it begins with nothing"),
        (b"PNG?", "it begins with 504e473f"),
        (bytes([0, 0, 13, 1]), "it begins with 00000d01"),
        (bytes([0, 0, 8, 3, 0]), "ends within its sizes"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 5, 1, 2]), r"has 2 bytes of content; its sizes say \(5,\)"),
    ],
)
def test_what_is_no_idx_file_is_refused_by_name(tmp_path, content, message):
    with pytest.raises(ValuesError, match=rf"bad\.gz.*{message}"):
        idx.read(written(tmp_path / "bad.gz", content))


def test_a_torn_file_is_refused_by_name(tmp_path):
    whole = file_of(tmp_path / "x.gz", 9, 28, 28).read_bytes()
    for torn in (whole[:-9], b"no gzip", whole[:20] + b"\xff" * 30 + whole[50:]):
        (tmp_path / "torn.gz").write_bytes(torn)
        with pytest.raises(ValuesError, match=r"torn\.gz cannot be unpacked"):
            idx.read(tmp_path / "torn.gz")


def test_images_and_labels_have_to_fit(tmp_path):
    images, labels = file_of(tmp_path / "images.gz", 3, 28, 28), file_of(tmp_path / "labels.gz", 3)
    x, digit = idx.read_digits(images, labels)
    assert x.shape == (3, 28, 28)
    assert digit.tolist() == [7, 7, 7]
    for made, message in (
        ((file_of(tmp_path / "small.gz", 3, 8, 8), labels), r"small\.gz has the shape \(3, 8, 8\)"),
        ((images, file_of(tmp_path / "few.gz", 2)), r"few\.gz .* a label for each of 3 images"),
        ((images, file_of(tmp_path / "odd.gz", 3, fill=11)), r"odd\.gz: label 11 in row 0 is none of the classes"),
    ):
        with pytest.raises(ValuesError, match=message):
            idx.read_digits(*made)


def test_without_its_files_it_is_told_which_to_get(tmp_path, monkeypatch):
    monkeypatch.setenv(download.ENV, str(tmp_path))
    for name, command in (("image/mnist/t10k", "scmbench data fetch mnist`"), ("image/mnist", "fetch mnist`")):
        assert command in (get(name).missing() or "")
        with pytest.raises(DataMissing, match="needed by"):
            get(name).problems(protocols.get("image"), seed=0)


def test_the_training_file_is_a_source_of_its_own():
    assert {file.name for file in SOURCES["mnist"].files}.isdisjoint(f.name for f in SOURCES["mnist-train"].files)
    for source in ("mnist", "mnist-train"):
        assert all("/master/" not in file.url for file in SOURCES[source].files)


@needs_mnist
def test_parts_share_no_row_and_depend_on_the_seed():
    dataset = get("image/mnist/t10k")
    assert isinstance(dataset, mnist.MNIST)
    parts = dataset._parts(0)
    assert [len(part["digit"]) for part in parts] == [6000, 3000, 1000]
    keys = [{x.numpy().tobytes() for x in part["image"]} for part in parts]
    assert sum(map(len, keys)) == len(set().union(*keys))
    assert not dataset._parts(1)[0]["image"].equal(parts[0]["image"])
    image = parts[0]["image"]
    assert (image.dtype, float(image.min()), float(image.max())) == (torch.float32, 0.0, 1.0)


@needs_mnist
def test_it_is_asked_for_other_classes_without_a_truth():
    smoke = protocols.get("image-smoke")
    assert isinstance(smoke, ImageProtocol)
    [problem] = get("image/mnist/t10k").problems(replace(smoke, n_train=50, n_class=2), seed=0)
    assert len(problem.train["digit"]) == 50
    assert problem.scm is None
    kinds = {query.kind for query in problem.queries}
    assert kinds == {"counterfactual", "reversibility", "composition"}
    query = next(q for q in problem.queries if q.kind == "counterfactual")
    assert (query.factual["digit"] != query.target()).all()  # type: ignore[attr-defined]
    assert query.target().bincount().tolist() == [2] * 10  # type: ignore[attr-defined]
