"""Evaluation protocols of worlds with an image: which counterfactual images are asked for, and how many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from scmbench import metrics
from scmbench.datasets import SCM, Query, Values, ValuesError
from scmbench.datasets.levels import levels
from scmbench.datasets.problem import Origin
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import n_rows, rows
from scmbench.metrics.images.versions import VERSIONS
from torch import Tensor

from .axioms import Composition, Reversibility
from .causal import Observational, quantile_values
from .images import ImageCounterfactual, ImageInterventional, Panel, other_rows
from .judges import keeping
from .measured import HeldOut, Predictive
from .measured_images import ImageProxies, of_another_class


@dataclass(frozen=True)
class ImageProtocol:
    """Rows and scores of an evaluation of images; the questions are in images.py, axioms.py and measured_images.py.

    Every target that is a cause of the image is set to each of its levels where it is discrete, else to `n_values`
    equally spaced values between the 10 % and 90 % quantiles of 5000 fresh rows. Each level gets `n_class` factual
    rows, each other value `n_factual`, half as many where the model is told all parents. `n_sampled` images a target
    are compared as samples, `n_axioms` factual rows a query go there and back. With `classes_only`, targets are those
    that are discrete. With `cut`, judges are trained for a few steps only.
    """

    name: str
    version: int
    n_train: int
    n_observational: int
    n_values: int
    n_class: int
    n_factual: int
    n_sampled: int
    n_axioms: int
    cycles: int = 10
    classes_only: bool = False
    cut: bool = False

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on: image metrics, distances, judges."""
        distances = {name: metrics.VERSIONS[name] for name in ("counterfactual", "energy")}
        return {**distances, **VERSIONS, "judges": keeping.VERSION}

    def queries(
        self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None
    ) -> Sequence[Query]:
        """The questions about `scm`, every random stream keyed by `seed`, target and purpose.

        Without the `origin` of the world there are no judges, nor their scores. Raises `ValuesError` for a world
        without an image, or with several.
        """
        if len(scm.images) != 1:
            found = f"has the images {sorted(scm.images)}" if scm.images else "has no image"
            raise ValuesError(f"the protocol {self.name!r} asks about one image; this world {found}")
        (image,) = scm.images
        causes = set(scm.graph.predecessors(image))
        label, judges = "", None
        if origin is not None:
            world = keeping.World.of_scm(scm, origin.dataset, origin.version, origin.seed, cut=self.cut)
            label, judges = world.label, partial(keeping.judges, world)
        stream = derive(seed, "observational")
        asked: list[Query] = [Observational(scm, self.n_observational, [image], stream, _DISTANCES)]
        for node in scm.targets:
            if node in causes:
                asked += self._about(scm, node, image, label, judges, seed=seed)
        noise = scm.noise(self.n_axioms, seed=derive(seed, "composition"))
        factual = scm.observed(scm.run(noise))
        return [*asked, Composition(factual, noise, tuple(sorted(causes)), image, self.cycles)]

    def _about(
        self, scm: SCM, node: str, image: str, label: str, judges: Panel | None, *, seed: int
    ) -> Sequence[Query]:
        fresh = scm.sample_node(node, 5000, seed=derive(seed, "values", node))
        classes, streams = levels(fresh), partial(derive, seed)
        if classes is None and self.classes_only:
            return []
        values = quantile_values(fresh, self.n_values) if classes is None else classes
        n = self.n_factual if classes is None else self.n_class
        told = {"image": image, "label": label, "judges": judges}

        def counterfactual(n: int, *, alone: bool) -> ImageCounterfactual:
            kind = "counterfactual-image" if alone else "counterfactual"
            return ImageCounterfactual(scm, node, values, n, streams(kind, node), _no_errors, alone=alone, **told)

        drawn = max(2, self.n_sampled // len(values))
        there = values.repeat(-(-self.n_axioms // len(values)))[: self.n_axioms]
        noise = other_rows(scm, node, there, 1, seed=streams("reversibility", node))
        return [
            ImageInterventional(
                *(scm, node, values, drawn, streams("interventional", node), _DISTANCES), image=image, judges=judges
            ),
            counterfactual(n, alone=False),
            counterfactual(max(1, n // 2), alone=True),
            Reversibility(node, there, scm.observed(scm.run(noise)), noise, image),
        ]

    def held_out(self, rows: Values) -> Sequence[Query]:
        """Where there is no SCM: distance to measured rows, over all nodes."""
        return [HeldOut(rows, _DISTANCES)]

    def predictive(self, node: str, values: Tensor, measured: Values) -> Query:
        """Prediction of `measured` under ``do(node = values)``, row by row."""
        return Predictive(node, values, measured, 201)

    def measured_images(
        self, measured: Values, *, image: str, label: str, draw: Callable[[int, int], Values], origin: Origin, seed: int
    ) -> Sequence[Query]:
        """Questions about `measured` images and their classes; `draw` gives rows of the judges' own."""
        world = keeping.World(origin.dataset, origin.version, origin.seed, draw, image=image, label=label, cut=self.cut)
        judges, values = partial(keeping.judges, world), measured[label].unique()
        chosen = partial(of_another_class, measured, label)
        asked = chosen(values, self.n_class, seed=derive(seed, "counterfactual", label))
        there = values.repeat(-(-self.n_axioms // len(values)))[: self.n_axioms]
        back = chosen(there, 1, seed=derive(seed, "reversibility", label))
        order = torch.randperm(n_rows(measured), generator=torch.Generator().manual_seed(derive(seed, "composition")))
        same = rows(measured, order[: self.n_axioms])
        return [
            ImageProxies(label, values, self.n_class, asked, measured, judges, image),
            Reversibility(label, there, back, None, image),
            Composition(same, None, (label,), image, self.cycles),
        ]


_DISTANCES = {"energy": metrics.energy_distance}


def _no_errors(*_: object) -> Mapping[str, Tensor]:
    return {}


IMAGE = ImageProtocol(
    name="image",
    version=1,
    n_train=8000,
    n_observational=500,
    n_values=5,
    n_class=20,
    n_factual=40,
    n_sampled=500,
    n_axioms=20,
)
"""200 counterfactual images a parent, with judges, axioms and samples: sized for two CPU cores."""

LARGE = ImageProtocol(
    name="image-large",
    version=1,
    n_train=54_000,
    n_observational=2000,
    n_values=5,
    n_class=100,
    n_factual=200,
    n_sampled=2000,
    n_axioms=100,
)
"""1000 counterfactual images a parent and all training images: for a GPU."""

CLASS = replace(IMAGE, name="image-class", version=1, n_observational=200, n_sampled=200, cycles=2, classes_only=True)
"""What `image` asks about the class alone: cheap enough for many options of one fit, such as a curve over guidance."""

SMOKE = ImageProtocol(
    name="image-smoke",
    version=1,
    n_train=400,
    n_observational=16,
    n_values=2,
    n_class=1,
    n_factual=4,
    n_sampled=20,
    n_axioms=4,
    cycles=2,
    cut=True,
)
"""Every path in seconds, judges of a few steps: its scores mean nothing."""
