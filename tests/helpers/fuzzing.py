"""Commands under a fuzzer: run in this process, in a folder of their own, and judged by how they end."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from PIL import Image
from scmbench.benchmarks.cli import app
from scmbench.datasets import registry
from scmbench.datasets.values import to_frame

CODES = {0, 1, 2, 3, 130}
"""The exit codes of the help text."""

SUITE = """title = "toy"
protocol = "paper"
seeds = 2
datasets = ["check/sine"]
published = ["toy_numbers.toml"]
[[models]]
name = "linear"
options = { ridge = 0.001 }
[[models]]
name = "marginal"
label = "floor"
"""

NUMBERS = """title = "toy numbers"
protocol = "paper"
dataset = "check/{scm}"
scale = 100
how = "made up"
[source]
authors = ["A. Author"]
year = 2024
title = "A title"
url = "none"
[models.lin]
model = "linear"
[queries.obs]
query = "observational"
metric = "mmd"
"""

CELLS = "scm,query,model,n,median,q1,q3,whisker_low,whisker_high\nsine,obs,lin,5,0.002,0.001,0.003,0.0005,0.004\n"


class TooFar(BaseException):
    """Where an input would be trained on, asked of a network, or written into the package: it has been accepted."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended: exit code (None: it went too far), and what it wrote on its two streams."""

    words: list[str]
    code: int | None
    out: str
    err: str


def _too_far(*_: object, **__: object) -> None:
    raise TooFar


def _blank(figure: object, folder: Path, name: str) -> list[Path]:
    """In the place of `style.save`: drawing takes seconds, and has a test of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png", folder / f"{name}.pdf"]
    for path in paths:
        Image.new("L", (1, 1)).save(path)
    return paths


STOPS = (
    "scmbench.benchmarks.running.run.compute",
    "scmbench.models.conformance.check",
    "scmbench.datasets.files.download._download",
    "scmbench.benchmarks.gate.variation.run",
)
"""What no fuzzed input gets beyond: training, the kit, the network."""


def run(folder: Path, words: list[str], *, trains: bool = False) -> Outcome:
    """``scmbench WORDS`` in `folder`. Whatever leaves `main` but its exit code leaves this function as well."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: int | None = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(patch.object(sys, "argv", ["scmbench", *words]))
        stack.enter_context(patch.dict(os.environ, {"SCMBENCH_DATA": str(folder / "nodata"), "COLUMNS": "160"}))
        for place in () if trains else STOPS:
            stack.enter_context(patch(place, _too_far))
        stack.enter_context(patch("scmbench.benchmarks.reporting.figures.style.save", _blank))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            app.main()
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else int(done.code is not None)
        except TooFar:
            code = None
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return Outcome(words, code, *texts)


_USAGE = re.compile(r"^Usage: .*\n(?: +.*\n)*(?:Try '.*' for help\.\n)?\n?", re.MULTILINE)
_ASIDE = re.compile(r"(?:note: |refused  ).*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def judge(outcome: Outcome) -> None:
    """A known exit code, no traceback; a failure is one line on standard error that says something."""
    told = f"\n{outcome.words}\n-> {outcome.code}\n{outcome.out[-1500:]}\n---\n{outcome.err[-3000:]}"
    if outcome.code is None:
        return
    assert outcome.code in CODES, told
    assert "Traceback (most recent call last)" not in outcome.out + outcome.err, told
    assert not _CONTROL.search(outcome.err), told
    if outcome.code == 1:
        assert outcome.out.strip() or outcome.err.strip(), told
    if outcome.code in (2, 3):
        rest = _USAGE.sub("", outcome.err, count=1)
        lines = [line for line in rest.splitlines() if line.strip() and not _ASIDE.fullmatch(line)]
        assert len(lines) == 1, told
        assert re.match(r"(?:[Ee]rror: )\S.{7}", lines[0]), told
        assert not re.search(r"(?:Error|Exception): *$", lines[0]), told


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with its size and time of writing."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        found[str(path.relative_to(folder))] = (stat.st_size, stat.st_mtime_ns) if not path.is_dir() else (0, 0)
    return found


def try_on(world: Path, words: list[str], *, trains: bool = False, files: dict[str, bytes] | None = None) -> Outcome:
    """Run a command in a copy of `world` with `files` laid over it, judge how it ended and what it left."""
    with copied(world) as folder:
        for name, content in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        before = tree(folder)
        outcome = run(folder, words, trains=trains)
        judge(outcome)
        after = tree(folder)
        told = f"\n{outcome.words}\n-> {outcome.code}\n{outcome.err}\n{sorted(set(after) ^ set(before))}"
        assert not [name for name in set(after) - set(before) if re.search(r"\.(part|old)(/|$)", name)], told
        if outcome.code == 2:
            assert after == before, told
    return outcome


@contextlib.contextmanager
def copied(world: Path) -> Iterator[Path]:
    """A copy of a folder for one example."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        folder = Path(place) / "world"
        shutil.copytree(world, folder, symlinks=True)
        yield folder


def build_world(folder: Path) -> Path:
    """A working folder with something of everything that commands read: suite, numbers, records, table, model."""
    folder.mkdir()
    scm = registry.get("dcm/triangle/nadd").scm()
    table = to_frame(scm.sample(24, seed=0))
    files = {
        "toy.toml": SUITE,
        "toy_numbers.toml": NUMBERS,
        "toy_numbers.csv": CELLS,
        "own.csv": table.assign(note="n/a").to_csv(index=False),
        "rows.csv": to_frame(scm.sample(3, seed=1)).assign(id=["a", "b", "c"]).to_csv(index=False),
        "do.csv": "x1\n0.5\n1\n-2\n",
        "graph.txt": "x1 -> x2\nx1 -> x3\nx2 -> x3\n",
        "empty": "",
        "binary": b"\x00\x01\xff\xfe\x80PAR1" * 20,
        "latin.csv": b"x1,x2,x3\n1,2,3\n" + b"\xe9,1,2\n",
        "ohne/umlaut.txt": "ä -> ö\n",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    table.to_parquet(folder / "own.parquet")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "circle").symlink_to("circle")
    made = [
        ["run", "toy.toml", "--engine", "inline"],
        ["committed", "update", "toy.toml", "--reason", "the first numbers of a toy", "--allow-dirty"],
        ["fit", "own.csv", "--graph", "graph.txt", "--model", "linear", "--do", "x1=1", "--n", "3"],
    ]
    for words in made:
        outcome = run(folder, words, trains=True)
        assert outcome.code == 0, outcome
    shutil.rmtree(folder / "results/runs/reports")
    return folder


def record_files(world: Path) -> list[Path]:
    """Finished records of a world."""
    return sorted(world.glob("results/runs/records/*/*.json"))


def signed(content: dict) -> bytes:
    """A record's file with the digest of what it says."""
    from scmbench.benchmarks.records.record import digest

    said = {key: value for key, value in content.items() if key != "digest"}
    return json.dumps({**said, "digest": digest(said)}).encode()
