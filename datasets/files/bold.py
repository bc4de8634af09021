"""Region-averaged fMRI runs: text files of 48 columns, one row a volume, one column a cortical region."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from ..values import Values, ValuesError

REGIONS = {"CG": "Cingulate Gyrus, anterior division", "HG": "Heschl's Gyrus (includes H1 and H2)"}
"""Node to its name in the Harvard-Oxford cortical atlas."""


def read_labels(path: Path) -> list[str]:
    """The region of every column. Raises `ValuesError` where the file is no list of labels that starts with Background.

    The first line is the atlas' background, which has no column: column j belongs to line j + 2, counted from 1.
    """
    labels = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if not labels or labels[0] != "Background":
        raise ValuesError(f"{path}, line 1: {labels[0] if labels else 'nothing'!r}; expected 'Background'")
    return labels[1:]


def read_run(path: Path, labels: list[str]) -> Values:
    """The two regions of one run, ``{node: (volumes,)}``, raw scanner units, float64.

    Its checksum is not looked at here. Raises `ValuesError` that names the file and the line for a row of another
    length than `labels` or an entry that is no finite number, and for a region that `labels` lack.
    """
    for region in REGIONS.values():
        if region not in labels:
            raise ValuesError(f"{path}: there is no region {region!r} among the {len(labels)} labels")
    columns = {node: labels.index(region) for node, region in REGIONS.items()}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if len(lines) < 2:
        raise ValuesError(f"{path} has {len(lines)} row(s): no time series")
    rows = [_numbers(line, len(labels), f"{path}, line {i}") for i, line in enumerate(lines, start=1)]
    table = torch.tensor(rows, dtype=torch.float64)
    return {node: table[:, column] for node, column in columns.items()}


def standardise(x: Tensor, where: str) -> Tensor:
    """A series ``(n,)`` at mean 0 and population standard deviation 1. Raises `ValuesError` for a constant one."""
    std = x.std(correction=0)
    if not std > 0:
        raise ValuesError(f"{where} is constant: it has no scale")
    return (x - x.mean()) / std


def _numbers(line: str, width: int, where: str) -> list[float]:
    entries = line.split(",")
    if len(entries) != width:
        raise ValuesError(f"{where}: {len(entries)} entries; expected {width}")
    try:
        numbers = [float(entry) for entry in entries]
    except ValueError as error:
        raise ValuesError(f"{where}: {error}") from None
    if not all(map(math.isfinite, numbers)):
        raise ValuesError(f"{where}: NaN or infinity")
    return numbers
