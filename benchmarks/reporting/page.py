"""The report's HTML page: one file without references to others, readable as it is and when printed."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from .render import COLOURS, SYMBOLS, Table, to_html


@dataclass(frozen=True)
class Part:
    """A section: its tables, its figures by file name, and whether it is folded until a reader opens it."""

    title: str
    tables: Sequence[Table] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    folded: bool = False


_RULE = [
    ("reproduced", "the 95 % interval of the ratio contains 1, and the ratio is within a factor of 1.5"),
    ("undecided", "the interval contains 1 and is wider than a factor of 2 to either side"),
    ("close", "the ratio is within a factor of 2"),
    ("better", "lower than published, beyond that"),
    ("worse", "higher than published, beyond that"),
]

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1280px; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
nav a { margin-right: 1rem; color: #0072B2; text-decoration: none; white-space: nowrap; }
.headline { font-size: 1.1rem; }
figure { margin: 0 0 1.4rem; } figcaption { font-weight: 600; margin-bottom: .4rem; }
figure p, .about p { color: #555; font-size: .87rem; margin: .25rem 0; }
img { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .16rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #eee; }
th { border-bottom: 1px solid #888; vertical-align: bottom; }
th.word, td.word { text-align: left; }
#failures td.word, #provenance td.word { white-space: normal; overflow-wrap: anywhere; }
tr.section th { text-align: left; font-style: italic; font-weight: 400; padding-top: .7rem; border-color: #bbb; }
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
details > summary { cursor: pointer; color: #0072B2; }
"""


def page(title: str, headline: str, parts: Sequence[Part], drawn: Mapping[str, bytes], about: Sequence[str]) -> str:
    """The page as text; `drawn` holds the PNG of every figure by its name, `about` what a reader must know."""
    links = " ".join(f'<a href="#{_anchor(part.title)}">{html.escape(part.title)}</a>' for part in parts)
    # Light colours are darkened for text, so that it stays readable on white.
    colours = "\n".join(
        f"td.{word} {{ color: color-mix(in srgb, {colour} 75%, black); }}" for word, colour in COLOURS.items()
    )
    rule = "".join(
        f'<li><span class="swatch" style="background:{COLOURS[word]}"></span><b>{word}</b> {SYMBOLS[word]}: {text}</li>'
        for word, text in _RULE
    )
    sections = "\n".join(_section(part, drawn) for part in parts)
    sources = "".join(f"<p>{html.escape(text)}</p>" for text in about)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(title)}</title><style>{_STYLE}{colours}</style></head><body>
<h1>{html.escape(title)}</h1>
<p class="headline">{html.escape(headline)}</p>
<nav>{links}</nav>
<details><summary>How a cell is judged</summary>
<p>The ratio is our median over the published one. Its interval combines a bootstrap over our seeds with the standard
error of theirs, estimated from their quartiles. The first of these that holds:</p><ul>{rule}</ul></details>
<details class="about"><summary>What it is compared with</summary>{sources}</details>
{sections}
</body></html>
"""


def _section(part: Part, drawn: Mapping[str, bytes]) -> str:
    pictures = "".join(
        f'<figure><img alt="{html.escape(name)}" src="data:image/png;base64,{base64.b64encode(drawn[name]).decode()}">'
        "</figure>"
        for name in part.figures
    )
    content = pictures + "".join(to_html(table) for table in part.tables if table.rows)
    if part.folded:
        content = f"<details><summary>show {len(part.figures)} figures</summary>{content}</details>"
    return f'<section id="{_anchor(part.title)}"><h2>{html.escape(part.title)}</h2>{content}</section>'


def _anchor(title: str) -> str:
    return "part-" + re.sub(r"\W+", "-", title.lower()).strip("-")
