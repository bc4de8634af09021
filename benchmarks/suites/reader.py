"""Suite files: every key, type and name checked, each fault told with file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scmbench import datasets
from scmbench.datasets import addresses
from scmbench.datasets.files.texts import toml_of
from scmbench.datasets.registry import UnknownDataset
from scmbench.models.contract.registry import UnknownModel

from .entry import Entry, SuiteError

MOST_SEEDS = 1_000_000

KEYS: dict[str, type | tuple[type, ...]] = {
    "title": str,
    "protocol": str,
    "seeds": (int, list),
    "datasets": list,
    "published": list,
    "members": str,
    "values": str,
    "time_limit": (int, float),
    "models": list,
}
MODEL_KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "label": str,
    "variant": str,
    "options": dict,
    "datasets": list,
    "by_dataset": dict,
}
REQUIRED = ("protocol", "seeds", "datasets", "models")


class Reader:
    """Checks a suite file and finds the line to blame."""

    def __init__(self, text: str, file: str):
        self.file, self.lines = file, text.splitlines()
        self.content = toml_of(text, file, SuiteError)

    def error(self, key: str, message: str, *, model: int | None = None) -> SuiteError:
        """The error that names file and line: where the key stands, in the table of the `model` that is given."""
        start = 0
        if model is not None:
            starts = [i for i, line in enumerate(self.lines) if re.match(r"\s*\[\[\s*models\s*\]\]", line)]
            start = starts[model] if model < len(starts) else 0
        pattern = re.compile(rf"(^|[\s{{,\[\"'.]){re.escape(key)}([\s\"'=\].]|$)")
        line = next((i for i in range(start, len(self.lines)) if pattern.search(self.lines[i])), start)
        return SuiteError(f"{self.file}:{line + 1}: {message}")

    def check(self, table: Mapping[str, Any], known: Mapping[str, Any], *, model: int | None = None) -> None:
        """Raise `SuiteError` for a key that is unknown, or whose value has another type than the known one."""
        for key, value in table.items():
            if key not in known:
                raise self.error(key, f"unknown key {key!r}; known are {sorted(known)}", model=model)
            types = known[key] if isinstance(known[key], tuple) else (known[key],)
            if not isinstance(value, types) or isinstance(value, bool):
                expected = " or ".join(each.__name__ for each in types)
                raise self.error(key, f"{key} is a {type(value).__name__}; expected {expected}", model=model)

    def seeds(self, value: Any) -> tuple[int, ...]:
        """A count, or a list of seeds. Raises `SuiteError` for what is neither, too many, or there twice."""
        if isinstance(value, int) and value > MOST_SEEDS:
            raise self.error("seeds", f"seeds = {value} are more than {MOST_SEEDS:,}")
        seeds = list(range(value)) if isinstance(value, int) else value
        if not seeds or any(not isinstance(s, int) or isinstance(s, bool) or s < 0 for s in seeds):
            raise self.error("seeds", f"seeds = {value!r}; expected a positive count or a list of integers from 0")
        if len(set(seeds)) < len(seeds):
            raise self.error("seeds", f"seeds = {value!r} has a seed twice")
        return tuple(seeds)

    def datasets(self, shorts: Sequence[Any]) -> list[str]:
        """Full names of datasets, by names, short forms or addresses. Raises `SuiteError` for unknown ones, doubles."""
        found: list[str] = []
        for short in shorts:
            if not isinstance(short, str):
                raise self.error("datasets", f"datasets holds {short!r}; expected names")
            try:
                resolved = addresses.resolve(short, folder=Path(self.file).parent)
            except UnknownDataset as error:
                raise self.error(short, error.args[0]) from None
            if doubled := sorted(set(resolved) & set(found)):
                raise self.error(short, f"the dataset(s) {doubled} are listed twice")
            found += resolved
        return found

    def among(self, short: str, known: Sequence[str]) -> list[str]:
        """What a name or address stands for among these datasets."""
        try:
            return datasets.resolve(short, known)
        except UnknownDataset:
            if ".py" not in short and ":" not in short:
                raise
        found = [name for name in addresses.resolve(short, folder=Path(self.file).parent) if name in known]
        return found or datasets.resolve(short, known)

    def entries(self, tables: Sequence[Any], shared: Sequence[str]) -> list[Entry]:
        """Models in the file's order; one without `datasets` of its own is asked about the `shared` ones."""
        entries, titles = list[Entry](), set[str]()
        for i, table in enumerate(tables):
            if not isinstance(table, dict):
                raise self.error("models", f"models holds {table!r}; expected [[models]] tables")
            self.check(table, MODEL_KEYS, model=i)
            if "name" not in table:
                raise self.error("models", "a model without a name", model=i)
            name, label = table["name"], table.get("label", table["name"])
            own = tuple(self.datasets(table["datasets"])) if "datasets" in table else tuple(shared)
            if not own:
                raise self.error("datasets", f"model {name!r} has no datasets; without the key it has all", model=i)
            try:
                entry = Entry(name, label, table.get("variant", ""), table.get("options", {}), own).resolved()
            except (UnknownModel, ValueError, TypeError) as error:
                raise self.error("name", f"model {name!r}: {error}", model=i) from None
            entry = replace(entry, by_dataset=self.by_dataset(entry, table.get("by_dataset", {}), model=i))
            if entry.title in titles:
                raise self.error("name", f"the model {entry.title!r} is there twice; give one another label", model=i)
            titles.add(entry.title)
            entries.append(entry)
        return entries

    def by_dataset(self, entry: Entry, table: Mapping[str, Any], *, model: int) -> dict[str, Mapping[str, Any]]:
        """Options by the full name of a dataset; a short form stands for all of the model's datasets that it fits."""
        found: dict[str, Mapping[str, Any]] = {}
        for short, options in table.items():
            if not isinstance(options, dict):
                what = "expected a table of options, such as { epochs = 5 }"
                raise self.error(short, f"by_dataset: {short!r} has {options!r}; {what}", model=model)
            try:
                resolved = self.among(short, entry.datasets)
                replace(entry, by_dataset={short: options}).on(short).build()
            except UnknownDataset as error:
                raise self.error(short, f"by_dataset: among the model's, {error.args[0]}", model=model) from None
            except (ValueError, TypeError) as error:
                message = f"model {entry.name!r}, by_dataset {short!r}: {error}"
                raise self.error(short, message, model=model) from None
            if doubled := sorted(set(resolved) & set(found)):
                raise self.error(short, f"by_dataset: the dataset(s) {doubled} are there twice", model=model)
            found |= dict.fromkeys(resolved, options)
        return found
