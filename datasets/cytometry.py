"""The flow cytometry table of Sachs et al. (2005): single cells by the expression of eleven signalling molecules."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import torch

from .values import Values, ValuesError

COLUMNS = ("praf", "pmek", "plcg", "PIP2", "PIP3", "p44/42", "pakts473", "PKA", "PKC", "P38", "pjnk")
"""The molecules, in the order of the file."""


def read(path: Path) -> Values:
    """The columns of a table in the format of ``cyto_full_data.csv``, ``{molecule: (n,)}``, raw intensities, float64.

    Its checksum is not looked at here. Raises `ValuesError` that names the file and the line for another header, a row
    of another length, or an entry that is no finite number.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if tuple(header) != COLUMNS:
            raise ValuesError(f"{path}, line 1: the columns are {header}; expected {list(COLUMNS)}")
        table = [_numbers(row, f"{path}, line {line}") for line, row in enumerate(rows, start=2)]
    if not table:
        raise ValuesError(f"{path} has a header and no rows")
    return dict(zip(COLUMNS, torch.tensor(table, dtype=torch.float64).unbind(1), strict=True))


def _numbers(row: list[str], where: str) -> list[float]:
    if len(row) != len(COLUMNS):
        raise ValuesError(f"{where}: {len(row)} entries; expected {len(COLUMNS)}")
    try:
        numbers = [float(entry) for entry in row]
    except ValueError as error:
        raise ValuesError(f"{where}: {error}") from None
    if not all(map(math.isfinite, numbers)):
        raise ValuesError(f"{where}: NaN or infinity in {row}")
    return numbers
