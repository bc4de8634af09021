"""The gallery of SCMs, drawn from the registry; `main` writes docs/gallery/, as ``python docs/catalogue.py`` does."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from equations import equations
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scmbench import datasets
from scmbench.datasets import SCM, SCMDataset, Values

OUT = Path(__file__).parent / "gallery"
ROWS = 2000
PAPERS = {
    "bdcm": "Confounded worlds (Shimizu, 2023)",
    "ccnf": "Causally consistent normalizing flows (Zhou, Lu, Xu, 2025)",
    "check": "Checks",
    "cnf": "Causal normalizing flows (Javaloy, Sánchez-Martín, Valera, 2023)",
    "cocycles": "Counterfactual cocycles (Dance, Bloem-Reddy, 2024)",
    "confounded": "Confounding of a known strength",
    "dcm": "Diffusion-based causal models (Chao, Blöbaum, Patel, Kasiviswanathan, 2024)",
    "image": "Images",
    "kacgm": "Kolmogorov-Arnold causal generative models (Almodóvar, Elizo, Apellániz, Zazo, Parras, 2026)",
    "proxies": "A hidden cause with two proxies",
    "tmscm": "Triangular monotone mechanisms of vectors (Chen, Du, 2025)",
    "violations": "Violated assumptions (Poinsot, Panayiotou, Leite, Chesneau, Şimşek, Schoenauer, 2025)",
}
OBSERVED, SET = "#4c72b0", "#dd8452"
LARGE = 7
"""Graphs of more nodes are drawn without a panel an edge."""


def main() -> None:
    """Write the index, and a page and its pictures for every paper."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    by_paper: dict[str, list[str]] = {}
    for name in datasets.names():
        if isinstance(datasets.get(name), SCMDataset):
            by_paper.setdefault(name.split("/")[0], []).append(name)
    sections = [INTRODUCTION]
    for paper, names in by_paper.items():
        sections += [f"## {PAPERS.get(paper, paper)}\n", *map(entry, names)]
    (OUT / "index.md").write_text("\n".join(sections), encoding="utf-8")
    (OUT / "which-triangle.md").write_text(which(by_paper), encoding="utf-8")


WHICH = """# Which triangle?

Papers on causal models call different equations by one name. A number for "the triangle" means nothing until it is said
whose: below are the names that more than one paper of this registry uses, with each one's equations and the name that
scmbench has for it. (u is the node's own noise, N(0, 1) unless the [gallery](index.md) says otherwise.) The SCMs that
VACA and KaCGM call so have other equations again and are not here yet: never compare with theirs by name.
"""


def which(by_paper: Mapping[str, Sequence[str]]) -> str:
    """The page of names that several papers use for different equations, as far as these are written out."""
    users: dict[str, dict[str, list[str]]] = {}
    for paper, names in by_paper.items():
        for name in names:
            users.setdefault(name.split("/")[1], {}).setdefault(paper, []).append(name)
    sections = [WHICH]
    for graph, found in sorted(users.items()):
        if len(found) > 1:
            sections.append(f"## {graph}\n")
            for paper, names in found.items():
                sections.append(f"{PAPERS.get(paper, paper)}:\n")
                sections += [
                    f"[{name}](../worlds/{name.replace('/', '-')}.md)\n\n{equations(scm_of(name))}" for name in names
                ]
    return "\n".join(sections)


def scm_of(name: str) -> SCM:
    """The SCM of this name at seed 0."""
    dataset = datasets.get(name)
    assert isinstance(dataset, SCMDataset)
    return dataset.scm(0)


INTRODUCTION = f"""# Gallery of SCMs

Every structural causal model that comes with scmbench, as the registry has it: its graph, what {ROWS:,} rows at seed 0
look like, and a page with its equations and all results of committed runs. Nodes that a protocol intervenes on are
filled. In small graphs there is a panel for every arrow: <span style="color:{OBSERVED}">■</span> observed, and
<span style="color:{SET}">■</span> under an intervention on the first target, set to its 90 % quantile. Larger graphs,
and those of vectors, show the spread of every node or component (quartiles, and whiskers from 5 % to 95 %). Axes end
at the 0.5 % and 99.5 % quantiles,
because some of these worlds have heavy tails.

Worlds with an image show, above, images of the world, and below them their true counterfactuals under each
target, set to its 90 % quantile.

`scmbench list datasets` names them; short forms such as `triangle/nlin` work wherever they are unambiguous. Papers use
the same name for other equations: [Which triangle?](which-triangle.md)
"""


def entry(name: str) -> str:
    """The Markdown of one SCM; its picture is written on the way."""
    dataset = datasets.get(name)
    assert isinstance(dataset, SCMDataset)
    head = f"### {name}\n\n" + textwrap.dedent("    " + (dataset.__doc__ or "")).strip() + "\n"
    if message := dataset.missing():
        return f'{head}\n!!! note "Not drawn: its data are not here"\n    {how(message)}\n'
    scm = dataset.scm(0)
    picture = name.replace("/", "-") + ".png"
    draw(scm).savefig(OUT / picture, dpi=110)
    plt.close("all")
    more = f"[equations and results](../worlds/{name.replace('/', '-')}.md)"
    return f"{head}\n{facts(scm, dataset.version)} → {more}\n\n![{name}: graph and samples]({picture}){{ .figure }}\n"


def how(message: str) -> str:
    """How to get files that are missing, without where they were looked for on the machine that made the page."""
    found = re.search(r"Get \w+ with `[^`]*`", message)
    return f"{found[0]}." if found else "`scmbench data list` says where they come from."


def facts(scm: SCM, version: int) -> str:
    """Size, targets, hidden nodes and version, in a line."""
    graph = scm.graph
    told = [
        f"{len(graph)} nodes, {graph.number_of_edges()} {'edge' if len(graph.edges) == 1 else 'edges'}",
        f"intervened on: {', '.join(map(str, scm.targets)) or 'no node by itself'}",
        *([f"hidden: {', '.join(sorted(scm.latent))}"] if scm.latent else []),
        f"version {version}",
    ]
    return "; ".join(told) + "."


def draw(scm: SCM) -> Figure:
    """Graph on the left, samples on the right."""
    if scm.images:
        return draw_images(scm)
    values = scm.sample(ROWS, seed=0)
    edges = sorted(scm.graph.edges)
    if len(scm.graph) > LARGE or any(x.ndim > 1 for x in values.values()):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=[1, 1.5], layout="constrained")
        draw_graph(left, scm)
        draw_spreads(right, scm, values)
        return figure
    columns = 2 if len(edges) == 4 else min(3, len(edges))
    lines = -(-len(edges) // columns)
    figure = plt.figure(figsize=(3.2 + 2.5 * columns, max(2.6, 2.3 * lines)), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[3.2, 2.5 * columns])
    draw_graph(left.subplots(), scm)
    panels = right.subplots(lines, columns, squeeze=False)
    target = scm.targets[0]
    changed = scm.sample(ROWS // 4, {target: values[target].quantile(0.9)}, seed=1)
    for panel, edge in zip(panels.flat, edges, strict=False):
        draw_edge(panel, edge, values, changed)
    for panel in list(panels.flat)[len(edges) :]:
        panel.axis("off")
    return figure


def draw_images(scm: SCM, count: int = 8) -> Figure:
    """The graph; images of the world, and what they would have been under each target."""
    noise = scm.noise(count, seed=0)
    dos = [("factual", {})] + [
        (f"do({v} = {a:.3g})", {v: a})
        for v in scm.targets
        for a in [float(scm.sample_node(v, ROWS, seed=0).double().quantile(0.9, interpolation="nearest"))]
    ]
    figure = plt.figure(figsize=(11, 0.9 * len(dos) + 0.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[3.2, 7.8])
    draw_graph(left.subplots(), scm)
    panels = right.subplots(len(dos), 1, squeeze=False)[:, 0]
    node = min(scm.images)
    for ax, (label, do) in zip(panels, dos, strict=True):
        row = np.concatenate(list(scm.counterfactual(noise, do)[node][:, 0].numpy()), axis=1)
        ax.imshow(row, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
    return figure


def draw_graph(ax: Axes, scm: SCM) -> None:
    """Causes above effects; hidden nodes dashed."""
    graph = scm.full_graph
    large = len(graph) > 15
    place = layered(graph)
    nodes = list(graph)
    face = ["#c9d7ea" if v in scm.targets else "white" for v in nodes]
    size = 210 if large else 420 if len(graph) > LARGE else 800
    style: dict[str, Any] = {"node_size": size, "edgecolors": "#333333", "linewidths": 1.0}
    nx.draw_networkx_nodes(graph, place, nodelist=nodes, node_color=face, ax=ax, **style).set_linestyle(
        ["--" if v in scm.latent else "-" for v in nodes]
    )
    straight = [(a, b) for a, b in graph.edges if not _passes(place, a, b)]
    for arrows, bend in ((straight, 0.0), ([e for e in graph.edges if e not in straight], 0.3)):
        nx.draw_networkx_edges(
            graph,
            place,
            edgelist=arrows,
            ax=ax,
            node_size=style["node_size"],
            connectionstyle=f"arc3,rad={bend}",
            width=0.4 if large else 1.1,
            arrowsize=5 if large else 13,
            edge_color="#777777" if large else "#333333",
        )
    nx.draw_networkx_labels(graph, place, font_size=6 if large else 8 if len(graph) > LARGE else 10, ax=ax)
    ax.margins(0.18)
    ax.axis("off")


def layered(graph: nx.DiGraph) -> dict[str, np.ndarray]:
    """Positions by depth, a layer a generation, each ordered by the mean place of its parents; odd layers shifted."""
    place: dict[str, np.ndarray] = {}
    for depth, layer in enumerate(nx.topological_generations(graph)):

        def middle(node: str) -> tuple[float, str]:
            above = [place[p][0] for p in graph.predecessors(node)]
            return (float(np.mean(above)) if above else 0.0, node)

        for i, node in enumerate(sorted(layer, key=middle)):
            shift = 0.22 * (-1) ** depth if len(layer) == 1 else 0.0
            place[node] = np.array([i - (len(layer) - 1) / 2 + shift, -depth])
    return place


def _passes(place: dict[str, np.ndarray], a: str, b: str) -> bool:
    """Whether the straight arrow from a to b runs across another node."""
    start, way = place[a], place[b] - place[a]
    for node, at in place.items():
        if node not in (a, b):
            t = float((at - start) @ way / (way @ way))
            if 0 < t < 1 and float(np.hypot(*(start + t * way - at))) < 0.15:
                return True
    return False


def draw_edge(ax: Axes, edge: tuple[str, str], values: Values, changed: Values) -> None:
    """Child against parent."""
    cause, effect = edge
    for rows, colour, size in ((values, OBSERVED, 3), (changed, SET, 4)):
        ax.scatter(rows[cause], rows[effect], s=size, color=colour, alpha=0.35, linewidths=0, rasterized=True)
    for x, limit in ((values[cause], ax.set_xlim), (values[effect], ax.set_ylim)):
        low, high = np.quantile(x, [0.005, 0.995])
        limit(low - 0.1 * (high - low), high + 0.1 * (high - low))
    ax.set_xlabel(cause, labelpad=1)
    ax.set_ylabel(effect, labelpad=1)
    ax.tick_params(labelsize=7, length=2)
    ax.spines[["top", "right"]].set_visible(False)


def draw_spreads(ax: Axes, scm: SCM, values: Values) -> None:
    """A box a node, or a component of a node that is a vector, in topological order."""
    columns: dict[str, np.ndarray] = {}
    for node in (node for node in scm.order if node in values):
        x = values[node].numpy()
        columns |= {node: x} if x.ndim == 1 else {f"{node}[{j}]": part for j, part in enumerate(x.T)}
    ax.boxplot(
        list(columns.values()),
        whis=(5, 95),
        showfliers=False,
        medianprops={"color": OBSERVED},
        widths=0.6,
    )
    ax.set_xticks(range(1, len(columns) + 1), list(columns), rotation=90, fontsize=7)
    ax.spines[["top", "right"]].set_visible(False)
