"""The house: imports between rooms go one way, nothing goes in a circle, methods do not know each other.

The graph is read off the sources: every import statement, wherever in a file it stands, also those under
``TYPE_CHECKING``, since a name that is only annotated is known all the same. `scmbench.*` and relative imports are
resolved to files.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
TOP = ("datasets", "models", "metrics", "benchmarks", "results")
APART = {"templates", "speed"}
"""Skeletons for others and benchmarks of speed: no part of the package."""

FLOORS = [
    {"benchmarks.cli"},
    {"benchmarks.gate"},
    {"benchmarks.reporting", "benchmarks.running"},
    {"benchmarks.records"},
    {"benchmarks.suites"},
    {"benchmarks.judging", "benchmarks.questions"},
    {"models"},
    {"metrics", "datasets"},
    {"results"},
]
"""The rooms, top floor first: a file may import from its own room and from floors below, never from beside or above."""

MACHINERY = ["conformance", "bounds", "images", "keeping", "training", "contract"]
"""Rooms of models/ that hold no method."""


def sources() -> dict[str, Path]:
    """Module (``models.dcm.model``) to file, for all that is installed."""
    found = {}
    for top in TOP:
        for path in (ROOT / top).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if not APART & set(parts):
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


SOURCES = sources()


def imports(module: str, path: Path) -> Iterator[str]:
    """Modules of this project that a file imports, as far down as the statement names one."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from filter(SOURCES.get, (alias.name.removeprefix("scmbench.") for alias in node.names))
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            elif node.module and node.module.split(".")[0] == "scmbench":
                base = node.module.removeprefix("scmbench").lstrip(".")
            else:
                continue
            for alias in node.names:
                full = f"{base}.{alias.name}".lstrip(".")
                target = full if full in SOURCES else base
                if target in SOURCES:
                    yield target


GRAPH = nx.DiGraph((module, target) for module, path in SOURCES.items() for target in imports(module, path))
GRAPH.add_nodes_from(SOURCES)


def room(module: str) -> str:
    top, _, rest = module.partition(".")
    return f"{top}.{rest.split('.')[0]}" if top == "benchmarks" and rest else top


def floor(module: str) -> int:
    return next((i for i, rooms in enumerate(FLOORS) if room(module) in rooms), -1)


def test_the_graph_sees_what_there_is_to_see():
    assert GRAPH.has_edge("models.dcm.model", "models.contract.nodewise")
    assert GRAPH.has_edge("benchmarks.running.planner", "models")
    assert nx.has_path(GRAPH, "benchmarks.cli.run", "datasets.scm")
    assert len(GRAPH) > 100


def test_every_file_is_in_a_room():
    doors = {"benchmarks"}  # a room's own `__init__`, which imports nothing or lazily
    assert sorted(m for m in SOURCES if floor(m) < 0 and m not in doors) == []


def test_no_arrow_goes_up_or_sideways():
    wrong = [
        f"{a} imports {b}"
        for a, b in GRAPH.edges
        if a != "benchmarks" and b != "benchmarks" and room(a) != room(b) and floor(a) >= floor(b)
    ]
    assert wrong == []


def test_nothing_goes_in_a_circle():
    circles = [sorted(part) for part in nx.strongly_connected_components(GRAPH) if len(part) > 1]
    assert circles == []


def method(module: str) -> str:
    """The method that a module of models/ belongs to; empty for machinery."""
    top, _, rest = module.partition(".")
    name = rest.split(".")[0]
    return name if top == "models" and name and name not in MACHINERY else ""


def test_methods_never_import_each_other():
    assert len({method(m) for m in SOURCES} - {""}) >= 8
    wrong = [f"{a} imports {b}" for a, b in GRAPH.edges if method(a) and method(b) and method(a) != method(b)]
    assert wrong == []


@pytest.mark.parametrize("name", ["contract", "images", "training"])
def test_machinery_below_methods_imports_none(name):
    wrong = [f"{a} imports {b}" for a, b in GRAPH.edges if a.startswith(f"models.{name}") and method(b)]
    assert wrong == []


def test_judging_needs_no_runner():
    reached = set().union(*(nx.descendants(GRAPH, m) for m in SOURCES if room(m) == "benchmarks.judging"))
    assert {room(m) for m in reached} <= {"benchmarks.judging", "metrics", "models", "datasets", "results"}


def test_the_map_of_contributing_names_what_there_is():
    pages = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), (ROOT / "docs/architecture.md").read_text("utf-8")
    harness = {
        f"{name}/" for name in ("cli", "gate", "judging", "questions", "records", "reporting", "running", "suites")
    }
    named = set()
    for text in pages:
        named |= set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.[a-z]+)?)`", text))
    paths = {f"benchmarks/{name}" if any(name.startswith(part) for part in harness) else name for name in named}
    assert len(paths) > 25
    ours = {name for name in paths if name.split("/")[0] in {*TOP, "tests", "docs"}}
    assert sorted(name for name in ours if not (ROOT / name).exists()) == []
