"""A page a world: what it is, its equations with all that they use, and what every committed run has on it."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

from equations import equations
from gallery import facts, how
from scmbench import datasets
from scmbench.benchmarks.suites import papers
from scmbench.datasets import SCMDataset
from shown import cited, of_world, plain, world_page

OUT = Path(__file__).parent / "worlds"


def main() -> None:
    """Write docs/worlds/."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for name in datasets.names():
        (OUT / world_page(name)).write_text(page(name), encoding="utf-8")


def page(name: str) -> str:
    """The Markdown of one world."""
    dataset = datasets.get(name)
    told = textwrap.dedent("    " + (dataset.__doc__ or "")).strip()
    parts = [f"[Gallery](../gallery/index.md)\n\n# {plain(name)}\n", told]
    if found := papers.of_dataset(name):
        parts.append(f"\nFrom {cited(found)}.")
    if isinstance(dataset, SCMDataset) and not dataset.missing():
        scm = dataset.scm(0)
        picture = f"../gallery/{name.replace('/', '-')}.png"
        parts += ["", facts(scm, dataset.version), "", f"![{name}: graph and samples]({picture}){{ .figure }}", ""]
        if written := equations(scm):
            said = "`u` is a node's own noise; its parents are called by their names."
            parts += ["## Equations\n", f"{said}\n", written]
    else:
        missing = dataset.missing() if isinstance(dataset, SCMDataset) else None
        lacking = f" Not drawn: its data are not here. {how(missing)}" if missing else ""
        parts.append(f"\nVersion {dataset.version}.{lacking}\n")
    results = of_world(name) or "No committed run has this world.\n"
    parts += ["## Results\n", results]
    return "\n".join(parts)
