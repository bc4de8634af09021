"""A report's section on problems with members: their errors, intervals over members and rows, one member's series."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from ..records.results import Results
from .figures.members import errors_by_member, predicted_series
from .layout import Layout
from .page import Part
from .render import Table
from .tables.members import each_member_table, errors_table


def there(results: Results) -> bool:
    """Whether a dataset of these results has members."""
    return bool((results.rows["member"].fillna("") != "").any())


def tables(results: Results, layout: Layout) -> list[Table]:
    """The table of errors over members, one a dataset and question that has members."""
    return [errors_table(rows, layout) for _, rows in _questions(results.rows)]


def parts(results: Results, layout: Layout) -> list[Part]:
    """A section for every dataset and question that has members; none where there is no such."""
    sections = []
    for dataset, rows in _questions(results.rows):
        name = dataset.replace("/", "_")
        figures: dict[str, Figure] = {f"members_{name}": errors_by_member(rows, layout)}
        examples = results.examples
        examples = examples[(examples["dataset"] == dataset) & (examples["member"].fillna("") != "")]
        if len(examples):
            first = examples[examples["seed"] == examples["seed"].min()]
            figures[f"series_{name}"] = predicted_series(first, str(first["member"].iloc[0]), layout)
        title = f"Members of {layout.dataset(dataset)}"
        sections.append(Part(title, [errors_table(rows, layout), each_member_table(rows, layout)], figures))
    return sections


def _questions(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    rows = rows[rows["member"].fillna("") != ""]
    for (dataset, _, _), part in rows.groupby(["dataset", "query", "metric"], sort=False):
        yield str(dataset), part
