"""Fitted models as files: ``model.json`` says what they are, ``model.safetensors`` holds the numbers.

Both hold data only. ``model.json`` names a registered model; its options go to that class' own constructor, its fields
to `restore` of the new object, which takes those that the class declares and no others (`contract.fields`).
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors
from scmbench.datasets import UserError
from scmbench.datasets.files.whole import staged
from scmbench.datasets.values import Values
from torch import Tensor

from ..contract.base import CausalModel, Unsupported
from ..contract.fields import FieldError, field_types, lift_fields, lower
from ..contract.options import build, option_defaults
from ..contract.registry import UnknownModel, paths
from ..contract.registry import load as load_class
from .data import DataError, Reader, Writer
from .labels import Labels
from .support import Support

FORMAT = 2
"""Version of the files; those of another one are not read."""

HEADER, TENSORS, OWN = "model.json", "model.safetensors", "own"

DTYPES = {
    name: getattr(torch, name)
    for name in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
}
"""What a node's column may be made of."""


class SavedModelError(UserError, ValueError):
    """A folder that does not hold a saved model that can be used here: the message says what is wrong with it."""


def save(
    model: CausalModel,
    folder: Path | str,
    *,
    like: Values | None = None,
    labels: list[Any] | None = None,
    support: dict[str, Any] | None = None,
) -> Path:
    """Write a fitted model into `folder`, made where it is not there; returns the folder.

    A model that has its own ``save`` writes into the sub-folder ``own`` instead.

    Args:
        model: The fitted model.
        folder: Where its files go.
        like: Nodes of the types and shapes that the model was fitted on, which are then noted too (`saved_like`).
        labels: What `Labels.to_json` says of the columns (`saved_labels`).
        support: What `Support.to_json` says of the training rows (`saved_support`).

    Returns:
        The folder.

    Raises:
        Unsupported: For a model that does not declare its fields, or holds something in them that is no data; it names
            the field. Nothing is written then.
    """
    folder = Path(folder)
    cls = type(model)
    writer = Writer()
    header: dict[str, Any] = {
        "format": FORMAT,
        "model": _name(cls),
        "model_version": cls.version,
        "versions": {"python": platform.python_version(), **{p: version(p) for p in ("scmbench", "torch")}},
    }
    try:
        header["options"] = writer.write(lower(model.options(), dict[str, Any], "options"))
        if like is not None:
            nodes = lower(dict(like), dict[str, Tensor], "the nodes")
            header["nodes"] = [[v, str(x.dtype).removeprefix("torch."), list(x.shape[1:])] for v, x in nodes.items()]
        if labels:
            header["labels"] = labels
        if support is not None:
            header["support"] = support
        if "save" not in model.powers:
            header["fields"] = writer.write(lower(model.saved(), dict[str, Any], "fields"))
        tensors = write_tensors(writer.tensors)
    except (FieldError, SafetensorError) as error:
        raise Unsupported(f"{header['model']} cannot be saved: {error}") from None
    header["sha256"] = digest(header, tensors)
    with staged(folder) as aside:
        if "save" in model.powers:
            (aside / OWN).mkdir()
            model.save(aside / OWN)  # type: ignore[attr-defined]
        (aside / TENSORS).write_bytes(tensors)
        (aside / HEADER).write_text(json.dumps(header, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return folder


def load(folder: Path | str, *, model: str | None = None) -> CausalModel:
    """The fitted model that `save` wrote into `folder`.

    A model that no registry knows, and one with a ``load`` of its own, is loaded only if the caller names it: that runs
    code that this library cannot vouch for.

    Args:
        folder: The folder that `save` wrote.
        model: The model's name or ``package.module:Class``; needed only for the models above.

    Returns:
        The model, as it was fitted.

    Raises:
        SavedModelError: For missing, damaged or foreign files, another model than `model`, another version of the
            method than the installed one, and fields that are not those of the model or with which it cannot answer.
    """
    folder = Path(folder)
    header, tensors = _read(folder)
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
    except (UnknownModel, ImportError) as error:
        raise SavedModelError(f"{folder}: {_line(error)}") from None
    if header["model_version"] != cls.version:
        raise SavedModelError(
            f"{folder} was fitted by version {header['model_version']} of {name}, installed is version {cls.version}: "
            "fit it again"
        )
    own = getattr(cls, "load", None)
    if "fields" not in header and own is not None and model is None:
        raise SavedModelError(
            f"{folder}: {name!r} reads its files by code of its own; if you trust them, say so by naming it: "
            f"load(folder, model={name!r})"
        )
    if header["sha256"] != digest(header, tensors):
        raise SavedModelError(f"{folder}: {HEADER} and {TENSORS} are not as they were saved: the checksum differs")
    if "fields" not in header:
        if own is None:
            raise SavedModelError(f"{folder / HEADER} is damaged: it has no fields")
        return _by_itself(cls, folder)
    return _restored(cls, header, tensors, folder)


def saved_like(folder: Path) -> Values:
    """Nodes without rows, of the types and shapes that a saved model was fitted on. Raises `SavedModelError`."""
    try:
        nodes = _read(folder)[0]["nodes"]
        like = {node: torch.empty(0, *shape, dtype=DTYPES[dtype]) for node, dtype, shape in nodes}
        return lower(like, dict[str, Tensor], "nodes")
    except SavedModelError:
        raise
    except (LookupError, TypeError, ValueError, RuntimeError):
        raise SavedModelError(f"{folder / HEADER} does not say what the model's nodes are like") from None


def saved_labels(folder: Path) -> Labels:
    """What the columns were that a saved model was fitted on. Raises `SavedModelError`."""
    try:
        return Labels.from_json(_read(folder)[0].get("labels", []))
    except SavedModelError:
        raise
    except (LookupError, TypeError, ValueError):
        raise SavedModelError(f"{folder / HEADER} does not say what the columns' labels are") from None


def saved_support(folder: Path) -> Support | None:
    """What the training rows of a saved model reach; None where it is not said. Raises `SavedModelError`."""
    written = _read(folder)[0].get("support")
    try:
        return None if written is None else Support.from_json(written)
    except (LookupError, TypeError, ValueError):
        raise SavedModelError(f"{folder / HEADER} does not say what the training rows reach") from None


def digest(header: Mapping[str, Any], tensors: bytes) -> str:
    """SHA-256 of both files: of all that ``model.json`` says, the digest aside, and of ``model.safetensors``."""
    said = json.dumps({key: value for key, value in header.items() if key != "sha256"}, separators=(",", ":"))
    return hashlib.sha256(said.encode() + b"\n" + tensors).hexdigest()


def _read(folder: Path) -> tuple[dict[str, Any], bytes]:
    """What both files say. Raises `SavedModelError` where they are missing, no JSON, or of another format."""
    path = folder / HEADER
    try:
        header = json.loads(
            path.read_text(encoding="utf-8"), object_pairs_hook=_without_repetition, parse_constant=_refused
        )
    except FileNotFoundError:
        raise SavedModelError(f"{folder} holds no saved model: there is no {HEADER}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise SavedModelError(f"{path} cannot be read: {_line(error)}") from None
    found = header.get("format") if isinstance(header, dict) else None
    if type(found) is int and found == 1:
        raise SavedModelError(f"{path} was written by an older scmbench, in a format that is no longer read: fit again")
    if type(found) is not int or found != FORMAT:
        raise SavedModelError(f"{path} is not a saved model of format {FORMAT} (found {found!r})")
    texts = {"model": str, "model_version": int, "options": dict, "sha256": str}
    for key, expected in texts.items():
        if type(header.get(key)) is not expected:
            raise SavedModelError(f"{path} is damaged: {key!r} is {header.get(key)!r}, expected a {expected.__name__}")
    try:
        return header, (folder / TENSORS).read_bytes()
    except OSError as error:
        raise SavedModelError(f"{folder / TENSORS} cannot be read: {error.strerror}") from None


def _restored(cls: type[CausalModel], header: Mapping[str, Any], tensors: bytes, folder: Path) -> CausalModel:
    """The model with these options and fields. It has to answer: shapes that do not fit together show there."""
    try:
        reader = Reader(read_tensors(tensors))
        options, fields = reader.read(header["options"]), reader.read(header["fields"])
        reader.finish()
        hints = {name: field_types(cls.__init__).get(name, Any) for name in option_defaults(cls)}
        model = build(cls, lift_fields(options, hints, "options"))
        _probe(model.restore(fields))
    except (FieldError, DataError, SafetensorError) as error:
        raise SavedModelError(f"{folder / HEADER} is damaged: {_line(error)}") from None
    except Exception as error:  # whatever the data are, they are at fault: the message has to say so in one line
        what = f"{type(error).__name__}: {_line(error)}"
        raise SavedModelError(f"{folder} holds fields with which {header['model']} does not answer: {what}") from None
    return model


def _probe(model: CausalModel) -> None:
    """Two rows of every kind of answer. A training that diverged was saved so, and says so when it is asked."""
    try:
        rows = model.sample(2, seed=0)
        last = {node: rows[node] for node in list(rows)[-1:]}  # few nodes follow it, so that little is computed
        model.sample(2, last, seed=0)
        model.counterfactual(rows, last, seed=0)
    except (Unsupported, ArithmeticError):
        return


def _by_itself(cls: type[CausalModel], folder: Path) -> CausalModel:
    try:
        return cls.load(folder / OWN)  # type: ignore[attr-defined]
    except Exception as error:  # another package's own mistake, or its damaged files
        raise SavedModelError(f"{folder / OWN}: {cls.__name__}.load: {type(error).__name__}: {_line(error)}") from error


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a key of {sorted(found)} is there twice")
    return found


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _line(error: BaseException) -> str:
    """An error's message in one line."""
    return " ".join(str(error.args[0] if isinstance(error, UnknownModel) else error).split())[:500]


def _name(cls: type[CausalModel]) -> str:
    """The name under which this class is registered, else its address."""
    for name, path in paths().items():
        try:
            if path.endswith(f":{cls.__qualname__}") and load_class(name) is cls:
                return name
        except UnknownModel:  # another package's model that cannot be imported here
            continue
    return f"{cls.__module__}:{cls.__qualname__}"
