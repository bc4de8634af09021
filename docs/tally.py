"""How many published numbers came out, by paper: the table of the README, from the committed runs' verdicts.

``python docs/tally.py`` prints it, ``python docs/tally.py --write`` puts it between its marks in the README, as
``make numbers`` does. A test compares the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import marks
import pandas as pd
from scmbench.benchmarks.gate.revision import VERDICTS
from scmbench.benchmarks.judging import published
from scmbench.benchmarks.judging.published import Published
from scmbench.benchmarks.records import committed
from scmbench.benchmarks.suites import shelf
from scmbench.benchmarks.suites import suite as suites

README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- tally: python docs/tally.py --write -->\n\n", "\n<!-- elsewhere: docs/tally.py, held by a test -->"

MEANINGLESS = {"smoke"}
"""Suites that name published numbers only to show them: their trainings are cut short."""

WORDS = ("reproduced", "at the floor", "close", "undecided", "better", "worse", "not run")
"""Verdicts in the order in which they are told; any other follows."""


def judged() -> Iterator[tuple[Published, str]]:
    """Published numbers with the suites that compare with them, the paper of the first suite first."""
    names = [name for name in shelf.names() if name not in MEANINGLESS]
    for name in sorted(names, key=lambda name: name != "paper"):
        yield from ((numbers, name) for numbers in map(published.load, suites.load(name).published))


def verdicts(numbers: Published, suite: str, home: Path | None = None) -> Counter[str] | None:
    """How often each verdict was given on these numbers; None without a committed run, or where it has no scores.

    A cell on which the run says nothing is not run. `home` is the folder of the committed runs.
    """
    path = (home / suite if home else committed.folder(suite)) / VERDICTS
    if not path.exists():
        return None
    told = pd.read_csv(path, keep_default_na=False, dtype=str)
    found = Counter(told[told["published"] == numbers.name]["verdict"])
    found["not run"] += len(numbers.cells) - found.total()
    return found if found["not run"] < len(numbers.cells) else None


def in_words(found: Counter[str] | None) -> str:
    """Verdicts as a phrase.

    >>> in_words(Counter({"not run": 27, "reproduced": 6})), in_words(None)
    ('6 reproduced, 27 not run', 'not run')
    """
    if found is None:
        return "not run"
    words = [*WORDS, *sorted(set(found) - set(WORDS))]
    return ", ".join(f"{found[word]} {word}" for word in words if found[word])


def paper(numbers: Published) -> str:
    """Whose numbers these are, with a link.

    Those that authors' code gave are no paper's, and say so.
    """
    (source,) = numbers.source
    first, *others = [author.split()[-1] for author in source["authors"]]
    name = f"{first}{' et al.' if len(others) > 1 else f', {others[0]}' if others else ''}, {source['year']}"
    linked = f"[{name}]({source['url']})" if source.get("url") else name
    return linked if numbers.origin == "published" else f"{linked} ({numbers.whose}, run by us)"


def table() -> str:
    """The table, as Markdown."""
    rows = [
        (paper(numbers), f"`{suite}`", f"{len(numbers.cells)}", in_words(verdicts(numbers, suite)))
        for numbers, suite in judged()
    ]
    head = [("paper", "suite", "published cells", "verdicts of the committed run"), ("---", "---", "---:", "---")]
    return "".join(f"| {' | '.join(row)} |\n" for row in [*head, *rows])


BLOCK = marks.Block(README, START, END, table)

if __name__ == "__main__":
    BLOCK.main()
