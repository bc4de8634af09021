"""What the gate tells GitHub: an annotation for everything that moved, and a table on the run's summary page."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping

from .judgement import Judgement

LIMIT = 9
"""GitHub shows ten annotations of a step; the tenth says how many more there are."""


def write(judgement: Judgement, environment: Mapping[str, str] = os.environ) -> None:
    """Under GitHub Actions: ``::error`` lines on standard output, and Markdown in the step's summary."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    lines = list(judgement.messages())
    for line in commands(lines):
        sys.stdout.write(line + "\n")
    if path := environment.get("GITHUB_STEP_SUMMARY"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(summary(lines, len(judgement.cells)))


def commands(lines: list[str]) -> Iterable[str]:
    """Workflow commands, with the escapes that GitHub asks for."""
    shown = [("A reproduced number moved", line) for line in lines[:LIMIT]]
    if len(lines) > LIMIT:
        shown.append((f"{len(lines) - LIMIT} more moved", "the log has the whole table"))
    for title, line in shown:
        text = line.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        yield f"::error title={title}::{text}"


def summary(lines: list[str], cells: int) -> str:
    """Markdown: a verdict, and a list of what moved."""
    if not lines:
        return f"### Reproduced numbers\n\nAll {cells} cells held.\n"
    return "### Reproduced numbers\n\n" + "".join(f"- {line}\n" for line in lines)
