"""A model's options: read off its constructor, named by its maker, changed at query time."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

Model = TypeVar("Model", bound="Configured")


class Configured:
    """A class whose constructor's arguments are its options, each kept as the attribute of the same name."""

    query_options: ClassVar[frozenset[str]] = frozenset()
    """Options that act at query time only: configurations that differ in these alone share one fit."""

    execution_options: ClassVar[frozenset[str]] = frozenset({"device"})
    """Options that say where to compute, not what: they are no part of a result's identity.

    Results of two devices agree in law; a method may draw its random numbers on the device, and then not in digits.
    """

    added_options: ClassVar[frozenset[str]] = frozenset()
    """Options that came after results had been kept: at its default, such a one is no part of a result's identity."""

    variants: ClassVar[tuple[str, ...]] = ()
    """What the option `variant` takes, where a method has one; the first is its default."""

    _named_options: frozenset[str]

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """A new model that remembers which of its options its maker named: the others may be chosen for them."""
        if cls.__init__ is object.__init__ and (arguments or options):
            raise TypeError(f"{cls.__name__} has no options, got {[*arguments, *options]}")
        self = super().__new__(cls)
        self._named_options = frozenset([*options, *list(option_defaults(cls))[: len(arguments)]])
        return self

    def options(self) -> dict[str, Any]:
        """The resolved options, defaults included."""
        return {name: getattr(self, name) for name in option_defaults(type(self))}

    def identifying_options(self) -> dict[str, Any]:
        """The resolved options that tell results apart: without `execution_options`, and `added_options` at defaults.

        Returns:
            Options by name.
        """
        defaults = option_defaults(type(self))
        silent = {name for name in self.added_options if getattr(self, name) == defaults[name]}
        return {k: v for k, v in self.options().items() if k not in silent | self.execution_options}

    def with_query_options(self, **options: Any) -> Self:
        """A copy that shares this fit and answers with other `query_options`.

        Args:
            options: Options by name, of those in `query_options`.

        Returns:
            The copy; the model itself stays as it is.

        Raises:
            ValueError: For options that act in the fit.
        """
        if extra := sorted(set(options) - self.query_options):
            raise ValueError(f"{type(self).__name__}: {extra} act in fit, not at query time; fit a new model instead")
        other = copy.copy(self)
        for name, value in options.items():
            setattr(other, name, value)
        return other


def option_defaults(cls: type) -> dict[str, Any]:
    """Names and defaults of a model's options, read off its constructor."""
    parameters = constructor_parameters(cls)
    return {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def constructor_parameters(cls: type) -> list[inspect.Parameter]:
    """The parameters of ``cls.__init__`` without self; none where a class has no constructor of its own."""
    return [] if cls.__init__ is object.__init__ else list(inspect.signature(cls.__init__).parameters.values())[1:]


def build(cls: type[Model], options: Mapping[str, Any]) -> Model:
    """A model of the class with these options: ``cls(**options)``.

    Args:
        cls: The class, as `load` gives it.
        options: Arguments of its constructor by name; lists become tuples.

    Returns:
        The model, not fitted yet.

    Raises:
        ValueError: For an unknown option; it names it and lists those there are.
    """
    known = option_defaults(cls)
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"{cls.__name__} has no option {unknown}; it has {sorted(known)}")
    return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in options.items()})
