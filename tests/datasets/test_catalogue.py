"""The list of built-in datasets says what their modules say; ``python tests/datasets/test_catalogue.py`` writes it."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

from scmbench import datasets
from scmbench.datasets import registry

FILE = Path(__file__).parents[2] / "datasets" / "catalogue.toml"
HEAD = "# The built-in datasets by module, from docstrings: python tests/datasets/test_catalogue.py writes this.\n"


def registered() -> dict[str, dict[str, str]]:
    """Every dataset that a module of scmbench.datasets registers, by its module there."""
    for module in pkgutil.iter_modules(datasets.__path__):
        import_module(f"scmbench.datasets.{module.name}")
    found: dict[str, dict[str, str]] = {}
    for name, dataset in sorted(registry._REGISTRY.items()):
        if dataset.module.startswith("scmbench.datasets."):
            summary = (dataset.__doc__ or "").strip().partition("\n")[0]
            found.setdefault(dataset.module.split(".")[2], {})[name] = summary
    return dict(sorted(found.items()))


def test_the_catalogue_is_what_the_modules_register():
    assert registered() == registry.catalogue(), f"write {FILE.name} anew: python tests/datasets/test_catalogue.py"


def write() -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    parts = [
        f"\n[{module}]\n" + "".join(f"{quoted(name)} = {quoted(text)}\n" for name, text in known.items())
        for module, known in registered().items()
    ]
    FILE.write_text(HEAD + "".join(parts), encoding="utf-8")


if __name__ == "__main__":
    write()
