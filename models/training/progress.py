"""How far a training is, for whoever listens; where nobody does, nothing is told and nothing costs.

A training may take minutes, and a batch of them hours. Whoever waits for it listens:

    with listening(lambda unit, done, of: print(f"{done} of {of} {unit}")):
        model.fit(graph, data, seed=0)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Listener = Callable[[str, int, int], None]
"""Told ``(unit, done, of)``: ``("epochs", 12, 200)``. It is called often, and decides what it passes on."""

T = TypeVar("T")

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """A block in whose trainings `listener` is told how far they are."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def counted(items: Sequence[T], unit: str) -> Iterator[T]:
    """The items one by one; before each, whoever listens is told how many are over.

    >>> told = []
    >>> with listening(lambda *heard: told.append(heard)):
    ...     _ = list(counted("ab", "letters"))
    >>> told
    [('letters', 0, 2), ('letters', 1, 2)]
    """
    listener = _listener.get()
    for done, item in enumerate(items):
        if listener is not None:
            listener(unit, done, len(items))
        yield item
