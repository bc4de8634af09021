"""Plain data through JSON and tensors and back, and JSON that no writer writes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scmbench.models.keeping.data import DataError, Reader, Writer


def again(x):
    writer = Writer()
    text = json.dumps(writer.write(x), allow_nan=False)
    reader = Reader(writer.tensors)
    read = reader.read(json.loads(text))
    reader.finish()
    return read


@pytest.mark.parametrize(
    "x",
    [
        None,
        True,
        2**70,
        -0.0,
        0.1,
        float("inf"),
        "é\n\u2028",
        [],
        (1, (2, [3])),
        {"a": {"b": ()}},
        {0: "int", "0": "str", "$tensor": "a name", "": None},
    ],
)
def test_plain_data_come_back(x):
    assert again(x) == x
    assert type(again(x)) is type(x)


def test_nan_comes_back():
    assert np.isnan(again(float("nan")))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.bool, torch.bfloat16])
def test_tensors_come_back_as_they_lie_in_memory(dtype):
    x = (torch.arange(24).reshape(2, 3, 4) % 2).to(dtype)
    for view in (x, x.permute(2, 0, 1), x[:, :, 1], x[0].T, x[:0], x[0, 0, 0]):
        read = again(view)
        assert read.dtype == dtype
        assert torch.equal(read, view)
        assert read.numel() < 2 or sorted(range(read.ndim), key=read.stride) == sorted(
            range(view.ndim), key=view.stride
        )


def test_arrays_come_back_as_arrays():
    x = np.array([[1.5, 2.0], [3.0, 4.0]]).T
    read = again({"x": x})["x"]
    assert isinstance(read, np.ndarray)
    np.testing.assert_array_equal(read, x)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"$strange": 1}, "unknown kind '\\$strange'"),
        ({"$name": "os:system"}, "unknown kind"),
        ({"$object": "subprocess:Popen", "attributes": {}}, "unknown kind"),
        ({"$partial": ["os:system", ["ls"]]}, "unknown kind"),
        ({"$tuple": [], "more": 1}, "unknown kind"),
        ({"$tuple": "abc"}, "where a list should be"),
        ({"$float": "1e5"}, "no number"),
        ({"$dict": [[[1], 2]]}, "no key"),
        ({"$dict": [["a", 1], ["a", 2]]}, "there twice"),
        ({"$tensor": ["7"]}, "the tensor '7' is missing"),
        ({"$tensor": []}, "the tensor None is missing"),
        ([{"$tensor": ["0", 0]}, {"$tensor": ["0", 0]}], "the tensor '0' is missing"),
        ({"$tensor": ["0", 1]}, "not the dimensions"),
        ({"$tensor": ["0", True]}, "not the dimensions"),
    ],
)
def test_other_json_is_refused(entry, complaint):
    with pytest.raises(DataError, match=complaint):
        Reader({"0": torch.zeros(2)}).read(entry)


def test_tensors_that_nobody_asks_for_are_refused():
    with pytest.raises(DataError, match="'0' belongs to nothing"):
        Reader({"0": torch.zeros(2)}).finish()
