"""What a table's columns were before they became numbers: labels of categories, types of whole numbers; and back."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Self

import numpy as np
import pandas as pd
from scmbench.datasets.files.entries import is_number
from scmbench.datasets.values import ValuesError
from torch import Tensor

from ..contract.base import CausalModel, Unsupported

Label = str | bool | int | float
"""What a category may be called: what a file can hold."""

CATEGORY = "category"
SHOWN = 8
"""Labels that a message lists, at most."""


@dataclass(frozen=True)
class Column:
    """A column that was something else than float64 or int64 numbers.

    `dtype` is its type; its `labels` stand for the codes 0, 1, 2, …; a column of whole numbers has none. `ordered` says
    whether the labels have an order.
    """

    dtype: str
    labels: tuple[Label, ...] = ()
    ordered: bool = False

    def shown(self) -> str:
        """The labels as a message lists them."""
        more = f", … ({len(self.labels)} in all)" if len(self.labels) > SHOWN else ""
        return f"[{', '.join(map(repr, self.labels[:SHOWN]))}{more}]"


@dataclass(frozen=True)
class Labels:
    """The columns of scalar nodes that answers give back as they were: by node what `Column` says.

    Booleans and text have the codes of their sorted labels, a pandas category those of its declared ones. Two labels
    are as good as 0 and 1, and those of an ordered category are numbers on a line; three or more without order are no
    numbers (`unordered`), and only models that know categories take them.
    """

    columns: Mapping[Any, Column] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: pd.DataFrame, nodes: Iterable[Hashable]) -> Self:
        """What the columns of the nodes are. Raises `ValuesError` for labels that could not be saved, or mean numbers.

        Columns that are missing, there twice or hold something else are left to `from_frame`, which says so.
        """
        if not isinstance(frame, pd.DataFrame) or frame.columns.nlevels > 1:
            return cls()
        columns: list[Any] = list(frame.columns)
        names = [node for node in nodes if columns.count(node) == 1]
        found = {node: _column(frame[node], node) for node in names}
        return cls({node: column for node, column in found.items() if column is not None})

    @property
    def unordered(self) -> list[Any]:
        """The nodes whose labels are no numbers: without order, and more than two."""
        return [v for v, column in self.columns.items() if not column.ordered and len(column.labels) > 2]

    def check(self, model: CausalModel) -> None:
        """Raises `Unsupported`, with the column's labels and what to do, where the model knows no categories."""
        if self.unordered and not model.categories:
            node = self.unordered[0]
            raise Unsupported(
                f"{type(model).__name__} models numbers, and the column {node!r} is a category without order, with "
                f"labels {self.columns[node].shown()}: encode it as columns of 0 and 1 (pandas.get_dummies), or "
                "declare its order (pandas.Categorical(..., ordered=True))"
            )

    def check_mean(self, node: Any) -> None:
        """Raises `ValuesError` for a node whose labels have no mean; truth values have a share."""
        column = self.columns.get(node)
        if column is not None and column.labels and set(column.labels) != {False, True}:
            raise ValuesError(f"outcome={node!r}: its labels {column.shown()} have no mean; encode it as numbers")

    def encode(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with codes for labels. Raises `ValuesError` for a label that the training rows did not have."""
        if not isinstance(frame, pd.DataFrame) or frame.columns.nlevels > 1:
            return frame
        coded = {}
        for node, column in self.columns.items():
            if column.labels and list(frame.columns).count(node) == 1:
                codes = _codes(frame[node], column)
                absent = np.asarray(frame[node].isna())
                if (unknown := codes.isna().to_numpy() & ~absent).any():
                    row = int(unknown.argmax())
                    label = _plain(frame[node].iloc[row])
                    raise ValuesError(f"column {node!r}, row {row}: {label!r} is none of its labels {column.shown()}")
                coded[node] = codes if absent.any() else codes.astype("int64")
        return _assigned(frame, coded)

    def code(self, node: Any, value: Any) -> Any:
        """A value of `do`, labels replaced by their codes: one, or one a row. Raises `ValuesError` for other labels."""
        column = self.columns.get(node)
        if column is None or not column.labels:
            return value
        if isinstance(value, Tensor):
            value = value.detach().cpu().numpy()
        several = pd.api.types.is_list_like(value) and getattr(value, "ndim", 1) > 0
        given = value if isinstance(value, pd.Series) else pd.Series(list(value) if several else [value], dtype=object)
        codes = _codes(given, column)
        if codes.isna().any():
            odd = _plain(given[codes.isna()].iloc[0])
            raise ValuesError(f"do({node!r}): {odd!r} is none of its labels {column.shown()}")
        codes = codes.astype("int64")
        if isinstance(value, pd.Series):
            return codes
        return codes.to_numpy() if several else int(codes.iloc[0])

    def decode(self, frame: pd.DataFrame, *, types: bool = True) -> pd.DataFrame:
        """The frame with labels for codes, missing ones kept; with `types`, whole numbers in their narrower type."""
        back = {}
        for node, column in self.columns.items():
            if node in frame.columns and (column.labels or types):
                back[node] = _restored(frame[node], column)
        return _assigned(frame, back)

    def to_json(self) -> list[Any]:
        """Plain lists, ``[node, dtype, labels, ordered]`` a column."""
        named = [(v if isinstance(v, str) else int(v), column) for v, column in self.columns.items()]
        return [[v, column.dtype, list(column.labels), column.ordered] for v, column in named]

    @classmethod
    def from_json(cls, written: Any) -> Self:
        """What `to_json` gave. Raises `TypeError` or `ValueError` for anything else."""
        columns = {}
        for node, dtype, labels, ordered in written:
            if not (isinstance(node, str | int) and isinstance(ordered, bool) and isinstance(labels, list)):
                raise TypeError(f"{node!r} has no labels")
            if dtype != CATEGORY and not (labels or pd.api.types.is_integer_dtype(pd.api.types.pandas_dtype(dtype))):
                raise TypeError(f"{node!r} has neither labels nor whole numbers")
            columns[node] = Column(dtype, _checked(labels, node), ordered)
        return cls(columns)


def _column(x: pd.Series, node: Hashable) -> Column | None:
    """What a column is, None where it is numbers as they come (or nothing that can be read)."""
    dtype = x.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Column(CATEGORY, _checked(dtype.categories.tolist(), node), bool(dtype.ordered))
    if pd.api.types.is_bool_dtype(x) or (len(x) and all(isinstance(v, bool) for v in x)):
        return Column(str(dtype), (False, True), ordered=True)
    if pd.api.types.is_integer_dtype(x):
        return Column(str(dtype)) if str(dtype) != "int64" else None
    present = x.dropna().tolist()
    if pd.api.types.is_numeric_dtype(x) or not present or not all(isinstance(v, str) for v in present):
        return None
    if any(map(is_number, present)):
        raise ValuesError(f"column {node!r} holds numbers as text: convert it with pandas.to_numeric")
    return Column(str(dtype), tuple(sorted(set(present))))


def _checked(labels: Iterable[Any], node: Hashable) -> tuple[Label, ...]:
    plain = tuple(map(_plain, labels))
    for label in plain:
        if type(label) not in (str, bool, int, float) or (isinstance(label, float) and not math.isfinite(label)):
            what = type(label).__name__
            raise ValuesError(f"column {node!r}: the category {label!r} is a {what}; rename it to text or a number")
    return plain


def _plain(label: Any) -> Any:
    """Python's own type in place of NumPy's."""
    return label.item() if isinstance(label, np.generic) else label


def _codes(x: pd.Series, column: Column) -> pd.Series:
    """The codes of labels, NaN for what is none."""
    known: dict[Any, float] = {label: float(code) for code, label in enumerate(column.labels)}
    found = [known.get(v, np.nan) if isinstance(v, str | Real | np.bool_) else np.nan for v in x.astype(object)]
    return pd.Series(found, index=x.index, dtype="float64")


def _restored(x: pd.Series, column: Column) -> pd.Series:
    if column.labels:
        absent = x.isna()
        codes = x.where(~absent, -1).astype("int64").to_numpy()
        if column.dtype == CATEGORY:
            dtype = pd.CategoricalDtype(list(column.labels), ordered=column.ordered)
            return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype), index=x.index)
        labels = np.array([*column.labels, None], dtype=object)[codes]
        missing = column.dtype == "bool" and bool(absent.any())
        return pd.Series(labels, index=x.index, dtype="boolean" if missing else column.dtype)
    dtype: Any = pd.api.types.pandas_dtype(column.dtype)
    if isinstance(dtype, np.dtype) and x.isna().any():
        return x
    bounds = np.iinfo(dtype.type if isinstance(dtype, np.dtype) else dtype.numpy_dtype)
    fits = ((x.dropna() >= bounds.min) & (x.dropna() <= bounds.max)).all()
    return x.astype(dtype) if fits else x  # an intervention may set what the type does not hold


def _assigned(frame: pd.DataFrame, columns: Mapping[Any, pd.Series]) -> pd.DataFrame:
    changed = frame.copy(deep=False)
    for node, column in columns.items():
        changed[node] = column
    return changed
