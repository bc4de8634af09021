"""A page a method: what it is and needs, its options and waivers, what it costs, its cells, and where it fails."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

from committed_runs import runs
from scmbench.benchmarks.suites import papers
from scmbench.models import CausalModel, load
from scmbench.models.contract.options import build, option_defaults
from scmbench.models.contract.registry import BUILT_IN, EXTRAS, role_of, summaries
from shown import cited, costs, failings, method_page, of_method, plain, table

OUT = Path(__file__).parent / "methods"
POWERS = {
    "abduct": "the noise of a row",
    "interval": "intervals of counterfactual rows",
    "log_prob": "densities",
    "predict": "point predictions",
    "replay": "true answers from the noise",
}
INTRODUCTION = """# Methods

Every method that comes with scmbench, with a page of what it is, what it needs, what it waives, what it costs, and all
its cells of committed runs. What these mean for choosing one is in [Choose a method](../choosing.md); how two are
told apart in [Read a ranking](../ranking.md). Put your own beside them: [Add a baseline](../add-a-baseline.md).

"""


def main() -> None:
    """Write docs/methods/."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    told = summaries()
    paths = BUILT_IN | EXTRAS
    rows = []
    for name in paths:
        (OUT / method_page(name)).write_text(page(name, told[name]), encoding="utf-8")
        found = papers.of_model(name)
        short = ", ".join(f"[{paper.short}]({paper.url})" if paper.url else paper.short for paper in found)
        seen = ", ".join(one.name for one in runs() if name in one.registered.values())
        rows.append([f"[{name}]({method_page(name)})", told[name], papers.needs(name), short, seen])
    listed = table(["method", "what it is", "needs", "paper", "committed runs"], rows, left=5)
    (OUT / "index.md").write_text(INTRODUCTION + listed, encoding="utf-8")


def page(name: str, summary: str) -> str:
    """The Markdown of one method."""
    path = (BUILT_IN | EXTRAS)[name]
    found = papers.of_model(name)
    parts = ["[Methods](index.md)\n", f"# {plain(name)}\n", summary, ""]
    parts += [f"From {cited(found)}.\n"] if found else []
    parts += [f"Its class, with what each option does: [{path.replace(':', '.')}][{path.replace(':', '.')}].\n"]
    try:
        cls = load(name)
    except ImportError as error:
        parts.append(f"Not installed where this page was made: {plain(str(error))}.\n")
    else:
        parts.append(about(name, cls))
    parts += ["## Cost\n", costs(name)] if costs(name) else []
    if results := of_method(name):
        if failed := failings(name):
            parts += ["## Where it fails\n", failed]
        parts += ["## Its cells in committed runs\n", results]
    else:
        none = "There is none: nothing is known here of how good it is."
        parts += [f"## Its cells in committed runs\n\n{none}\n{_try(name)}"]
    return "\n".join(parts)


def about(name: str, cls: type[CausalModel]) -> str:
    """Needs, answers, options and waivers of a class."""
    powers = ", ".join(POWERS[power] for power in POWERS if power in cls.powers)
    role = role_of(cls)
    told = [["needs", papers.needs(name)], ["answers", ", ".join(sorted(cls.answers, reverse=True)) + " questions"]]
    told += [["gives, too", powers]] if powers else []
    told += [["variants", ", ".join(f"`{v}`" for v in cls.variants)]] if cls.variants else []
    told += [["competes", f"no, it is a {role}"]] if role != "method" else []
    parts = ["\n".join(f"* {what}: {how}" for what, how in told) + "\n"]
    options = option_defaults(cls)
    if options:
        at = "at query time, without another training"
        lines = [[f"`{k}`", f"`{v!r}`", at if k in cls.query_options else ""] for k, v in options.items()]
        parts += ["## Options\n", table(["option", "default", "acts"], lines, left=3)]
    waived = {variant: build(cls, {"variant": variant} if variant else {}).waives for variant in cls.variants or ("",)}
    lines = [
        [f"`{v}`" if v else "its only one", plain(what), plain(why)]
        for v, of in waived.items()
        for what, why in of.items()
    ]
    if lines:
        heads = ["variant", "property of the contract", "why it is not kept"]
        parts += ["## What it waives\n", table(heads, lines, left=3)]
    return "\n".join(parts)


def _try(name: str) -> str:
    command = f"scmbench run paper --scms chain --seeds 5 --add-model {name}"
    return textwrap.dedent(f"""
        ```sh
        {command}
        ```
        """)
