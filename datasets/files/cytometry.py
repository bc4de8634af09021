"""The flow cytometry table of Sachs et al. (2005): single cells by the expression of eleven signalling molecules."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import torch

from ..values import Values, ValuesError

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


MOLECULES = {
    "x01": "plcg",
    "x02": "PIP3",
    "x03": "PIP2",
    "x04": "PKC",
    "x05": "PKA",
    "x06": "pjnk",
    "x07": "P38",
    "x08": "praf",
    "x09": "pmek",
    "x10": "p44/42",
    "x11": "pakts473",
}
"""The molecule that each node stands for; only x01 and x04 take anything from its measurements."""


EDGES = [(1, 2), (1, 3), (2, 3), (4, 5), (4, 6), (4, 7), (4, 8), (4, 9), (5, 6), (5, 7), (5, 8), (5, 9), (5, 10)]


EDGES += [(5, 11), (8, 9), (9, 10), (10, 11)]
