"""Code as a text that says what it does and not how it is written: what digests of code are taken of."""

from __future__ import annotations

import ast

_SILENT = {"ctx", "kind", "type_comment", "type_ignores"}
"""Fields of syntax trees that follow from others, or from how something is written."""


def canonical(tree: ast.AST) -> str:
    """A syntax tree as a text that is the same in all versions of Python, texts that stand by themselves left out.

    >>> canonical(ast.parse("x = 1  # one")) == canonical(ast.parse('"What x is."\\nx = (1)'))
    True
    """
    found: list[str] = []
    _write(tree, found)
    return "".join(found)


def _write(node: object, found: list[str]) -> None:
    if isinstance(node, ast.Constant):
        found.append(f"{type(node.value).__name__} {node.value!r}")
    elif isinstance(node, ast.AST):
        found.append(f"{type(node).__name__}(")
        for name, value in ast.iter_fields(node):
            if name not in _SILENT and value is not None and value != []:
                found.append(f"{name}=")
                _write(value, found)
                found.append(",")
        found.append(")")
    elif isinstance(node, list):
        found.append("[")
        for item in node:
            if not _is_a_docstring(item):
                _write(item, found)
                found.append(",")
        found.append("]")
    else:
        found.append(repr(node))


def _is_a_docstring(node: object) -> bool:
    """A text as a statement, which does nothing, wherever it stands."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
