"""Pictures are PNGs that come back, and nothing else is read."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from scmbench.datasets.pictures import COUNT, SIDE, PictureError, decode, encode, pictures


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 20), (1, 1, 1), (3, SIDE, SIDE)])
def test_a_picture_comes_back_to_a_step_of_grey(shape):
    x = noise(*shape)
    again = decode(encode(x))
    assert again.shape == shape
    assert (again - x).abs().max() <= 0.5 / 255 + 1e-6
    assert encode(again) == encode(x)


def test_it_is_a_png_as_others_read_it():
    for x in (noise(1, 9, 7), noise(3, 9, 7)):
        pixels = torch.tensor(np.array(Image.open(io.BytesIO(encode(x))).convert("RGB")))
        torch.testing.assert_close(pixels.permute(2, 0, 1) / 255, decode(encode(x)).expand(3, 9, 7))


def test_what_lies_beyond_the_range_is_clamped_and_what_is_large_shrunk():
    assert decode(encode(torch.tensor([[[-0.3, 1.7]]]))).flatten().tolist() == [0, 1]
    halves = torch.zeros(1, 2 * SIDE, 4 * SIDE)
    halves[..., 2 * SIDE :] = 1
    small = decode(encode(halves))
    assert small.shape == (1, SIDE // 2, SIDE)
    assert small[..., : SIDE // 2].max() == 0
    assert small[..., SIDE // 2 :].min() == 1


def test_a_digit_takes_a_few_hundred_bytes():
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    ring = torch.sigmoid(2 - ((x - 14).square() + (y - 14).square()).sqrt().sub(8).abs())
    assert len(encode(ring[None])) < 900


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (noise(28, 28), r"shape \(28, 28\)"),
        (noise(2, 28, 28), r"shape \(2, 28, 28\) is no picture"),
        (noise(1, 0, 28), "no picture"),
        (noise(1, 2, 2) / 0, "NaN or infinity"),
    ],
)
def test_what_is_no_image_is_not_written(x, message):
    with pytest.raises(PictureError, match=message):
        encode(x)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    w: int = 2, h: int = 2, kind: tuple[int, ...] = (8, 0, 0, 0, 0), lines: bytes = b"\0ab\0cd", *, more: bytes = b""
) -> bytes:
    parts = chunk(b"IHDR", struct.pack(">II5B", w, h, *kind)), more, chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


GOOD = png()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin as a PNG"),
        (b"GIF89a" + GOOD, "does not begin as a PNG"),
        (GOOD[:-1], "cut off"),
        (GOOD[:20], "cut off"),
        (GOOD[:-12], "the parts"),
        (GOOD + GOOD, "the parts|checksum|cut off"),
        (GOOD.replace(b"IDAT", b"IDAX"), "checksum"),
        (png(more=chunk(b"tEXt", b"hello")), r"the parts \['IHDR', 'tEXt', 'IDAT', 'IEND'\]"),
        (png(more=chunk(b"\xff\x00\n1", b"")), "the parts"),
        (png(kind=(16, 0, 0, 0, 0)), "another kind"),
        (png(kind=(8, 3, 0, 0, 0)), "another kind"),
        (png(kind=(8, 0, 0, 0, 1)), "another kind"),
        (png(w=0), "0 x 2 pixels"),
        (png(w=2**31, h=2**31), "expected at most"),
        (png(w=3), "its pixels are not 3 x 2"),
        (png(lines=b"\0ab\0cd" * 100_000), "its pixels are not 2 x 2"),
        (png(lines=b"\0ab\1cd"), "its lines are filtered"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"") + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "the parts"),
        (GOOD.replace(zlib.compress(b"\0ab\0cd"), b"x" * 14), "checksum|cut off"),
    ],
)
def test_anything_else_is_refused_in_a_line(content, message):
    assert decode(GOOD).shape == (1, 2, 2)
    with pytest.raises(PictureError, match=message) as error:
        decode(content)
    assert len(str(error.value).splitlines()) == 1


def test_every_cut_and_every_changed_byte_is_refused_or_a_picture():
    whole = encode(noise(1, 4, 4))
    for i in range(len(whole)):
        with pytest.raises(PictureError):
            decode(whole[:i])
        with pytest.raises(PictureError):
            decode(whole[:i] + bytes([whole[i] ^ 0x40]) + whole[i + 1 :])


def test_rows_are_spread_over_an_answer_and_carry_what_was_asked():
    x = noise(80, 1, 6, 6)
    values = torch.arange(10).repeat_interleave(8)
    some = pictures("digit", values, "image", factual=x, answer=x.flip(0), truth=x)
    assert [p.row for p in some] == list(range(0, 80, 10))
    assert [p.value for p in some] == [float(values[p.row]) for p in some]
    assert {(p.node, p.target) for p in some} == {("digit", "image")}
    assert some[1].factual == some[1].truth == encode(x[10])
    assert some[1].answer == encode(x[69])
    assert len(pictures("d", values[:3], "image", factual=x, answer=x)) == 3
    assert len(pictures("d", values[:79], "image", factual=x[:79], answer=x)) == COUNT
    (one,) = pictures("d", values, "image", factual=x, answer=x, rows=[7])
    assert (one.row, one.truth) == (7, None)
