"""What nodes and the columns of a table may be called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from numbers import Integral

from scmbench.datasets.values import Values, ValuesError, to_frame


def check_names(nodes: Iterable[Hashable]) -> None:
    """Names of nodes are strings or whole numbers, all of one kind. Raises `ValuesError` that shows one that is not."""
    nodes = list(nodes)
    for node in nodes:
        if isinstance(node, bool) or not isinstance(node, str | Integral):
            what = type(node).__name__
            raise ValuesError(f"the node {node!r} is named by a {what}: rename it to a string or a whole number")
        if isinstance(node, str) and any("\ud800" <= letter <= "\udfff" for letter in node):
            raise ValuesError(f"the node {node!r} has half a surrogate pair in its name, which is no text: rename it")
    if len({isinstance(node, str) for node in nodes}) > 1:
        text, number = (next(v for v in nodes if isinstance(v, str) is named) for named in (True, False))
        raise ValuesError(
            f"some nodes are named by strings, such as {text!r}, others by numbers, such as {number!r}: name all alike"
        )


def check_columns(data: Values) -> None:
    """Raises `ValuesError` where a vector's column has the name of another node."""
    labels = Counter(label for node, x in data.items() for label in to_frame({node: x[:0]}))
    if shared := [label for label, count in labels.items() if count > 1]:
        raise ValuesError(f"the column {shared[0]!r} is a node and a component of another node: rename one of them")
