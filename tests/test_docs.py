"""The examples of the documentation and of the docstrings run, and say what they say they say.

In a page, a block of Python with a title is a file that the reader saves; one with ``>>>`` is a doctest; a block of
console has commands after ``$`` (a line after ``>`` goes on), each followed by what it prints; ``...`` is anything.
"""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")), "README.md"]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)
TITLE = re.compile(r'title="([\w.]+)"')


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    text: str
    line: int

    @property
    def is_checked(self) -> bool:
        return bool(self.title) or ">>>" in self.text or self.language == "console"


def blocks(page: str) -> Iterator[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        title = TITLE.search(found[2])
        yield Block(found[1], title[1] if title else "", found[3], text[: found.start()].count("\n") + 1)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Commands with what they are said to print."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        lines = part.splitlines()
        end = next((i for i, line in enumerate(lines[1:], 1) if not line.startswith("> ")), len(lines))
        command = "\n".join([lines[0], *(line.removeprefix("> ") for line in lines[1:end])])
        yield command, "\n".join(lines[end:])


EXAMPLES = [page for page in PAGES if page != "README.md" and any(block.is_checked for block in blocks(page))]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A reader's empty folder, on the path; what was imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.mark.parametrize("page", EXAMPLES)
def test_the_examples_of_a_page_run(page, folder):
    names: dict[str, object] = {}
    for block in blocks(page):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
            importlib.invalidate_caches()
        elif ">>>" in block.text:
            told: list[str] = []
            examples = doctest.DocTestParser().get_doctest(block.text, names, page, page, block.line)
            result = doctest.DocTestRunner(optionflags=FLAGS).run(examples, out=told.append, clear_globs=False)
            names = examples.globs
            assert not result.failed, "".join(told)
        elif block.language == "console":
            for command, expected in commands(block.text):
                run_and_compare(command, expected, folder, f"{page}:{block.line}")


def run_and_compare(command: str, expected: str, folder: Path, where: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "200", "NO_COLOR": "1"}
    environment["GIT_DIR"] = os.devnull  # a reader has an installed copy, whose records know no checkout and no changes
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{where}: {command}\n{done.stdout}{done.stderr}"
    same = doctest.OutputChecker().check_output(expected + "\n", done.stdout, FLAGS)
    assert same or not expected, f"{where}: {command}\nprinted\n{done.stdout}\ninstead of\n{expected}"


@pytest.mark.parametrize("page", PAGES)
def test_no_python_on_a_page_goes_unchecked(page):
    assert [block.text for block in blocks(page) if block.language == "python" and not block.is_checked] == []


ROOMS = ("datasets", "models", "metrics", "benchmarks")
MODULES = sorted(
    ".".join(["scmbench", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8") and not {"templates", "speed"} & set(path.parts)
)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_docstrings_run(module):
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    examples = [found for found in doctest.DocTestFinder().find(importlib.import_module(module)) if found.examples]
    assert examples, "its examples are nowhere that doctest looks"
    for example in examples:
        runner.run(example, out=told.append)
    assert not runner.failures, "".join(told)
