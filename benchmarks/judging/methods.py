"""Methods: how one is named, and what its class says it is. Imports no tables: suites are quick to load."""

from __future__ import annotations

from collections.abc import Mapping

Method = tuple[str, str]
"""(model, variant)"""

METHOD, CEILING, FLOOR = "method", "ceiling", "floor"
"""The roles of `CausalModel.role`: only methods compete, floors and ceilings are what scores are read between."""


def title(model: str, variant: str = "") -> str:
    """A method as tables and messages write it.

    >>> title("dcm", "reference"), title("linear")
    ('dcm (reference)', 'linear')
    """
    return f"{model} ({variant})" if variant else model


def named(names: Mapping[Method, str], method: Method) -> str:
    """What `names` calls a method, or its `title`."""
    return names.get(method) or title(*method)
