"""The table of a GPU on the page on speed: made from what was measured, and whole where a part failed."""

from __future__ import annotations

import json
from pathlib import Path

from scmbench.benchmarks.speed import gpu

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_has_what_was_measured():
    found = json.loads((DOCS / "gpu.json").read_text(encoding="utf-8"))
    assert f"<!-- gpu -->\n{gpu.table(found)}\n<!-- end -->" in (DOCS / "speed.md").read_text(encoding="utf-8")


def test_a_part_that_failed_is_a_line_of_its_own():
    rows = [{"work": "decode", "gpu": 0.0025, "cpu": 0.05}, {"work": "images: failed, OSError: gone", "gpu": None}]
    text = gpu.table({"machine": "M.", "checks": {"words that differ": 0}, "rows": rows})
    assert "| decode | 2.5 ms | 50 ms | **20** |" in text
    assert "| images: failed, OSError: gone | - | - | - |" in text
