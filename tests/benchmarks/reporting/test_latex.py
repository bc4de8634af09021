"""LaTeX compiles what reports write, whatever the labels; ``.ci/check latex`` gets a LaTeX to try it with."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from labels import hostile_table
from scmbench.benchmarks.reporting.escaping import file_name
from scmbench.benchmarks.reporting.render import document, latex

PROGRAM = next((name for name in ("pdflatex", "tectonic") if shutil.which(name)), None)
if PROGRAM is None and os.environ.get("SCMBENCH_LATEX") == "must":
    raise RuntimeError("neither pdflatex nor tectonic is here, and SCMBENCH_LATEX=must says that one has to be")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="neither pdflatex nor tectonic is here: `.ci/check latex`")


def compiled(folder, names):
    """What LaTeX says of a document with these tables."""
    (folder / "tables.tex").write_text(document(names), encoding="utf-8")
    quiet = ["-interaction=nonstopmode", "-halt-on-error"] if PROGRAM == "pdflatex" else []
    done = subprocess.run([PROGRAM, *quiet, "tables.tex"], cwd=folder, capture_output=True, timeout=300, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, said[-3000:]
    assert (folder / "tables.pdf").stat().st_size > 0
    return said


def test_hostile_labels_compile(tmp_path):
    table = hostile_table()
    (tmp_path / f"{file_name(table.name)}.tex").write_text(latex(table), encoding="utf-8")
    said = compiled(tmp_path, [table.name])
    assert "Missing character" not in said


def test_a_mistake_in_a_table_is_seen(tmp_path):
    """The check itself: a label that is not escaped stops the document."""
    (tmp_path / "bad.tex").write_text("x_1 \\nothing", encoding="utf-8")
    with pytest.raises(AssertionError):
        compiled(tmp_path, ["bad"])
