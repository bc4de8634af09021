"""What is known of a world by name, so that worlds can be chosen by it: ``scmbench rank --where "n >= 10"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import UserError
from .problem import SCMDataset
from .registry import get


def attributes(name: str) -> Mapping[str, Any]:
    """The attributes of the dataset called `name`.

    Every dataset has ``name``, ``paper`` (the first part of its name) and ``kind`` (the last). A world with a known SCM
    has ``n`` and ``edges`` (observed nodes and edges between them), ``degree`` (edges over nodes), ``latent`` (how many
    nodes are hidden) and ``image`` (whether a node is one), all of seed 0; and what its dataset says of itself in an
    `attributes` of its own, which then counts. Where the SCM needs files that are missing, these are left out.
    """
    dataset = get(name)
    parts = name.split("/")
    found: dict[str, Any] = {"name": name, "paper": parts[0], "kind": parts[-1]}
    if isinstance(dataset, SCMDataset):
        try:
            scm = dataset.scm()
        except UserError:
            return found
        n, edges = len(scm.graph), scm.graph.number_of_edges()
        found |= {"n": n, "edges": edges, "degree": edges / n, "latent": len(scm.latent), "image": bool(scm.images)}
    return found | dict(getattr(dataset, "attributes", {}))
