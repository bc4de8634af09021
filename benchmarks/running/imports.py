"""Which modules of scmbench a file imports: read off its syntax tree, so that nothing has to be imported to know.

Every import statement counts, wherever in the file it stands, but those under ``TYPE_CHECKING``, which never run. What
is called by a name that is only known when the program runs (the registries' ``module:Class``) is not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

HOUSE = "scmbench"


@cache
def source(module: str) -> Path | None:
    """The file of a module of scmbench; None for what is none, and where there are no sources."""
    house, _, rest = module.partition(".")
    top, *below = rest.split(".")
    if house != HOUSE or not top:
        return None
    spec = find_spec(f"{HOUSE}.{top}")  # imports the namespace alone
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]).joinpath(*below)
    found = [file for file in (path / "__init__.py", path.with_name(f"{path.name}.py")) if file.is_file()]
    return found[0] if found else None


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file of scmbench; that of an empty one where it cannot be read."""
    try:
        return parsed(path.read_text(encoding="utf-8")) or ast.Module([], [])
    except OSError:
        return ast.Module([], [])


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of a text, which may be indented as a whole; None where it is no Python."""
    try:
        return ast.parse(dedent(text))
    except (SyntaxError, ValueError, RecursionError):
        return None


@cache
def reached(modules: frozenset[str]) -> frozenset[str]:
    """These modules of scmbench and all that they import from it, and what these import in turn."""
    found, todo = set[str](), sorted(modules)
    while todo:
        module = todo.pop()
        if module not in found and source(module) is not None:
            found.add(module)
            todo += imported(module)
    return frozenset(found)


@cache
def imported(module: str) -> frozenset[str]:
    """The modules of scmbench that a module of it names in its import statements."""
    path = source(module)
    return frozenset(named(tree(path), module, package=path.name == "__init__.py")) if path else frozenset()


def named(statements: ast.AST, module: str, *, package: bool = False) -> Iterator[str]:
    """The modules of scmbench that the import statements in a tree name; relative ones are seen from `module`.

    ``from p import name`` names the module ``p.name`` if there is one, else ``p``. Where ``p`` is a package whose names
    come from the stub beside it, the module is meant that has the name; ``import`` of such a package names those of
    which the tree uses an attribute.
    """
    whole = module if package else module.rpartition(".")[0]
    nodes = list(_running(statements))
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _of_module(alias.name, alias.asname or alias.name, nodes)
        elif isinstance(node, ast.ImportFrom):
            above = whole.split(".")[: len(whole.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                if source(full):
                    yield from _of_module(full, alias.asname or alias.name, nodes)
                elif source(base):
                    yield _stubs(base).get(alias.name, base)


def _of_module(module: str, name: str, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """A module that a file knows as `name`; of a package with a stub, the modules whose attributes it uses."""
    if source(module):
        yield module
        if stubs := _stubs(module):
            used = (node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == name)
            yield from (stubs[attribute] for attribute in used if attribute in stubs)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a tree, but the bodies of ``if TYPE_CHECKING:``."""
    if isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
        for other in node.orelse:
            yield from _running(other)
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _running(child)


@cache
def _stubs(package: str) -> dict[str, str]:
    """Name to module of a package whose ``__init__.pyi`` says where its names live."""
    path = source(package)
    stub = path.with_suffix(".pyi") if path and path.name == "__init__.py" else None
    if stub is None or not stub.is_file():
        return {}
    return {
        alias.asname or alias.name: f"{package}.{node.module}"
        for node in tree(stub).body
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module
        for alias in node.names
    }
