"""One model of a suite: what it is called, which options it has, and where it is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scmbench import models
from scmbench.datasets.errors import UserError

from ..judging.methods import title

if TYPE_CHECKING:
    from scmbench.models import CausalModel


class SuiteError(UserError, ValueError):
    """A suite file that cannot be used; the message names file, line and what to write instead."""


@dataclass(frozen=True)
class Entry:
    """One model of a suite: registry name or ``package.module:Class``, options, and how tables call it.

    `datasets` are those of the suite that it is asked about; empty: all of them. `by_dataset` are options that differ
    between them, on top of `options`: `on` gives the configuration for one.
    """

    name: str
    label: str
    variant: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    datasets: Sequence[str] = ()
    by_dataset: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^\W_][^/\\\x00-\x1f]*", self.label):
            raise ValueError(f"label {self.label!r}: files are named after it; a letter or digit first, no / or \\")

    @property
    def title(self) -> str:
        """Label and variant, as tables write them."""
        return title(self.label, self.variant)

    def goes_by(self, name: str) -> bool:
        """Whether a command may call it so."""
        return name in (self.label, self.name, self.title)

    def wants(self, dataset: str) -> bool:
        """Whether the suite asks it about this dataset."""
        return not self.datasets or dataset in self.datasets

    def same_as(self, other: Entry) -> bool:
        """Whether it is the same model with the same options, defaults included, under the same label."""
        if (self.name, self.title, self.by_dataset) != (other.name, other.title, other.by_dataset):
            return False
        return self.variant == other.variant and self.build().options() == other.build().options()

    def on(self, dataset: str) -> Entry:
        """The same model with its options for this dataset; itself where it has none of its own."""
        if dataset not in self.by_dataset:
            return self
        own = self.by_dataset[dataset]
        variant = str(own.get("variant", self.variant))
        return replace(self, variant=variant, options={**self.options, **own}, by_dataset={})

    def resolved(self) -> Entry:
        """The same with the variant that it has by default, under which its records are found.

        Raises what `build` does.
        """
        return replace(self, variant=str(self.build().options().get("variant") or ""))

    def build(self) -> CausalModel:
        """A new, unfitted model with the `options`."""
        variant = {"variant": self.variant} if self.variant else {}
        return models.build(models.load(self.name), {**self.options, **variant})
