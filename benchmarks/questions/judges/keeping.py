"""Judges are trained once a world and seed and kept beside the data, because they cost more than most models."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as write_tensors
from scmbench.datasets import SCM, Values, ValuesError, derive
from scmbench.datasets.files.download import folder
from scmbench.datasets.files.whole import replace_with
from scmbench.metrics.images import Thickness
from torch import Tensor

from .judges import Judges, digest
from .training import CUT, FULL, one_thread, train

VERSION = 1
"""Counts changes of the judges: networks, budgets, streams; part of their file's name and of the key of records."""

LEAST, MOST = -0.5, 1.5
"""Pixels beyond are not in about [0, 1]: scaled to [-1, 1], or 0 to 255."""


class JudgeWarning(UserWarning):
    """Judges that could not be read or kept: the message names the file and what is done instead."""


@dataclass(frozen=True)
class World:
    """What judges are trained on: rows of a data set that no model is trained on.

    Attributes:
        dataset: The data set's name.
        version: Its version.
        seed: The seed of the problem.
        draw: ``(n, seed) -> values``: fresh rows, at most n.
        image: The node that is the image, ``(n, c, h, w)``, pixels in about [0, 1].
        label: The node that is its class, integer from 0.
        thickness: The node that is the width of its strokes; empty where there is none.
        cut: Train for a few steps only: every path, and scores that mean nothing.
    """

    dataset: str
    version: int
    seed: int
    draw: Callable[[int, int], Values] = field(repr=False, compare=False)
    image: str = "image"
    label: str = "digit"
    thickness: str = ""
    cut: bool = False

    @classmethod
    def of_scm(cls, scm: SCM, dataset: str, version: int, seed: int, *, cut: bool = False) -> World:
        """The world of an SCM. Raises `ValuesError` unless it has one image with one integer parent."""
        like = scm.sample(2, seed=0)
        images = [node for node, x in like.items() if x.ndim == 4]
        if len(images) != 1:
            raise ValuesError(f"{dataset}: judges need one image, its SCM has {images or 'none'}")
        labels = [v for v in scm.parents[images[0]] if v in like and not like[v].is_floating_point()]
        if len(labels) != 1:
            raise ValuesError(f"{dataset}: judges need an image with one class, {images[0]!r} has {labels or 'none'}")
        return cls(
            *(dataset, version, seed, lambda n, stream: scm.sample(n, seed=stream), images[0], labels[0]),
            thickness="thickness" if "thickness" in scm.parents[images[0]] else "",
            cut=cut,
        )

    @property
    def path(self) -> Path:
        """The file in the data folder that keeps its judges."""
        name = f"v{self.version}-judges{VERSION}-seed{self.seed}{'-cut' if self.cut else ''}.safetensors"
        return folder() / "judges" / quote(self.dataset, safe="") / name

    def about(self, shape: tuple[int, ...], classes: int) -> dict[str, Any]:
        """What the file says of itself."""
        names = ("dataset", "version", "seed", "image", "label", "thickness", "cut")
        return {"judges": VERSION, **{n: getattr(self, n) for n in names}, "shape": list(shape), "classes": classes}


def judges(world: World) -> Judges:
    """The judges of a world: read where they are kept, else trained and kept.

    Training takes about three CPU minutes on 28 × 28 digits, and the same seed gives the same judges. Two processes
    that train them at once write the same file, each aside before it takes its place.

    Args:
        world: The rows to train on.

    Returns:
        The judges.

    Raises:
        ValuesError: For images that are none or not in about [0, 1], and for labels that are no classes from 0 on.
    """
    return _remembered(world, world.path)


@lru_cache(maxsize=4)
def _remembered(world: World, path: Path) -> Judges:
    try:
        return _read(world, path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, SafetensorError) as error:
        why = " ".join(str(error).split())[:300]
        warnings.warn(f"the judges in {path} cannot be used ({why}): they are trained anew", JudgeWarning, stacklevel=3)
    trained, about = _trained(world)
    try:
        _keep(trained, about, path)
    except OSError as error:
        why = error.strerror or error
        warnings.warn(f"cannot keep the judges in {path} ({why}): they serve this process", JudgeWarning, stacklevel=3)
    return trained


def _trained(world: World) -> tuple[Judges, dict[str, Any]]:
    budget = CUT if world.cut else FULL
    stream = derive(world.seed, world.dataset, "judge")
    rows = world.draw(budget.rows, derive(stream, "rows"))
    x, labels = _checked(rows, world)
    classes = int(labels.max()) + 1
    with one_thread():
        panel = train(x, labels, classes=classes, seed=stream, budget=budget)
        line = Thickness.fit(x, rows[world.thickness]) if world.thickness else None
        untold = Judges(panel, (torch.empty(0), torch.empty(0)), labels)
        latents = untold.encoded(x)
    return Judges(panel, latents, labels, line), world.about(tuple(x.shape[1:]), classes)


def _checked(rows: Values, world: World) -> tuple[Tensor, Tensor]:
    """Images and labels of the rows. Raises `ValuesError` that names the node."""
    for node in (world.image, world.label, *([world.thickness] if world.thickness else [])):
        if node not in rows:
            raise ValuesError(f"{world.dataset}: judges need the node {node!r}; the rows have {sorted(rows)}")
    x, labels = rows[world.image], rows[world.label]
    if x.ndim != 4 or not x.is_floating_point():
        raise ValuesError(f"{world.image!r} has shape {tuple(x.shape)}, {x.dtype}; judges need images (n, c, h, w)")
    low, high = float(x.min()), float(x.max())
    if not LEAST <= low <= high <= MOST:
        raise ValuesError(f"{world.image!r} has pixels from {low:g} to {high:g}; judges need them in about [0, 1]")
    if labels.is_floating_point() or labels.ndim != 1 or int(labels.min()) < 0:
        raise ValuesError(f"{world.label!r} is {labels.dtype} from {labels.min():g}; judges need classes from 0 on")
    seen = labels.unique().tolist()
    if absent := sorted(set(range(max(seen) + 1)) - set(seen)):
        raise ValuesError(f"none of {len(labels)} rows has {world.label!r} = {absent[0]}; they have {seen}")
    return x, labels.long()


def _read(world: World, path: Path) -> Judges:
    """Raises `FileNotFoundError` where there is no file, and one of the errors above where it is not what it was."""
    if not path.exists():
        raise FileNotFoundError(path)
    with safe_open(path, "pt") as file:
        about: Mapping[str, str] = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    said = json.loads(about.get("about", "null"))
    if not isinstance(said, dict):
        raise ValueError("it does not say what it holds")
    shape, classes, checksum = said.get("shape"), said.get("classes"), said.pop("sha256", None)
    if not (isinstance(shape, list) and len(shape) == 3 and all(type(s) is int and 0 < s < 10_000 for s in shape)):
        raise ValueError(f"its images have the shape {shape!r}")
    if type(classes) is not int or not 0 < classes < 10_000:
        raise ValueError(f"it has {classes!r} classes")
    if said != world.about(tuple(shape), classes):
        raise ValueError("it was written for something else")
    if checksum != digest(tensors):
        raise ValueError("its checksum differs")
    return Judges.of_tensors(tensors, shape=(shape[0], shape[1], shape[2]), classes=classes)


def _keep(trained: Judges, about: Mapping[str, Any], path: Path) -> None:
    said = json.dumps({**about, "sha256": trained.digest}, sort_keys=True)  # one entry: of several the order varies
    content = write_tensors({name: x.contiguous() for name, x in trained.tensors().items()}, {"about": said})
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_with(path, content)
