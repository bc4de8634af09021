"""Running the kit: every property on one model, each held, broken, waived or not applicable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..contract.base import CausalModel
from ..contract.options import build
from .properties import PROPERTIES
from .subject import Broken, NotApplicable, Property, Subject, describe

Status = Literal["passed", "failed", "waived", "not applicable"]


class NonConforming(AssertionError):
    """A model breaks properties of the kit; the message lists them."""


@dataclass(frozen=True)
class Result:
    """What became of one property: `message` says what was seen (or why waived), `reason` why the property matters."""

    property: str
    status: Status
    message: str
    reason: str

    def __str__(self) -> str:
        lines = [f"{self.status:>14}  {self.property}" + (f": {self.message}" if self.message else "")]
        return "\n".join(lines + ([f"{'':>16}why it matters: {self.reason}"] if self.status == "failed" else []))


def check(cls: type[CausalModel], options: Mapping[str, Any] | None = None) -> list[Result]:
    """Put the model ``cls(**options)`` through the conformance kit; one result a property, in their order.

    A waiver (`waives`) turns a failure into ``waived`` and is shown with its reason; where a waived property holds, the
    message says so. A waiver that names no property is a failure.

    Args:
        cls: The model's class.
        options: Options of the model, which override the class's `conformance_options` (they shorten training).

    Returns:
        What became of each property.
    """
    chosen = {**cls.conformance_options, **(options or {})}
    waives = dict(build(cls, chosen).waives)
    subject = Subject(lambda: build(cls, chosen))
    results = [_result(each, subject, waives.pop(each.name, None)) for each in PROPERTIES.values()]
    for name in waives:
        message = f"{name!r} is waived, but there is no such property; there are {sorted(PROPERTIES)}"
        results.append(Result("waivers name properties", "failed", message, "A waiver that misses hides nothing."))
    return results


def require(cls: type[CausalModel], options: Mapping[str, Any] | None = None) -> list[Result]:
    """`check` for a test suite: all properties hold or are waived, or it raises.

    Args:
        cls: The model's class.
        options: As for `check`.

    Returns:
        What became of each property.

    Raises:
        NonConforming: Where a property fails; it tells every failure.
    """
    results = check(cls, options)
    if failed := [str(result) for result in results if result.status == "failed"]:
        raise NonConforming("\n".join([f"{cls.__name__} breaks {len(failed)} of {len(results)} properties:", *failed]))
    return results


def _result(tested: Property, subject: Subject, waiver: str | None) -> Result:
    status, message = _outcome(tested, subject)
    if waiver is not None and status == "failed":
        return Result(tested.name, "waived", f"{waiver} (seen: {message})", tested.reason)
    if waiver is not None and status == "passed":
        return Result(tested.name, "waived", f"{waiver} (on the kit's worlds it holds nevertheless)", tested.reason)
    return Result(tested.name, status, message, tested.reason)


def _outcome(tested: Property, subject: Subject) -> tuple[Status, str]:
    try:
        note = tested.test(subject)
    except Broken as error:
        return "failed", str(error)
    except NotApplicable as error:
        return "not applicable", str(error)
    except Exception as error:  # a crash breaks the property that provoked it
        return "failed", f"it raised {describe(error)}"
    return "passed", note or ""
