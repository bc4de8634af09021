"""Text that is generated into a page, between two marks that readers do not see."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True)
class Block:
    """What `made` gives, between the marks `start` and `end` of a page."""

    page: Path
    start: str
    end: str
    made: Callable[[], str]

    def written(self, text: str) -> str:
        """A text with the block in it. Raises `ValueError` for one that does not have its marks once."""
        found = re.compile(f"{re.escape(self.start)}.*?{re.escape(self.end)}", re.S)
        if len(found.findall(text)) != 1:
            raise ValueError(f"expected the marks {self.start.strip()!r} and {self.end.strip()!r}, once")
        return found.sub(lambda _: f"{self.start}{self.made()}{self.end}", text)

    def main(self) -> None:
        """Print the block, or with ``--write`` put it into its page."""
        if "--write" in sys.argv:
            self.page.write_text(self.written(self.page.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            click.echo(self.made(), nl=False)
