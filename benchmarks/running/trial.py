"""A record that a suite asks for, and what its answers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..records import answers
from ..records.record import Identity
from ..suites.suite import Entry


@dataclass(frozen=True)
class Base:
    """What asks, without the metrics that were `added` to a protocol: answers depend on nothing else of it.

    `source` and `code` are those of the record, but for the added metrics'.
    """

    protocol: str = ""
    protocol_version: int = 0
    metric_versions: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    code: str = ""
    added: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Trial:
    """A record that a suite asks for: its identity, the suite's entry that asks, and the `code` that would make it.

    The code is that of when the run was planned: a worker that starts after an edit may run newer code, never older, so
    that its record is called stale too often and never too rarely. `base` is what its answers depend on.
    """

    identity: Identity
    entry: Entry
    code: str = ""
    base: Base = Base()

    @cached_property
    def key(self) -> str:
        """The record's name in the store."""
        return self.identity.key

    @property
    def bare(self) -> Identity:
        """The identity of the same record under the protocol without added metrics."""
        base = self.base
        versions = {"protocol_version": base.protocol_version, "metric_versions": base.metric_versions}
        return replace(self.identity, protocol=base.protocol, source=base.source, **versions)

    @cached_property
    def answers(self) -> str:
        """The name under which its answers are kept: a digest of all that they depend on."""
        return answers.key_of(self.bare.to_json(), self.base.code)
