"""What a CUDA device is worth: correctness, then times beside a CPU core of the same machine, in one call of minutes.

    python benchmarks/speed/gpu.py docs/gpu.json          # on a machine with a device
    python benchmarks/speed/gpu.py docs/gpu.json --write docs/speed.md

The second form writes the table of a page from a file that is there. Times are of the wall, the device waited for; a
CPU has one thread; the two take turns, and the table has medians.
"""

from __future__ import annotations

import json
import platform
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from scmbench import datasets
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.running.environment import environment
from scmbench.benchmarks.suites.suite import load
from scmbench.datasets.seeds import generator
from scmbench.models.dcm import DCM
from scmbench.models.dcm.denoising import Denoising
from scmbench.models.dcm.sampler import Sampler
from scmbench.models.dcm.schedule import Schedule, time_features
from scmbench.models.images.unet import UNet
from scmbench.models.training import Architecture, captured, draw_network, train_stack
from scmbench.models.training.counter import Streams

ROWS, PARENTS, EPOCHS, ROUNDS = 5000, 2, 500, 3
HOW = {"batch_size": 64, "lr": 1e-4}
STACKS = (1, 8, 64, 264, 528)
DEVICES = ("cpu", "cuda")


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of some work, everything on the device included."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def in_turn(gpu: Callable[[], Any], cpu: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median seconds of both, after one run of each that does not count."""
    pairs = [(seconds(gpu), seconds(cpu)) for _ in range(rounds + 1)][1:]
    return median(g for g, _ in pairs), median(c for _, c in pairs)


def problem(seed: int, device: str, rows: int = ROWS) -> Denoising:
    """What a DCM network of a node with two parents learns."""
    draw = generator(seed, "gpu")
    parents = torch.randn(rows, PARENTS, generator=draw)
    x = torch.sin(parents.sum(1, keepdim=True)) + 0.3 * torch.randn(rows, 1, generator=draw)
    features = time_features(100, "scalar").to(device)
    return Denoising(x.to(device), parents.to(device), Schedule(100), features, 0.0, seed)


def untrained(r: Denoising):
    """Its network before training."""
    return draw_network(Architecture(), r.inputs, r.outputs, generator(r.seed, "weights"))


def checks() -> dict[str, float]:
    """How far the device is from the CPU: words that differ, and the largest differences of weights and walks."""
    here, there = (Streams([1, 2**60], 1000, device).words(3, 1) for device in DEVICES)
    words = sum(int((a != b.cpu()).sum()) for a, b in zip(here, there, strict=True))
    networks = []
    for device in DEVICES:
        few = [problem(seed, device, 1000) for seed in range(3)]
        drawn = Denoising.together(few)
        assert drawn is not None
        networks.append(captured.train(drawn, [untrained(r) for r in few], epochs=10, **HOW))
    pairs = [
        (a, b.cpu())
        for one, other in zip(*networks, strict=True)
        for a, b in zip(one.trunk.tensors(), other.trunk.tensors(), strict=True)
    ]
    found: dict[str, float] = {"words that differ": words}
    found["weights after 160 steps"] = max(float((a - b).abs().max()) for a, b in pairs)
    samplers = [
        Sampler(n[0], Schedule(100), time_features(100, "scalar").to(d)) for n, d in zip(networks, DEVICES, strict=True)
    ]
    x, pa = torch.randn(500, 1, generator=generator(0)), torch.randn(500, PARENTS, generator=generator(1))
    for kind in ("decode", "encode", "invert"):
        a, b = (getattr(s, kind)(x.to(d), pa.to(d)).cpu() for s, d in zip(samplers, DEVICES, strict=True))
        found[f"{kind}, in standard deviations"] = float((a - b).abs().max())
    return found


def training() -> list[dict[str, Any]]:
    """Stacks of networks, and one network on a core: seconds a network for 500 epochs."""
    rows = []
    alone = problem(0, "cpu")
    for k in STACKS:
        stack = [problem(seed, "cuda") for seed in range(k)]
        gpu, cpu = in_turn(
            # All epochs: capturing them once is part of the price, and of few it would seem a larger one.
            lambda stack=stack: train_stack(stack, Architecture(), epochs=EPOCHS, device="cuda", **HOW),
            lambda: train_stack([alone], Architecture(), epochs=50, **HOW),
            rounds=1,
        )
        rows.append({"work": f"train a stack of {k:,}, a network", "gpu": gpu / k, "cpu": cpu * EPOCHS / 50})
    return rows


def column() -> dict[str, Any]:
    """All networks of the paper's DCM column, ten seeds, in one call."""
    suite = load("paper")
    asked = protocols.get(suite.protocol)
    problems = [
        p for name in suite.datasets for seed in range(10) for p in datasets.get(name).problems(asked, seed=seed)
    ]
    fitted: list[Any] = []
    seeds = list(range(len(problems)))
    took = seconds(lambda: fitted.extend(DCM(device="cuda").fit_many(problems, seeds)))
    count = sum(hasattr(m, "network") for one in fitted for m in one.mechanisms.values())
    return {"work": f"all {count:,} networks of the paper's DCM column, ten seeds", "gpu": took}


def queries() -> list[dict[str, Any]]:
    """Walks of one network over 2,000 rows."""
    r = problem(0, "cpu")
    trained = train_stack([r], Architecture(), epochs=20, **HOW)[0]
    samplers = [Sampler(trained.to(d), Schedule(100), time_features(100, "scalar").to(d)) for d in DEVICES]
    x, pa = torch.randn(2000, 1, generator=generator(0)), torch.randn(2000, PARENTS, generator=generator(1))
    rows = []
    for kind, what in (("decode", "decode"), ("encode", "encode"), ("invert", "encode exactly")):
        cpu, gpu = (
            lambda kind=kind, s=s, d=d: getattr(s, kind)(x.to(d), pa.to(d))
            for s, d in zip(samplers, DEVICES, strict=True)
        )
        took = in_turn(gpu, cpu, 5)
        rows.append({"work": f"{what} 2,000 rows of a node", "gpu": took[0], "cpu": took[1]})
    return rows


def images() -> dict[str, Any]:
    """Forward and backward pass of a small U-Net on 64 images of 28 x 28."""

    def step(network, x, t):
        network(x, t, None).square().mean().backward()

    parts = []
    for d in ("cuda", "cpu"):
        network = UNet(1, 32, (1, 2)).to(d)
        x, t = torch.randn(64, 1, 28, 28, device=d), torch.zeros(64, device=d)
        parts.append(lambda network=network, x=x, t=t: step(network, x, t))
    gpu, cpu = in_turn(parts[0], parts[1], 5)
    return {"work": "a training pass of a U-Net, 32 channels, 64 images of 28 x 28", "gpu": gpu, "cpu": cpu}


def table(found: dict[str, Any]) -> str:
    """The markdown of what was found."""
    lines = ["| work | device | one core of the CPU beside it | times less |", "|---|---|---|---|"]
    for row in found["rows"]:
        cpu = row.get("cpu")
        beside = f"{_show(cpu)} | **{cpu / row['gpu']:.3g}**" if cpu else "- | -"
        lines.append(f"| {row['work']} | {_show(row['gpu']) if row['gpu'] else '-'} | {beside} |")
    held = "; ".join(f"{what} {value:.2g}" for what, value in found["checks"].items())
    # Every paragraph says where it comes from, for the test that asks this of all numbers of a page.
    source = "<!-- elsewhere: benchmarks/speed/gpu.py on a machine with a device -->"
    last = f"How far the device is from the CPU: {held}."
    return "\n".join([found["machine"], source, "", *lines, source, "", last, source])


def _show(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"


def measure() -> dict[str, Any]:
    """Everything, in the order of a page."""
    torch.set_num_threads(1)
    about = environment()
    machine = (
        f"{torch.cuda.get_device_name()}, {about['hardware'].split(' (')[0]}, Python {platform.python_version()}, "
        f"torch {torch.__version__}; commit {about['commit'][:10]}{' (changed)' if about['dirty'] else ''}, "
        f"{time.strftime('%Y-%m-%d')}."
    )
    found: dict[str, Any] = {"machine": machine, "checks": checks(), "rows": []}
    for part in (training, column, queries, images):
        try:
            made = part()
        except Exception as error:  # one part that fails must not take the others along; the table says so
            made = {"work": f"{part.__name__}: failed, {type(error).__name__}: {error}"[:300], "gpu": None}
        found["rows"] += made if isinstance(made, list) else [made]
        sys.stderr.write(json.dumps(found["rows"][-1]) + "\n")
    return found


def main(arguments: list[str]) -> None:
    """As the module says."""
    path = Path(arguments[0])
    if "--write" not in arguments:
        if not torch.cuda.is_available():
            sys.exit("no CUDA device here: nothing to measure")
        path.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
    text = table(json.loads(path.read_text(encoding="utf-8")))
    sys.stdout.write(text + "\n")
    if "--write" in arguments:
        page = Path(arguments[arguments.index("--write") + 1])
        old = page.read_text(encoding="utf-8")
        new = re.sub(r"(<!-- gpu -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{text}\n{m[2]}", old, flags=re.DOTALL)
        page.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
