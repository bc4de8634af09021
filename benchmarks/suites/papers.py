"""The papers behind methods and worlds (results/papers.toml), as BibTeX; nothing is imported to read them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import version
from typing import Any

from scmbench.datasets.registry import WORLD_OF

VENUES = {"article": "journal", "inproceedings": "booktitle", "book": "publisher"}
"""The field of BibTeX that a venue is."""

_BIBTEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\~{}"}


_ITSELF = """\
@software{{scmbench,
  title  = {{{{scmbench: a benchmark of learned causal models}}}},
  author = {{{{The scmbench authors}}}},
  year   = {{2026}},
  note   = {{Version {version}}},
}}"""


def itself() -> str:
    """The entry of scmbench."""
    return _ITSELF.format(version=version("scmbench"))


@dataclass(frozen=True)
class Paper:
    """A paper: `authors` as ``Family, Given``; `short` is how tables name it."""

    key: str
    kind: str
    short: str
    authors: Sequence[str]
    title: str
    year: int
    venue: str = ""
    url: str = ""
    models: Sequence[str] = ()
    datasets: Sequence[str] = ()

    def bibtex(self) -> str:
        """The entry, for any BibTeX that reads UTF-8 (as biber does, and BibTeX with inputenc).

        >>> print(Paper("a2020b", "article", "A, 2020", ["A, B", "C, D"], "On 5 %", 2020, "Journal").bibtex())
        @article{a2020b,
          title   = {{On 5 \\%}},
          author  = {A, B and C, D},
          journal = {Journal},
          year    = {2020},
        }
        """
        fields: dict[str, Any] = {
            "title": f"{{{_plain(self.title)}}}",
            "author": " and ".join(map(_plain, self.authors)),
        }
        if self.venue:
            fields[VENUES.get(self.kind, "note")] = _plain(self.venue)
        elif self.kind == "unpublished":
            fields["note"] = "Manuscript"  # the field that BibTeX wants there
        fields |= {"year": self.year} | ({"url": self.url} if self.url else {})
        width = max(map(len, fields))
        lines = [f"  {name:<{width}} = {{{value}}}," for name, value in fields.items()]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


def _plain(text: str) -> str:
    return "".join(_BIBTEX.get(c, c) for c in text)


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("scmbench.results").joinpath("papers.toml").read_text(encoding="utf-8"))


def papers() -> list[Paper]:
    """All of them, in the order of the file."""
    return [Paper(**told) for told in _file()["paper"]]


def of_model(name: str) -> list[Paper]:
    """The papers of a method of the registry; none of one that nobody published, or that is not ours."""
    return [paper for paper in papers() if name in paper.models]


def of_dataset(name: str) -> list[Paper]:
    """The papers of a dataset; of one that is another world but for one thing, those of the world."""
    inner = WORLD_OF.sub("", name)
    return [paper for paper in papers() if any(inner.startswith(head) for head in paper.datasets)]


def needs(model: str) -> str:
    """What a method of the registry has to be given; empty for one that is not ours."""
    return _file()["needs"].get(model, "")


def cited(models: Iterable[str], datasets: Iterable[str]) -> list[Paper]:
    """The papers of these methods and datasets, each once, in the order of the file."""
    keys = {p.key for name in models for p in of_model(name)} | {p.key for name in datasets for p in of_dataset(name)}
    return [paper for paper in papers() if paper.key in keys]
