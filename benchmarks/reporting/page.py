"""The report's HTML page: one file without references to others, readable as it is and when printed."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from matplotlib.figure import Figure

from ..judging.rule import MEANING
from .figures.style import description
from .render import COLOURS, SYMBOLS, Table, to_html


@dataclass(frozen=True)
class Part:
    """A section: its tables, its figures by file name, and whether it is folded until a reader opens it."""

    title: str
    tables: Sequence[Table] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    folded: bool = False

    @property
    def anchor(self) -> str:
        """What links to the section end in."""
        return "part-" + re.sub(r"\W+", "-", self.title.lower()).strip("-")


def page(title: str, headline: str, parts: Sequence[Part], drawn: Mapping[str, bytes], about: Sequence[str]) -> str:
    """The page as text; `drawn` holds the PNG of every figure by its name, `about` what a reader must know.

    The template is ``page.html.j2``. All text is escaped; tables escape their own.
    """
    environment = Environment(
        loader=PackageLoader("scmbench.benchmarks.reporting", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = lambda png: base64.b64encode(png).decode()
    environment.filters["described"] = description
    environment.filters["table"] = lambda table: Markup(to_html(table))
    return environment.get_template("page.html.j2").render(
        title=title,
        headline=headline,
        parts=parts,
        drawn=drawn,
        about=about,
        rule=MEANING,
        colours=COLOURS,
        symbols=SYMBOLS,
    )
