"""The notebooks, executed: a page each with what they printed and drew, and the file to download.

Sources are ``docs/notebooks/*.py``, Python in the percent format of jupytext: text in comments, cells after ``# %%``,
no outputs, so that a change of a cell is what a diff shows. `main` writes ``first_run.py`` as ``first-run.md`` with its
pictures and as ``first-run.ipynb``. A cell's ``alt="..."`` says what its picture shows.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import jupytext
from jinja2 import DictLoader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import MarkdownExporter
from nbformat import NotebookNode
from traitlets.config import Config

FOLDER = Path(__file__).parent / "notebooks"
SECONDS = 600
"""What a cell may take by the clock, on a machine that does other things as well."""

ABOUT = """[Download this notebook]({name}.ipynb){{ download }}, with its outputs; it was run when this page was made.
"""

PAGE = """{%- extends 'markdown/index.md.j2' -%}
{%- block input %}
```python
{{ cell.source }}
```
{% endblock input -%}
{%- block stream %}
```text
{{ output.text.rstrip() }}
```
{% endblock stream -%}
{%- block data_text scoped %}
```text
{{ output.data['text/plain'] }}
```
{% endblock data_text -%}
{%- block data_png %}
![{{ cell.metadata.alt }}]({{ output.metadata.filenames['image/png'] | path2url }})
{% endblock data_png -%}
"""


_UNLIKE_A_READERS = "ignore:IProgress not found"
"""A warning of tqdm, which Pyro imports, where nothing draws widgets; JupyterLab does."""


class NotebookError(ValueError):
    """A notebook that must not be shown: the message names the cell and what is wrong with it."""


def main() -> None:
    """Write docs/notebooks/*.md and *.ipynb, with a folder of pictures each."""
    for source in sources():
        name = source.stem.replace("_", "-")
        notebook = executed(source)
        (FOLDER / f"{name}.ipynb").write_text(jupytext.writes(notebook, fmt="ipynb"), encoding="utf-8")
        text, pictures = page(notebook, name)
        (FOLDER / f"{name}.md").write_text(text, encoding="utf-8")
        for file, png in pictures.items():
            (FOLDER / file).parent.mkdir(exist_ok=True)
            (FOLDER / file).write_bytes(png)


def sources() -> list[Path]:
    """The notebooks as they are under version control."""
    return sorted(FOLDER.glob("*.py"))


def read(source: Path) -> NotebookNode:
    """The notebook of a source, without outputs. Its cells are named by their place, so that the same source gives the
    same file."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = NotebookNode(
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
        language_info={"name": "python"},
    )
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i}"
    return notebook


def executed(source: Path) -> NotebookNode:
    """The notebook with its outputs, run in an empty folder by a kernel of this interpreter.

    Raises `NotebookError` where a cell fails, writes to stderr (a warning), or draws without saying what.
    """
    notebook = read(source)
    with tempfile.TemporaryDirectory() as empty:
        resources = {"metadata": {"path": empty}}
        client = NotebookClient(notebook, timeout=SECONDS, record_timing=False, resources=resources)
        with suppress(CellExecutionError):  # what failed is among the outputs
            client.execute(env={**os.environ, "PYTHONWARNINGS": _UNLIKE_A_READERS})
    if faults := list(_faults(notebook)):
        raise NotebookError("\n".join(f"{source.name}: {fault}" for fault in faults))
    return notebook


def _faults(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            first = cell.source.partition("\n")[0]
            if output.output_type == "error":
                yield f"the cell {first!r} fails: {output.ename}: {output.evalue}"
            elif output.get("name") == "stderr":
                yield f"the cell {first!r} writes to stderr: {output.text.strip()}"
            elif "image/png" in output.get("data", {}) and not cell.metadata.get("alt"):
                yield f'the cell {first!r} draws: say what in its head (# %% alt="...")'


def page(notebook: NotebookNode, name: str) -> tuple[str, dict[str, bytes]]:
    """The page as Markdown, and its pictures by file name."""
    config = Config(
        {"ExtractOutputPreprocessor": {"output_filename_template": f"{name}/{{cell_index}}-{{index}}{{extension}}"}}
    )
    exporter = MarkdownExporter(
        config=config, template_file="page.md.j2", extra_loaders=[DictLoader({"page.md.j2": PAGE})]
    )
    text, resources = exporter.from_notebook_node(notebook, {"unique_key": name})
    title, _, rest = text.strip().partition("\n")
    return f"{title}\n\n{ABOUT.format(name=name)}\n{_plain(rest)}\n", resources["outputs"]


def _plain(text: str) -> str:
    """Tables of pandas as those of the other pages: without a style and a border of their own."""
    text = re.sub(r"<style scoped>.*?</style>\s*", "", text, flags=re.S)
    return re.sub(r'<table border="1" class="dataframe">', "<table>", text)
