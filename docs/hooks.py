"""What mkdocs does with these pages beyond its plugins: formulas as MathML, a list of commands, pages found by name."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from latex2mathml.converter import convert
from scmbench.benchmarks.cli.app import cli
from scmbench.models.contract.registry import BUILT_IN, EXTRAS

RESULTS = (
    "numbers*.md",
    "choosing.md",
    "arena.md",
    "quirks.md",
    "floors.md",
    "ablation*.md",
    "fmri*.md",
    "causal-nf*.md",
    "ccnf*.md",
    "cocycles*.md",
    "bdcm*.md",
    "kacgm*.md",
    "tmscm*.md",
    "image-results.md",
    "theory.md",
    "costs.md",
    "speed*.md",
    "growth.md",
)
"""Pages of the section Results, in this order, as far as they are there."""


def on_config(config: Any) -> Any:
    """Fill the section Results with the pages that exist; say below every page which version it is of."""
    docs = Path(config.docs_dir)
    found = [path.name for pattern in RESULTS for path in sorted(docs.glob(pattern))]
    for entry in config.nav:
        if "Results" in entry:
            entry["Results"] = found
    config.copyright = f"scmbench {version('scmbench')}{_commit(docs)}, {date.today()}"
    config.nav = [entry for entry in config.nav if next(iter(entry.values()))]
    return config


def _commit(folder: Path) -> str:
    """The commit that the pages are made from; nothing outside of a checkout."""
    command = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f", commit {done.stdout.strip()}"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the help of every command and the docstring of every built-in model where a page asks for them."""
    markdown = markdown.replace("<!-- commands -->", "\n".join(_helps(cli, "scmbench")))
    methods = [f"::: {path.replace(':', '.')}" for path in dict.fromkeys([*BUILT_IN.values(), *EXTRAS.values()])]
    return markdown.replace("<!-- methods -->", "\n".join(methods))


def _helps(group: click.Group, name: str) -> Iterator[str]:
    """The help of every command that is shown, those of groups too; a command's file is imported when it is named."""
    context = click.Context(group, info_name=name, max_content_width=82, terminal_width=82)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if isinstance(command, click.Group):
            yield from _helps(command, f"{name} {word}")
        elif command is not None and not command.hidden:
            own = click.Context(command, info_name=f"{name} {word}", max_content_width=82, terminal_width=82)
            title = f"{name} {word}".removeprefix("scmbench").strip()
            yield f"## {title}\n\n```text\n{command.get_help(own)}\n```\n"


def on_post_build(config: Any) -> None:
    """Link the reports, which are pages of their own, back to the site."""
    for page in Path(config.site_dir).glob("numbers/*/index.html"):
        text = page.read_text(encoding="utf-8")
        home = '<p><a href="../../index.html">scmbench</a> · <a href="../../numbers.html">what the numbers say</a></p>'
        page.write_text(text.replace("<!-- site -->", home, 1), encoding="utf-8")


def on_page_content(body: str, **_: Any) -> str:
    """Turn formulas into MathML, which browsers draw without a script; link figures; let keys scroll what is wide."""
    body = _FIGURE.sub(_zoomed, body)
    body = re.sub(r"<th([^>]*)></th>", r"<td\1></td>", body)  # a head without a text is none
    body = re.sub(r"<table>.*?</table>", lambda m: f"{_WIDE}{m[0]}</div>", body, flags=re.S)
    body = re.sub(r'<span class="arithmatex">\\\((.*?)\\\)</span>', lambda m: _mathml(m[1], "inline"), body, flags=re.S)
    return re.sub(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', lambda m: _mathml(m[1], "block"), body, flags=re.S)


_FIGURE = re.compile(r'<img[^>]*src="([^"]*numbers/[^"]*/figures/[^"]*)\.png"[^>]*>')
_WIDE = '<div class="wide" tabindex="0" role="group" aria-label="Table">'


def _zoomed(image: re.Match[str]) -> str:
    """A figure of a report that opens at full size, and beside it the file for print."""
    at = image[1]
    return f'<a href="{at}.png">{image[0]}</a><br><span class="zoom"><a href="{at}.pdf">as PDF</a></span>'


def _mathml(formula: str, display: str) -> str:
    drawn = convert(html.unescape(formula.strip()), display=display)
    bar = r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>'  # a norm's bars are as high as the line, without gaps
    drawn = re.sub(r"<mo[^>]*>(&#x0*2016;|&#x0*7C;|‖|\|)</mo>", bar, drawn)
    return f'<div class="formula">{drawn}</div>' if display == "block" else drawn
