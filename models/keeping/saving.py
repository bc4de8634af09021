"""Fitted models as files: ``model.json`` says what they are, ``model.safetensors`` holds the numbers."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import networkx as nx
import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors
from scmbench.datasets.values import Values, parents

from ..contract.base import CausalModel, Unsupported
from ..contract.registry import UnknownModel, paths
from ..contract.registry import load as load_class
from .state import Reader, StateError, Writer

FORMAT = 1
"""Version of the files; those of another one are not read."""

HEADER, TENSORS, OWN = "model.json", "model.safetensors", "own"


class SavedModelError(ValueError):
    """A folder that does not hold a saved model that can be used here: the message says what is wrong with it."""


def save(model: CausalModel, folder: Path | str, *, like: Values | None = None) -> Path:
    """Write a fitted model into `folder`, made where it is not there; returns the folder.

    `like` holds nodes of the types and shapes that the model was fitted on, which are then noted too (`saved_like`).
    Nothing is pickled: the state is walked attribute by attribute (`state.Writer`). A model that has its own ``save``
    writes into the sub-folder ``own`` instead. Raises `Unsupported` for a model that holds what cannot be kept so, such
    as scikit-learn's regressors; it names the attribute.
    """
    folder = Path(folder)
    cls = type(model)
    header: dict[str, Any] = {
        "format": FORMAT,
        "model": _name(cls),
        "model_version": cls.version,
        "options": model.options(),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in ("scmbench", "torch")}},
    }
    if isinstance(graph := getattr(model, "graph", None), nx.DiGraph):
        header["graph"] = {node: parents(graph, node) for node in sorted(graph)}
    if like is not None:
        header["nodes"] = {node: [str(x.dtype).removeprefix("torch."), list(x.shape[1:])] for node, x in like.items()}
    if "save" in model.powers:
        tensors = write_tensors({})
        (folder / OWN).mkdir(parents=True, exist_ok=True)
        model.save(folder / OWN)  # type: ignore[attr-defined]
    else:
        writer = Writer(_package(cls))
        try:
            header["state"] = writer.write(model)
        except Unsupported as error:
            raise Unsupported(f"{header['model']} cannot be saved: {error}") from None
        tensors = write_tensors(writer.tensors)
    header["sha256"] = hashlib.sha256(tensors).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TENSORS).write_bytes(tensors)
    (folder / HEADER).write_text(json.dumps(header, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return folder


def load(folder: Path | str, *, model: str | None = None) -> CausalModel:
    """The fitted model that `save` wrote into `folder`.

    A model that no registry knows is loaded only if the caller names it, `model` being its ``package.module:Class``,
    because importing runs code. Raises `SavedModelError` for missing, damaged or foreign files, another model than
    `model`, or another version of the method than the installed one.
    """
    folder = Path(folder)
    header = read_header(folder)
    name = header["model"]
    if model is not None and model != name:
        raise SavedModelError(f"{folder} holds the model {name!r}, not {model!r}")
    if model is None and name not in paths():
        raise SavedModelError(
            f"{folder} holds the model {name!r}, which no installed package registers; if you trust it, say so by "
            f"naming it: load(folder, model={name!r})"
        )
    try:
        cls = load_class(name)
    except UnknownModel as error:
        raise SavedModelError(f"{folder}: {error.args[0]}") from None
    if header["model_version"] != cls.version:
        raise SavedModelError(
            f"{folder} was fitted by version {header['model_version']} of {name}, installed is version {cls.version}: "
            "fit it again"
        )
    if "state" not in header:
        return cls.load(folder / OWN)  # type: ignore[attr-defined]
    return _rebuilt(cls, header["state"], folder, header["sha256"])


def read_header(folder: Path) -> dict[str, Any]:
    """What ``model.json`` says. Raises `SavedModelError` where it is missing, damaged or of another format."""
    path = folder / HEADER
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SavedModelError(f"{folder} holds no saved model: there is no {HEADER}") from None
    except (OSError, ValueError) as error:
        raise SavedModelError(f"{path} cannot be read: {error}") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else None
        raise SavedModelError(f"{path} is not a saved model of format {FORMAT} (found {found!r})")
    if lacking := [key for key in ("model", "model_version", "sha256") if key not in header]:
        raise SavedModelError(f"{path} lacks {lacking}")
    return header


def saved_like(folder: Path) -> Values:
    """Nodes without rows, of the types and shapes that a saved model was fitted on. Raises `SavedModelError`."""
    try:
        nodes = read_header(folder)["nodes"].items()
        return {node: torch.empty(0, *shape, dtype=getattr(torch, dtype)) for node, (dtype, shape) in nodes}
    except (KeyError, AttributeError, TypeError, ValueError):
        raise SavedModelError(f"{folder / HEADER} does not say what the model's nodes are like") from None


def _rebuilt(cls: type[CausalModel], state: Any, folder: Path, sha256: str) -> CausalModel:
    path = folder / TENSORS
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SavedModelError(f"{path} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise SavedModelError(f"{path} is not the file that {HEADER} speaks of: its checksum differs")
    try:
        fitted = Reader(read_tensors(content), _package(cls)).read(state)
    except (StateError, SafetensorError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise SavedModelError(f"{folder / HEADER} is damaged: {error}") from None
    if type(fitted) is not cls:
        raise SavedModelError(f"{folder / HEADER} is damaged: its state is a {type(fitted).__name__}")
    return fitted


def _name(cls: type[CausalModel]) -> str:
    """The name under which this class is registered, else its address."""
    for name, path in paths().items():
        try:
            if path.endswith(f":{cls.__qualname__}") and load_class(name) is cls:
                return name
        except UnknownModel:  # another package's model that cannot be imported here
            continue
    return f"{cls.__module__}:{cls.__qualname__}"


def _package(cls: type[CausalModel]) -> str:
    """The package that the model's own mechanisms live in; "" for models of this one."""
    package = cls.__module__.partition(".")[0]
    return "" if package == "scmbench" else package
