"""Outcomes do not move without a bump: numbers of every dataset, metric and protocol, kept with their version integers.

``python tests/test_golden.py`` writes golden.json anew; it refuses where numbers moved under the same version.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from scmbench import datasets, metrics
from scmbench.benchmarks.questions import protocols
from scmbench.datasets import SCM, Values
from scmbench.metrics import images
from torch import Tensor

FILE = Path(__file__).with_name("golden.json")
TOLERANCE = 1e-6
REWRITE = "then write the new numbers with `python tests/test_golden.py`"


def digest(x: Tensor) -> float:
    """Mean of all entries under weights that vary from entry to entry, so that none can move unnoticed."""
    flat = x.double().flatten()
    return float((flat * (2 + torch.arange(len(flat)).double().sin())).mean())


def rows(n: int, d: int, phase: float = 0.0) -> Tensor:
    """Made-up data ``(n, d)`` that needs no random stream."""
    k = torch.arange(n * d, dtype=torch.float64).reshape(n, d)
    return (1.7 * k + phase).sin() + 0.3 * (k * k + phase).cos()


@dataclass(frozen=True)
class Golden:
    """Something versioned: which integers it is kept under, and how its numbers are computed."""

    version: Any
    bump: str
    numbers: Callable[[], Mapping[str, float]]


def dataset(name: str) -> Golden:
    few = replace(protocols.get("standard"), n_train=8)

    def numbers() -> dict[str, float]:
        problem = datasets.get(name).problems(few, seed=0)[0]
        edges = "->".join(f"{a}.{b}" for a, b in sorted(problem.graph.edges))
        targets = ".".join(problem.scm.targets) if problem.scm else ""
        letters = {"edges and targets": digest(torch.tensor([ord(c) for c in edges + targets] or [0]))}
        return letters | {node: digest(x) for node, x in problem.train.items()}

    return Golden(datasets.get(name).version, f"the `version` of the dataset {name!r}", numbers)


def square(x: Tensor) -> Tensor:
    """The made-up rows as images of 6 x 5 pixels, ``(4, 1, 6, 5)``."""
    return x.reshape(4, 1, 6, 5)


def latents(x: Tensor) -> tuple[Tensor, Tensor]:
    mean, log_sd = x.reshape(2, 10, 6)
    return mean, log_sd / 4


def shares(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    label = torch.arange(10) % 3
    return images.cld_shares(latents(y), latents(x), (label + 1) % 3, label, latents(x + y), label)


IMAGES: dict[str, dict[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "axioms": {
        "composition": lambda x, y: images.composition(lambda z: 0.9 * z + 0.01, square(x), cycles=3),
        "reversibility": lambda x, y: images.reversibility(torch.sin, torch.cos, square(x)),
    },
    "errors": {
        "cf_mse": lambda x, y: images.cf_mse(square(x), square(y)),
        "cf_mae": lambda x, y: images.cf_mae(square(x), square(y)),
        "cf_relative": lambda x, y: images.cf_relative(square(x), square(y), square(x * y)),
        "l1": lambda x, y: images.l1(square(x), square(y)),
    },
    "frechet": {"frechet_distance": images.frechet_distance},
    "latent": {
        "gaussian_kl": lambda x, y: images.gaussian_kl(latents(x), latents(y)),
        "cld": lambda x, y: images.cld(*shares(x, y)),
        "cld_weighted": lambda x, y: images.cld_weighted(*shares(x, y)),
    },
    "measures": {
        "intensity": lambda x, y: images.intensity(square(x).abs()),
        "thickness_ratio": lambda x, y: images.thickness_ratio(square(x).abs()),
        "slant": lambda x, y: images.slant(square(x).abs()),
    },
    "proxies": {
        "validity": lambda x, y: images.validity(x.reshape(30, 4), torch.arange(30) % 4),
        "im1": lambda x, y: images.im1(square(x), square(y), square(x + y)),
        "im2": lambda x, y: images.im2(square(x), square(y), square(x + y)),
    },
}


def encoding(x: Tensor, y: Tensor) -> Tensor:
    """Two nodes' scores side by side, ``(2, 4)``; a p-value of a fixed stream."""
    found = [
        metrics.encoding_scores(
            a[:, 1:2],
            a,
            noise=b[:, :1],
            again=b[:, 1:2],
            curves=a.T,
            permutations=19,
            generator=torch.Generator().manual_seed(0),
        )
        for a, b in zip(x, y, strict=True)
    ]
    return torch.tensor([list(each.values()) for each in found], dtype=torch.float64)


METRICS: dict[str, dict[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "block_mmd": {"mmd_by_block": metrics.mmd_by_block},
    "classifier": {"c2st_forest": metrics.c2st_forest},
    "counterfactual": {"mse": metrics.mse, "relative_rmse": metrics.relative_rmse},
    "discrete": {
        "total_variation": lambda x, y: metrics.total_variation(x[..., :1].round(), y[..., :1].round()),
        "label_error": lambda x, y: metrics.label_error(x[..., :1].round(), y[..., :1].round()),
    },
    "effects": {
        "mean_effect": metrics.mean_effect,
        "sign_error": lambda x, y: metrics.sign_error(x, x + y),
        "rank_error": lambda x, y: metrics.rank_error(x, x + y),
    },
    "encoding": {"encoding_scores": encoding},
    "energy": {"energy_distance": metrics.energy_distance},
    "hilbert_schmidt": {"hsic": lambda x, y: torch.stack([metrics.hsic(a, b) for a, b in zip(x, y, strict=True)])},
    "intervals": {
        "coverage": lambda x, y: metrics.coverage(x, y - 1, y + 1),
        "width": lambda x, y: metrics.width(torch.minimum(x, y), torch.maximum(x, y)),
        "interval_score": lambda x, y: metrics.interval_score(x, y - 1, y + 1, level=0.9),
    },
    "likelihood": {"kl": lambda x, y: metrics.kl(x[..., 0], y[..., 0])},
    "marginals": {"ks": metrics.ks, "w1": metrics.w1},
    "order": {"monotone_share": lambda x, y: metrics.monotone_share(x[0, :, 0], y[..., 0])},
    "norms": {"ate_norm": metrics.ate_norm, "row_norm": metrics.row_norm},
    "mmd": {
        "mmd_paper": metrics.mmd_paper,
        "mmd_unbiased": metrics.mmd_unbiased,
        "truth_gammas": lambda x, y: metrics.truth_gammas(x),
        "cross_median_gamma": metrics.cross_median_gamma,
    },
    "sinkhorn": {"sinkhorn_divergence": metrics.sinkhorn_divergence},
    "wasserstein": {"sliced_wasserstein": metrics.sliced_wasserstein},
    **{f"images.{module}": scores for module, scores in IMAGES.items()},
}
VERSIONS = {**metrics.VERSIONS, **images.VERSIONS}


def metric(module: str) -> Golden:
    x, y = rows(40, 3).reshape(2, 20, 3), rows(40, 3, phase=0.5).reshape(2, 20, 3)
    scores = METRICS[module]
    bump = f"VERSION in metrics/{module.replace('.', '/')}.py"
    return Golden(VERSIONS[module], bump, lambda: {name: digest(f(x, y)) for name, f in scores.items()})


class Echo:
    """Answers every question with rows that do not depend on the world's noise."""

    def __init__(self, scm: SCM):
        self.scm = scm

    powers: frozenset[str] = frozenset()

    def sample(self, n: int, do: Any = None, *, seed: int) -> Values:
        return self.scm.run({node: rows(n, 1, i)[:, 0] for i, node in enumerate(self.scm.order)}, do)

    def counterfactual(self, factual: Values, do: Any, *, seed: int) -> Values:
        return {node: x + 0.1 for node, x in self.sample(len(factual["a"]), do, seed=0).items()}

    def interval(self, factual: Values, do: Any, level: float = 0.9, *, seed: int) -> Values:
        answer = self.counterfactual(factual, do, seed=seed)
        return {node: torch.stack([x - level, x + level], 1) for node, x in answer.items()}

    def log_prob(self, x: Values) -> Tensor:
        return rows(len(x["a"]), 1)[:, 0]

    def abduct(self, x: Values) -> Values:
        return {node: rows(len(x["a"]), 1, i)[:, 0] for i, node in enumerate(x)}


def chain() -> SCM:
    return SCM({"a": lambda u: u, "b": lambda u, a: torch.tanh(a) + u, "c": lambda u, b, a: b * a + u})


def picture() -> SCM:
    """A label, a number and an image of six pixels."""

    def image(u: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return torch.stack([u + k * a + (k * b).sin() for k in range(6)], dim=1).reshape(-1, 1, 2, 3).float()

    return SCM({"a": lambda u: (3 * torch.sigmoid(u)).long(), "b": lambda u, a: a + u, "c": image}, images=["c"])


def protocol(name: str) -> Golden:
    def numbers() -> dict[str, float]:
        world = picture() if name.startswith("image") else chain()
        found = {"training rows": float(protocols.get(name).n_train)}
        for query in protocols.get(name).queries(world, seed=0):
            scores = list(query.score(query.ask(Echo(world), seed=0)))
            for score in sorted({(s.query, s.node, s.metric) for s in scores}):
                same = [s for s in scores if (s.query, s.node, s.metric) == score]
                found[" ".join(filter(None, score))] = digest(torch.tensor([s.score for s in same]))
                if same[0].value is not None:
                    found[f"values of {same[0].node}"] = digest(torch.tensor([s.value for s in same]))
        return found

    version = {"protocol": protocols.get(name).version, **protocols.get(name).metric_versions}
    return Golden(version, f"the `version` of the protocol {name!r} (or of a metric it uses)", numbers)


PARTS: dict[str, tuple[Callable[[], list[str]], Callable[[str], Golden]]] = {
    "datasets": (datasets.names, dataset),
    "metrics": (lambda: sorted(VERSIONS), metric),
    "protocols": (protocols.names, protocol),
}
EVERY = [(part, name) for part, (names, _) in PARTS.items() for name in names()]


def moved(now: Mapping[str, float], then: Mapping[str, float]) -> list[str]:
    lines = [
        f"{key}: {then.get(key)} became {now.get(key)}" for key in {**then, **now} if (key in now) != (key in then)
    ]
    for key in now.keys() & then.keys():
        if not math.isclose(now[key], then[key], rel_tol=TOLERANCE, abs_tol=1e-9):
            lines.append(f"{key}: {then[key]!r} became {now[key]!r}")
    return sorted(lines)


@pytest.mark.parametrize(("part", "name"), EVERY, ids=["/".join(each) for each in EVERY])
def test_outcomes_move_only_with_a_version(part, name):
    if part == "datasets" and (message := datasets.get(name).missing()):
        pytest.skip(message)
    golden, kept = PARTS[part][1](name), json.loads(FILE.read_text())[part]
    assert name in kept, f"new: {REWRITE.removeprefix('then ')}"
    assert golden.version == kept[name]["version"], f"another version than in {FILE.name}: {REWRITE}"
    if not kept[name]["numbers"]:
        pytest.skip(f"nobody who had its files has written its numbers yet: {REWRITE.removeprefix('then ')}")
    assert moved(golden.numbers(), kept[name]["numbers"]) == [], f"outcomes moved: bump {golden.bump}, {REWRITE}"


def test_nothing_is_kept_that_is_gone():
    kept = json.loads(FILE.read_text())
    assert sorted((part, name) for part, group in kept.items() for name in group) == sorted(EVERY)


def test_a_change_is_seen_and_rounding_is_not():
    x = rows(8, 3)
    nudged = x.clone()
    nudged[7, 2] += 1e-4
    assert moved({"x": digest(nudged)}, {"x": digest(x)})
    assert moved({"x": digest(x.flip(0))}, {"x": digest(x)})
    assert not moved({"x": digest(x * (1 + 1e-12))}, {"x": digest(x)})


def write() -> int:
    """Write golden.json; entries whose numbers moved under an unchanged version stay as they are and are reported."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    content: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    refused = 0
    for part, name in EVERY:
        old = kept.get(part, {}).get(name)
        if part == "datasets" and (message := datasets.get(name).missing()):
            sys.stderr.write(f"{name}: {message}\n")
            content[part][name] = old or {"version": datasets.get(name).version, "numbers": {}}
            continue
        golden = PARTS[part][1](name)
        numbers = {key: float(f"{x:.10g}") for key, x in golden.numbers().items()}
        if old and old["numbers"] and old["version"] == golden.version and moved(numbers, old["numbers"]):
            sys.stderr.write(f"{part}/{name}: outcomes moved: bump {golden.bump} first\n")
            refused += 1
            content[part][name] = old
        else:
            content[part][name] = {"version": golden.version, "numbers": numbers}
    FILE.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(write())
