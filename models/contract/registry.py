"""Models by name: built in, from a Python entry point, or ``package.module:Class``."""

from __future__ import annotations

import re
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scmbench.datasets import plugins
from scmbench.datasets.errors import UserError

if TYPE_CHECKING:
    from .base import CausalModel

GROUP = "scmbench.models"
BUILT_IN = {
    "dcm": "scmbench.models.dcm:DCM",
    "anm": "scmbench.models.anm:ANM",
    "bdcm": "scmbench.models.dcm:BDCM",
    "dcm-parents": "scmbench.models.dcm.entries:ParentsDCM",
    "vaca": "scmbench.models.vaca:VACA",
    "carefl": "scmbench.models.carefl:CAREFL",
    "carefl-affine": "scmbench.models.carefl:AffineCAREFL",
    "causal-nf": "scmbench.models.causal_nf:CausalNF",
    "cocycle": "scmbench.models.cocycle:Cocycle",
    "dscm": "scmbench.models.dscm:DSCM",
    "engression": "scmbench.models.engression:Engression",
    "equally-good": "scmbench.models.best:EquallyGood",
    "flow-matching": "scmbench.models.flow_matching:FlowMatching",
    "flow-scm": "scmbench.models.flow_scm:FlowSCM",
    "scm-best": "scmbench.models.best:ScmBest",
    "linear": "scmbench.models.linear:LinearGaussian",
    "nsf": "scmbench.models.nsf:NSF",
    "proxy-flow": "scmbench.models.proxy_flow:ProxyFlow",
    "rank": "scmbench.models.rank:Rank",
    "robust-linear": "scmbench.models.robust:RobustLinearModel",
    "tm-scm": "scmbench.models.tm_scm:TMSCM",
    "tram": "scmbench.models.tram:TRAM",
    "diff-scm": "scmbench.models.diffscm:DiffSCM",
    "image-dcm": "scmbench.models.image_dcm:ImageDCM",
    "image-flow": "scmbench.models.image_flow:ImageFlow",
    "image-hvae": "scmbench.models.image_hvae:ImageHVAE",
    "image-vae": "scmbench.models.image_vae:ImageVAE",
    "oracle": "scmbench.models.bounds.oracle:Oracle",
    "posterior": "scmbench.models.bounds.posterior:Posterior",
    "monotone": "scmbench.models.bounds.monotone:Monotone",
    "marginal": "scmbench.models.bounds.trivial:Marginal",
    "identity": "scmbench.models.bounds.trivial:Identity",
    "class-mean": "scmbench.models.bounds.images:ClassMean",
    "random-class": "scmbench.models.bounds.images:RandomClass",
    "nearest": "scmbench.models.bounds.images:Nearest",
    "resample": "scmbench.models.bounds.trivial:Resample",
    "persistence": "scmbench.models.bounds.trivial:Persistence",
}
"""Name to ``module:Class``; imported when asked for, so that one method's dependencies are no other's burden."""
EXTRAS = {"dowhy": "scmbench.models.dowhy:DoWhy"}
"""The same for adapters of packages that scmbench does not install by itself: ``pip install 'scmbench[name]'``."""


class UnknownModel(UserError, LookupError):
    """No model of that name or at that address, or more than one; the message says what was tried."""


def is_outside(name: str) -> bool:
    """Whether the model of this name, or at this address, is no part of scmbench; nothing is imported to tell.

    >>> is_outside("dcm"), is_outside("scmbench.models.dcm:DCM"), is_outside("my.pkg:Mine")
    (False, False, True)
    """
    path = next(iter(_claims().get(name, (name,))))
    return ":" in path and not path.startswith("scmbench.models.")


def role_of(cls: type[Any]) -> Literal["method", "floor", "ceiling"]:
    """The role that a class is believed to have: its own for a model that scmbench has by name, else ``method``.

    A floor or ceiling is shown the truth and competes with nobody, which a class cannot claim for itself: subclasses
    of built-in ones, and classes that give themselves the module of one, are methods.
    """
    home = sys.modules.get(cls.__module__)
    known = f"{cls.__module__}:{cls.__qualname__}" in BUILT_IN.values() and getattr(home, cls.__qualname__, None) is cls
    return cls.role if known else "method"


def paths() -> dict[str, str]:
    """Every model name with its ``module:Class``, entry points of other packages included."""
    return {name: next(iter(found)) for name, found in _claims().items()}


def summaries() -> dict[str, str]:
    """Every model name with the first line of its docstring, and nothing imported.

    Of a model from outside its ``module:Class``: not even the packages above it are imported to look for its source.
    """
    ours = BUILT_IN | EXTRAS
    return {name: _summary(path) if ours.get(name) == path else path for name, path in sorted(paths().items())}


def _summary(path: str) -> str:
    """The first line of the docstring of a class of scmbench, read off the source; a re-export is followed."""
    module, _, name = path.partition(":")
    file = resources.files("scmbench.models").joinpath(*module.split(".")[2:])
    text = (file / "__init__.py" if file.is_dir() else Path(f"{file}.py")).read_text(encoding="utf-8")
    if found := re.search(rf'^class {name}\b[^"]*"""([^\n]*)', text, re.M):
        return found[1].removesuffix('"""')
    found = re.search(rf"^from \.(\S+) import [^\n]*\b{name}\b", text, re.M)
    if not found:
        raise LookupError(f"{module} has no class {name!r}")
    return _summary(f"{module}.{found[1]}:{name}")


def load(name: str) -> type[CausalModel]:
    """The model class called `name`, or at ``package.module:Class`` (looked for in the working directory too).

    Args:
        name: A name of the registry, such as ``dcm``, or the address of a class.

    Returns:
        The class; `build` makes a model of it with options by name.

    Raises:
        UnknownModel: For an unknown name or one that two packages claim, a module that cannot be imported, or a class
            that is no `CausalModel`.
    """
    from .base import CausalModel

    claims = _claims()
    if len(claims.get(name, ())) > 1:
        claimed = "; ".join(f"{path} by {owner}" for path, owner in claims[name].items())
        raise UnknownModel(f"the model name {name!r} is taken twice: {claimed}; write package.module:Class instead")
    path = next(iter(claims.get(name, (name,))))
    if ":" not in path:
        raise UnknownModel(f"no model {name!r}; there are {sorted(claims)}, or write package.module:Class")
    cls = plugins.at(path, UnknownModel, f"model {name!r}")
    if not (isinstance(cls, type) and issubclass(cls, CausalModel)):
        raise UnknownModel(f"model {name!r}: {path} is not a subclass of scmbench.models.CausalModel")
    return cls


def _claims() -> dict[str, dict[str, str]]:
    """Name to the addresses that claim it, each with who does: scmbench first, then installed packages."""
    claims = {name: {path: "scmbench"} for name, path in (BUILT_IN | EXTRAS).items()}
    for name, path, owner in plugins.points(GROUP):
        claims.setdefault(name, {}).setdefault(path, owner)
    return claims
