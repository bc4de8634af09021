"""Reports that stand beside each other in a folder, one a suite, link to each other."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from urllib.parse import quote

from scmbench.datasets.files.whole import replace_with

BLOCK = re.compile(r"<!-- suites -->.*?<!-- /suites -->", re.S)
"""Where a page (``page.html.j2``) says which reports there are."""


def link(folder: Path) -> None:
    """Let every report ``folder/SUITE/index.html`` name the others, whenever one of them was written.

    A page that has no place for that, and one that says already what is so, stays as it is. Raises `OSError` where a
    page cannot be read or written.
    """
    pages = {path.parent.name: path for path in sorted(folder.glob("*/index.html"))}
    texts = {name: path.read_text(encoding="utf-8", errors="replace") for name, path in pages.items()}
    names = [name for name, text in texts.items() if BLOCK.search(text)]
    for name in names:
        block = f"<!-- suites -->{_links(names, name)}<!-- /suites -->"
        text = BLOCK.sub(lambda _, block=block: block, texts[name], count=1)
        if text != texts[name]:
            replace_with(pages[name], text)


def _links(names: list[str], here: str) -> str:
    """All suites of the folder, this one without a link; nothing where it is alone."""
    if len(names) < 2:
        return ""
    each = [
        f'<b aria-current="page">{escape(name)}</b>'
        if name == here
        else f'<a href="../{escape(quote(name))}/index.html">{escape(name)}</a>'
        for name in names
    ]
    return f'<nav aria-label="Suites">Suite: {" ".join(each)}</nav>'
