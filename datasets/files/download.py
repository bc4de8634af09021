"""Data files on this machine: where they lie, whether they are the right ones, and how to get them.

They live in the folder that the environment variable ``SCMBENCH_DATA`` names, else in the user's cache, one sub-folder
a source. A file put there by hand is as good as a downloaded one: it is used when its checksum matches, and refused
before it is parsed when not. Only `fetch` and `try_fetch` touch the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from ..errors import Damaged, DataDamaged, DataMissing
from .sources import SOURCES, File, Source

if TYPE_CHECKING:
    import pooch

ENV = "SCMBENCH_DATA"
"""The environment variable that names the folder of the data."""


def _registry() -> pooch.Pooch:
    """Every file that is known, as ``source/name``, with its address and checksum; one that is there is never replaced.

    Made anew at every call: the environment may have changed, and it takes microseconds.
    """
    import pooch  # here, because it loads asyncio and ssl, which a command that only names data does not need

    known = {f"{source.name}/{file.name}": file for source in SOURCES.values() for file in source.files}
    return pooch.create(
        path=pooch.os_cache("scmbench"),
        base_url="",
        env=ENV,
        registry={key: f"sha256:{file.sha256}" for key, file in known.items()},
        urls={key: file.url for key, file in known.items()},
        allow_updates=False,
    )


def folder() -> Path:
    """The folder that holds all sources."""
    return Path(_registry().path)


def source(name: str) -> Source:
    """The source of this name. Raises `KeyError` that lists those there are."""
    if name not in SOURCES:
        raise KeyError(f"no data source {name!r}; there are {sorted(SOURCES)}")
    return SOURCES[name]


def missing(name: str) -> str | None:
    """Which files of a source are absent or wrong, why they are needed and how to get them; None when all is there.

    Of a wrong one the message is a `Damaged`, whatever else is absent.
    """
    known = source(name)
    absent = [file.name for file in known.files if not _path(known, file).exists()]
    there = [file for file in known.files if file.name not in absent]
    for complaint in filter(None, (_wrong(known, file) for file in there)):
        return complaint
    if absent:
        what = f"{absent[0]} is" if len(absent) == 1 else f"{len(absent)} files ({absent[0]}, ...) are"
        return (
            f"{what} not in {folder() / name}; needed by {known.needed_by}. Get it with `scmbench data fetch {name}`, "
            f"or put it there by hand from {known.origin}"
        )
    return None


def paths(name: str) -> dict[str, Path]:
    """Where the files of a source lie, by name, checksums verified.

    Raises `DataMissing` if one is absent, its kind `DataDamaged` if one is wrong.
    """
    if message := missing(name):
        raise DataDamaged(message) if isinstance(message, Damaged) else DataMissing(message)
    known = source(name)
    return {file.name: _path(known, file) for file in known.files}


def path(name: str, file: str) -> Path:
    """Where one file of a source lies; raises as `paths` does."""
    return paths(name)[file]


def fetch(names: Iterable[str]) -> None:
    """Download what is absent of these sources.

    Raises `DataMissing` when a server cannot be reached or sends something else, or when a file that is there already
    has the wrong checksum: it may be somebody's own, so that it is never overwritten.
    """
    for known in [source(name) for name in names]:
        for file in known.files:
            if _path(known, file).exists():
                if complaint := _wrong(known, file):
                    raise DataDamaged(complaint)
            else:
                _download(known, file)


def try_fetch(names: Iterable[str]) -> list[str]:
    """`fetch` each source, and return a message for each one that failed instead of raising."""
    messages = []
    for name in names:
        try:
            fetch([name])
        except DataMissing as error:
            messages.append(str(error))
    return messages


def _path(known: Source, file: File) -> Path:
    return folder() / known.name / file.name


def _wrong(known: Source, file: File) -> Damaged | None:
    """What is wrong with a file that is there; None when its checksum matches."""
    import pooch

    here = _path(known, file)
    try:
        found = pooch.file_hash(str(here))
    except OSError as error:
        return Damaged(
            f"{here} cannot be read: {error.strerror or error}. Make it readable, or move it away and get it anew with "
            f"`scmbench data fetch {known.name}`"
        )
    if found == file.sha256:
        return None
    return Damaged(
        f"{here} is not the expected file: sha256 {found} ({here.stat().st_size} bytes) instead of {file.sha256} "
        f"({file.size} bytes). Move it away and get the right one with `scmbench data fetch {known.name}`"
    )


def _download(known: Source, file: File) -> None:
    here = _path(known, file)
    try:
        _registry().fetch(f"{known.name}/{file.name}")
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; pooch tells a wrong checksum by ValueError
        raise DataMissing(
            f"cannot download {known.name}/{file.name} from {file.url} ({type(error).__name__}: "
            f"{shorten(str(error), 120)}). Put it at {here} by hand, or let {ENV} name a folder that has it"
        ) from error
