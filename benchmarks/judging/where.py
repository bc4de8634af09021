"""Conditions on attributes of worlds, such as ``n >= 20 and noise == 'heavy'``: read as syntax, never run as code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from scmbench.datasets.errors import UserError

_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}

MOST = 1000
"""Characters of a condition."""

ALLOWED = "names of attributes, numbers and quoted texts, == != < <= > >= in, and or not, ( ) [ ]"


class WhereError(UserError, ValueError):
    """A condition that cannot be used; the message quotes it and says what may stand in one."""


class Lacking(LookupError):
    """A world lacks the attribute of this name."""


class Where:
    """A condition of comparisons joined by ``and``, ``or`` and ``not``, as in Python.

    Raises `WhereError` for anything else: calls, attributes of attributes, arithmetic.

    >>> where = Where("n >= 20 and noise in ('heavy', 'additive')")
    >>> where({"n": 20, "noise": "heavy"}), where({"n": 10, "noise": "heavy"})
    (True, False)
    """

    def __init__(self, text: str):
        self.text = text
        if len(text) > MOST:
            raise WhereError(f"the condition has {len(text):,} characters; at most {MOST:,} are read")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
            self.names = {node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name)}
            self._check(self._tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            if isinstance(error, WhereError):
                raise
            why = error.msg if isinstance(error, SyntaxError) else type(error).__name__
            raise WhereError(f"the condition {text!r} cannot be read ({why}); write {ALLOWED}") from None

    def __call__(self, attributes: Mapping[str, Any]) -> bool:
        """Whether a world of these attributes meets it.

        Raises `Lacking` for a world without an attribute that decides, and `WhereError` where a number is compared with
        a text by order.
        """
        return bool(self._value(self._tree, attributes))

    def _check(self, node: ast.expr) -> None:
        inner: list[ast.expr] = []
        match node:
            case ast.BoolOp(values=values):
                inner = values
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = [operand]
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
                return
            case ast.Compare(left=left, ops=ops, comparators=others):
                for op, right in zip(ops, others, strict=True):
                    if isinstance(op, ast.In | ast.NotIn) and isinstance(right, ast.Constant):
                        if not isinstance(right.value, str):
                            raise self._refused(right)
                    elif type(op) not in _COMPARED:
                        raise self._refused(node)
                inner = [left, *others]
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                inner = elements
            case ast.Constant(value=str() | int() | float()) | ast.Name():
                return
            case _:
                raise self._refused(node)
        for part in inner:
            self._check(part)

    def _refused(self, node: ast.expr) -> WhereError:
        part = ast.get_source_segment(self.text.strip(), node) or self.text
        return WhereError(f"the condition {self.text!r} holds {part!r}; write only {ALLOWED}")

    def _value(self, node: ast.expr, known: Mapping[str, Any]) -> Any:
        match node:
            case ast.BoolOp(op=op, values=values):
                # Not `any`/`all`: the first part that decides is the last that is looked at, as in Python.
                for part in values:
                    if bool(self._value(part, known)) == isinstance(op, ast.Or):
                        return isinstance(op, ast.Or)
                return isinstance(op, ast.And)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._value(operand, known)
            case ast.UnaryOp(operand=ast.Constant(value=value)):
                return -value  # type: ignore[operator]
            case ast.Compare(left=left, ops=ops, comparators=others):
                a = self._value(left, known)
                for op, right in zip(ops, others, strict=True):
                    b = self._value(right, known)
                    try:
                        met = _COMPARED[type(op)](a, b)
                    except TypeError:
                        raise WhereError(f"the condition {self.text!r} compares {a!r} with {b!r}") from None
                    if not met:
                        return False
                    a = b
                return True
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return [self._value(part, known) for part in elements]
            case ast.Name(id=name):
                if name not in known:
                    raise Lacking(name)
                return known[name]
            case ast.Constant(value=value):
                return value
        raise self._refused(node)
