"""The notebooks of the documentation: readers find them, and each runs and shows what it draws."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))
SECONDS = 60
"""Of CPU time that a notebook may take: each says that it is quick."""


def cells(source):
    """(kind, text) of every cell of a source in the percent format; its first is text."""
    for head, body in re.findall(r"^# %%(.*)\n((?:(?!# %%).*\n?)*)", source.read_text(encoding="utf-8"), re.M):
        kind = "text" if "[markdown]" in head else "code"
        yield kind, re.sub(r"^# ?", "", body, flags=re.M) if kind == "text" else body


def page_name(source):
    return source.stem.replace("_", "-")


def test_there_are_notebooks():
    assert SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=page_name)
def test_a_source_is_texts_and_cells_of_plain_python(source):
    (kind, first), *rest = cells(source)
    assert kind == "text"
    assert first.startswith("# ")
    code = [text for kind, text in rest if kind == "code"]
    assert len(code) > 3
    for text in code:
        compile(text, source.name, "exec")


@pytest.mark.parametrize("source", SOURCES, ids=page_name)
def test_readers_find_a_notebook_and_it_links_to_pages_that_there_are(source):
    name = page_name(source)
    assert f"notebooks/{name}.md" in (ROOT / "mkdocs.yml").read_text()
    assert f"notebooks/{name}.md" in (ROOT / "docs/index.md").read_text()
    for link in re.findall(r"\]\(([^)]+\.md)", "".join(text for kind, text in cells(source) if kind == "text")):
        made = (FOLDER / link).resolve()
        assert made.is_file() or made.with_name(made.stem.replace("-", "_") + ".py") in SOURCES, link


@pytest.mark.notebook
@pytest.mark.parametrize("source", SOURCES, ids=page_name)
def test_a_notebook_runs_and_becomes_a_page(source):
    sys.path.insert(0, str(ROOT / "docs"))
    import nbformat
    import notebook_pages

    before = os.times()
    notebook = notebook_pages.executed(source)
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < SECONDS
    nbformat.validate(notebook)
    text, pictures = notebook_pages.page(notebook, page_name(source))
    assert pictures
    assert all(png.startswith(b"\x89PNG") for png in pictures.values())
    assert set(re.findall(r"^!\[[^]]+\]\((.*?)\)$", text, re.M)) == set(pictures)
    assert not {word for word in (str(ROOT), str(Path.home()), "/tmp/") if word in nbformat.writes(notebook)}


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("1 / 0", "the cell '1 / 0' fails: ZeroDivisionError: division by zero"),
        ("import warnings\nwarnings.warn('old')", "the cell 'import warnings' writes to stderr: .*old"),
        ("import matplotlib.pyplot as plt\n_ = plt.plot([1])", "the cell 'import matplotlib.pyplot as plt' draws"),
    ],
)
def test_a_notebook_that_fails_warns_or_draws_without_a_word_is_refused(cell, fault, tmp_path):
    sys.path.insert(0, str(ROOT / "docs"))
    import notebook_pages

    source = tmp_path / "bad.py"
    source.write_text(f"# %% [markdown]\n# # Bad\n\n# %%\n{cell}\n")
    with pytest.raises(notebook_pages.NotebookError, match=f"bad.py: .*{fault}"):
        notebook_pages.executed(source)
