"""The report's HTML page: one file without references to others, readable without scripts and when printed."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from ..judging.rule import MEANING
from .explorer import as_script
from .figures.style import description
from .render import COLOURS, SYMBOLS, Table, to_html

SCRIPTS = ("elements", "standings", "seeds", "charts", "copying", "view", "controls", "explorer", "sorting")
"""The files of ``script/``; each uses what those before it define."""


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


def page(
    title: str,
    headline: str,
    parts: Sequence[Part],
    drawn: Mapping[str, bytes],
    about: Sequence[str],
    explored: Mapping[str, Any] | None = None,
) -> str:
    """The page as text; `drawn` holds the PNG of every figure by its name, `about` what a reader must know.

    The template is ``page.html.j2``, with ``page.css`` and the `program` inside; `explored` is what the latter
    shows (`explorer.explored`). All text is escaped; tables escape their own.
    """
    environment = Environment(
        loader=PackageLoader("scmbench.benchmarks.reporting", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = lambda png: base64.b64encode(png).decode()
    environment.filters["script"] = lambda data: Markup(as_script(data))
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
        style=Markup(_beside("page.css")),
        program=Markup(program()),
        explored=explored or {"rows": [], "methods": [], "cells": [], "costs": {}, "papers": {}},
    )


def program() -> str:
    """The page's script: the files of `SCRIPTS` one after the other, in a scope of their own."""
    return "\n".join(['"use strict";', "(() => {", *(_beside(f"script/{name}.js") for name in SCRIPTS), "})();"])


def with_few_colours(png: bytes) -> bytes:
    """The picture with a palette of 256 colours, where it is smaller so: a page holds twenty of them."""
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    return min(png, written.getvalue(), key=len)


def _beside(name: str) -> str:
    return resources.files("scmbench.benchmarks.reporting").joinpath(name).read_text(encoding="utf-8").strip()
