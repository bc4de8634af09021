"""Numbers in prose that come from committed runs: each names its query, and a test recomputes it.

In a page, ``0.68<!-- n: ratio("paper", "carefl(corrected)", "dcm(reference)", "obs") -->`` says that the number before
the comment is what the expression gives; one that gives k numbers speaks of the k numbers before it (a whole table, for
instance) and may not reach past another marker. A number of the results pages without a marker is refused, unless

* `ALLOWED` knows its kind (a level, a setting), or
* its paragraph, list item or table ends in ``<!-- elsewhere: where it comes from -->``.

``python docs/claims.py`` lists what is wrong, ``python docs/claims.py --write`` writes the recomputed numbers at the
precision that stands there. The functions that expressions may use are in `docs/queries.py`,
`docs/rankings.py`, `docs/questions.py` and `docs/image_questions.py`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parent))
import image_questions
import queries
import questions
import rankings

ROOT = Path(__file__).parents[1]
PAGES = [
    "docs/index.md",
    "docs/numbers.md",
    "docs/arena.md",
    "docs/choosing.md",
    "docs/quirks.md",
    "docs/floors.md",
    "docs/ablation.md",
    "docs/fmri.md",
    "docs/causal-nf.md",
    "docs/ccnf.md",
    "docs/cocycles.md",
    "docs/bdcm.md",
    "docs/kacgm.md",
    "docs/tmscm.md",
    "docs/theory.md",
    "docs/errata.md",
    "docs/gate.md",
    "docs/verdicts.md",
    "docs/ranking.md",
    "docs/costs.md",
    "docs/images.md",
    "docs/image-results.md",
    "docs/protocols.md",
    "docs/own-data.md",
    "docs/speed.md",
    "README.md",
]

ALLOWED = {
    r"95 %": "the level of all intervals",
    r"(?:contains?|leaves? out|excludes?|told from|below|above|of) [01]\b": "no difference, as a ratio or a difference",
    r"[×/ ]10⁻\S+|10⁻\S+|10\^\S+": "powers of ten: scale and jitter",
    r"\b(?:19|20)\d\d\b": "years",
    r"arXiv \d+\.\d+": "a paper",
    r"(?:T|s|w|α|n|τ) = [\d.]+": "settings that the text names",
    r"\d+(?:-\d+)+": "widths of a network's layers",
    r"\b1,?000 (?:gradient )?steps|39,500(?: a node| for \*?each\*?)?|(?:200|500) epochs": "budgets, as in the suites",
    r"\b5,?000 (?:fresh )?rows|\b(?:100|1,?000) rows": "sizes of samples, as in the protocol",
    r"between the 10 % and 90 % quantiles": "where values of an intervention lie",
    r"within (?:a )?factor (?:of )?[\d.]+|beyond [\d.]+|a factor [\d.]+ or two": "the rule of verdicts",
    r"\b0 and 1\b|\[0, 1\]|0 in expectation|distance exactly 0": "values that a text speaks of, not results",
    r"Python 3\.\d+|DoWhy 0\.8|version [\d.]+|Version [\d.]+": "versions",
    r"§ ?\d+|section [\d.]+|Theorem \d+|\[\^\d+\]|(?m:^\d+\. )": "places in a text",
}
"""Kinds of numbers that come from no run, each with its reason; spaces match line ends too."""

_MARKER = re.compile(r"<!-- n: (.*?) -->", re.S)
_ELSEWHERE = re.compile(r"<!-- elsewhere: \S.*? -->", re.S)
_NUMBER = re.compile(r"(?<![\w.,/§])[+−-]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w⁻]|,\d)")
_SKIPPED = [
    re.compile(r"^```.*?^```$", re.M | re.S),
    re.compile(r"\$\$.*?\$\$|\\\(.*?\\\)", re.S),
    re.compile(r"`[^`\n]*`"),
    re.compile(r"^ *--8<--.*$", re.M),
    re.compile(r"!?\[(?=[^\]]*\]\([^)]*\))|\]\([^)]*\)"),  # of a link, all but its text
    re.compile(r"!\[[^\]]*\]"),
    re.compile(r"<!--.*?-->", re.S),
]


@dataclass(frozen=True)
class Claim:
    """A number of a page and, where a marker speaks of it, what its expression gives."""

    page: str
    line: int
    text: str
    span: tuple[int, int]
    query: str = ""
    value: float = float("nan")

    def written(self) -> str:
        """The value at the precision, and in the style, of the text."""
        digits = len(self.text.partition(".")[2])
        text = f"{abs(self.value):{',' if ',' in self.text or abs(self.value) >= 1000 else ''}.{digits}f}"
        nothing = float(text.replace(",", "")) == 0
        sign = "−" if self.value < 0 and not nothing else "+" if self.text[0] == "+" else ""
        return sign + text

    def wrong(self) -> str:
        """What is wrong with it, in a line; empty where nothing is."""
        where = f"{self.page}:{self.line}: {self.text}"
        if not self.query:
            return f"{where} has no source: write <!-- n: QUERY --> behind it (docs/claims.py says how)"
        if self.written().replace(",", "") != self.text.replace(",", "").replace("-", "−"):
            return f"{where} is {self.written()} now ({self.value:.6g} by {self.query})"
        return ""


def claims(page: str, text: str) -> Iterator[Claim]:
    """Every number of `text` that needs a source, with the marker's value where there is one.

    Raises `ValueError` for a marker that does not run, or that speaks of more numbers than stand before it.
    """
    hidden, shown = [m.span() for pattern in _SKIPPED for m in pattern.finditer(text)], text
    for start, end in hidden:
        shown = shown[:start] + " " * (end - start) + shown[end:]
    numbers = [m.span() for m in _NUMBER.finditer(shown)]
    marked: dict[tuple[int, int], tuple[str, float]] = {}
    reach = 0
    for marker in _MARKER.finditer(text):
        before = [span for span in numbers if reach <= span[0] < marker.start()]
        query = " ".join(marker[1].split())
        line = text.count("\n", 0, marker.start()) + 1
        try:
            values = flat(eval(query, {**queries.NAMES, **rankings.NAMES, **questions.NAMES, **image_questions.NAMES}))
        except Exception as error:
            raise ValueError(f"{page}:{line}: {query}: {error}") from error
        if len(values) > len(before):
            raise ValueError(f"{page}:{line}: {query} gives {len(values)} numbers, {len(before)} stand before it")
        marked |= {span: (query, value) for span, value in zip(before[-len(values) :], values, strict=True)}
        reach = marker.end()
    excused = list(_excused(text, shown))
    for span in numbers:
        if span not in marked and any(a <= span[0] and span[1] <= b for a, b in excused):
            continue
        query, value = marked.get(span, ("", float("nan")))
        yield Claim(page, text.count("\n", 0, span[0]) + 1, text[slice(*span)], span, query, value)


def _excused(text: str, shown: str) -> Iterator[tuple[int, int]]:
    for pattern in ALLOWED:
        yield from (m.span() for m in re.finditer(pattern.replace(" ", r"\s+"), shown))
    for found in _ELSEWHERE.finditer(text):
        starts = [m.end() for m in re.finditer(r"\n\s*\n|\n(?=\* |- |\d+\. )", text[: found.start()].rstrip())]
        yield (starts[-1] if starts else 0), found.start()


def flat(value: Any) -> list[float]:
    """The numbers of a nest of sequences, in order."""
    if isinstance(value, Iterable):
        return [x for part in value for x in flat(part)]
    return [float(value)]


def main() -> None:
    """List what is wrong on every page; with ``--write``, write the recomputed numbers."""
    wrong = 0
    for page in PAGES:
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        found = [claim for claim in claims(page, text) if claim.wrong()]
        if "--write" in sys.argv:
            for claim in reversed([claim for claim in found if claim.query]):
                click.echo(f"{page}:{claim.line}: {claim.text} -> {claim.written()}")
                text = text[: claim.span[0]] + claim.written() + text[claim.span[1] :]
            path.write_text(text, encoding="utf-8")
            found = [claim for claim in found if not claim.query]
        click.echo("".join(f"{claim.wrong()}\n" for claim in found), nl=False)
        wrong += len(found)
    sys.exit(int(wrong > 0))


if __name__ == "__main__":
    main()
