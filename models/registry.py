"""Models by name: built in, from a Python entry point, or ``package.module:Class``."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from .base import CausalModel

GROUP = "scmbench.models"
BUILT_IN = {
    "dcm": "scmbench.models.dcm:DCM",
    "anm": "scmbench.models.anm:ANM",
    "causal-nf": "scmbench.models.causal_nf:CausalNF",
    "linear": "scmbench.models.linear:LinearGaussian",
    "oracle": "scmbench.models.floors:Oracle",
    "posterior": "scmbench.models.posterior:Posterior",
    "marginal": "scmbench.models.floors:Marginal",
    "identity": "scmbench.models.floors:Identity",
}
"""Name to ``module:Class``; imported when asked for, so that one method's dependencies are no other's burden."""


class UnknownModel(LookupError):
    """No model of that name, or none at that address; the message says what was tried."""


def paths() -> dict[str, str]:
    """Every model name with its ``module:Class``, entry points included; built-in names win."""
    return {**{point.name: point.value for point in entry_points(group=GROUP)}, **BUILT_IN}


def load(name: str) -> type[CausalModel]:
    """The model class called `name`, or at ``package.module:Class``.

    Raises `UnknownModel` for an unknown name, a module that cannot be imported, or a class that is no `CausalModel`.
    """
    path = paths().get(name, name)
    module, colon, attribute = path.partition(":")
    if not colon:
        raise UnknownModel(f"no model {name!r}; there are {sorted(paths())}, or write package.module:Class")
    try:
        cls = getattr(import_module(module), attribute)
    except ImportError as error:
        raise UnknownModel(f"model {name!r}: cannot import {module!r}: {error}") from error
    except AttributeError:
        raise UnknownModel(f"model {name!r}: module {module!r} has no {attribute!r}") from None
    if not (isinstance(cls, type) and issubclass(cls, CausalModel)):
        raise UnknownModel(f"model {name!r}: {path} is not a subclass of scmbench.models.CausalModel")
    return cls
