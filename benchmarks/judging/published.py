"""Numbers that papers publish, and that authors' code gave us: cells with their source (format: `published_file`)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pandas as pd

from .cells import CELL
from .published_file import CELLS, ORIGINS, PublishedError, citation, read

SHELVES = ("scmbench.results.published", "scmbench.results.authors_code")
"""Where the numbers lie that come with the package, by their origin."""


@dataclass(frozen=True)
class Published:
    """Published cells, and where they come from.

    `cells` has the columns ``CELL + [form, n, whisker_low, q1, median, q3, whisker_high, mean, sd, outliers, tolerance,
    higher_is_better]``; `form` is ``box`` or ``moments``, what a form lacks is NaN, as is a tolerance that is not
    given, and `sd` is the sample standard deviation (divided by n - 1).
    `labels` names methods, keyed by (model, variant), and `questions` names scores, keyed by (query, metric).
    """

    name: str
    title: str
    protocol: str
    source: Sequence[Mapping[str, Any]]
    cells: pd.DataFrame = field(repr=False)
    scale: float = 1.0
    how: str = ""
    notes: tuple[str, ...] = ()
    labels: Mapping[tuple[str, str], str] = field(default_factory=dict)
    questions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    origin: str = "published"

    @property
    def whose(self) -> str:
        """What tables call these numbers: ``paper``, or ``authors' code`` where we measured them with it."""
        return ORIGINS.get(self.origin, self.origin)

    def higher(self) -> frozenset[tuple[str, str]]:
        """The questions (query, metric) of which higher scores are better."""
        if "higher_is_better" not in self.cells.columns:
            return frozenset()
        part = self.cells[self.cells["higher_is_better"].astype(bool)]
        return frozenset(zip(part["query"], part["metric"], strict=True))

    def cite(self) -> str:
        """Authors, year, title, venue and address of each source."""
        return "; ".join(map(citation, self.source))


def names(kind: str = CELLS) -> list[str]:
    """Published numbers, and numbers of authors' code, that come with the package: cells, or another kind."""
    tables = (f for shelf in SHELVES for f in files(shelf).iterdir() if f.name.endswith(".toml"))
    kinds = {f.name[:-5]: tomllib.loads(f.read_text(encoding="utf-8")).get("kind", CELLS) for f in tables}
    return sorted(name for name, found in kinds.items() if found == kind)


def load(name: str | Path) -> Published:
    """The published numbers called `name`, or those at a path to the TOML or the CSV file.

    Raises `PublishedError` that names the file and the line, column or key that is wrong.
    """
    with located(name, "numbers") as path:
        return _load(path)


@contextmanager
def located(name: str | Path, what: str, kind: str = CELLS) -> Iterator[Path]:
    """The TOML file called `name` among those that come with the package, or at that path; there within the block.

    Raises `PublishedError` where there is none; it says `what` was looked for and what of that `kind` there is.
    """
    try:
        shelf = next((shelf for shelf in SHELVES if (files(shelf) / f"{name}.toml").is_file()), None)
        path = Path(f"{name}.toml") if shelf else Path(name).with_suffix(".toml")
        there = shelf is not None or path.is_file()
    except (ValueError, OSError):  # a name that no file can have: empty, a dot, too long
        shelf, path, there = None, Path(), False
    if shelf:
        with as_file(files(shelf)) as folder:
            yield folder / path
        return
    if not there:
        raise PublishedError(f"no published {what} {str(name)!r}; there are {names(kind)}, or give a TOML file's path")
    yield path


def fitting(names: Iterable[str | Path], protocol: str) -> list[Published]:
    """The files of these names whose numbers were made under `protocol`: others cannot be compared with its scores."""
    return [paper for paper in map(load, names) if paper.protocol == protocol]


def merge(parts: Sequence[Published]) -> Published:
    """Several files as one: their cells below each other, the first one's scale.

    Raises `PublishedError` where they disagree on protocol or scale, or give the same cell twice.
    """
    first = parts[0]
    for other in parts[1:]:
        if (other.protocol, other.scale) != (first.protocol, first.scale):
            raise PublishedError(f"{first.name} and {other.name} differ in protocol or scale; show them apart")
    cells = pd.concat([part.cells for part in parts], ignore_index=True)
    if (doubled := cells.duplicated(CELL)).any():
        raise PublishedError(f"{[p.name for p in parts]} both give the cell {cells[CELL][doubled].iloc[0].tolist()}")
    whole = replace(
        first,
        name=", ".join(part.name for part in parts),
        title="; ".join(part.title for part in parts),
        source=[source for part in parts for source in part.source],
        cells=cells,
        how=" ".join(part.how for part in parts),
        notes=tuple(note for part in parts for note in part.notes),
        labels={key: label for part in parts for key, label in part.labels.items()},
        questions={key: label for part in parts for key, label in part.questions.items()},
        origin=" and ".join(dict.fromkeys(part.origin for part in parts)),
    )
    for part in parts:
        asked = set(zip(part.cells["query"], part.cells["metric"], strict=True))
        if turned := sorted((whole.higher() ^ part.higher()) & asked):
            raise PublishedError(f"{[p.name for p in parts]} disagree on whether higher is better for {turned[0]}")
    return whole


def _load(path: Path) -> Published:
    about, cells = read(path)
    methods, queries = about["models"].values(), about["queries"].values()
    return Published(
        name=path.stem,
        title=about["title"],
        protocol=about["protocol"],
        source=[about["source"]],
        cells=cells,
        scale=float(about.get("scale", 1)),
        how=" ".join(about.get("how", "").split()),
        notes=tuple(about.get("notes", ())),
        labels={(m["model"], m.get("variant", "")): m.get("label", m["model"]) for m in methods},
        questions={(q["query"], q["metric"]): q["label"] for q in queries if "label" in q},
        origin=about.get("origin", "published"),
    )
