"""The speed table: medians per unit of work, ratios of rounds measured in turns."""

from __future__ import annotations

import json

import pytest
from scmbench.benchmarks.speed.table import main

PAGE = "\n".join(f"<!-- {name} -->\nold\n<!-- end -->" for name in ("machine", "table", "parts"))


def benchmark(name, data, **info):
    info = {"ours_units": 1, "plain_units": 1, "plain_seconds": [], **info}
    stats = {"median": sorted(data)[len(data) // 2], "data": data}
    return {"name": name, "fullname": f"benchmarks/speed/test_training.py::{name}", "stats": stats, "extra_info": info}


def report(*benchmarks):
    return {
        "machine_info": {"cpu": {"brand_raw": "Abacus"}, "python_version": "3.11"},
        "commit_info": {"id": "c0ffee" * 5, "dirty": False},
        "datetime": "2026-01-02T03:04:05",
        "benchmarks": list(benchmarks),
    }


def test_times_are_per_unit_and_ratios_are_paired_by_round(tmp_path):
    source, page = tmp_path / "speed.json", tmp_path / "speed.md"
    step = benchmark("test_step", [2.0, 1.0, 3.0], unit="step", ours_units=1000, plain_seconds=[4.0, 4.0, 4.0])
    units = {"ours_units": 1000, "plain_units": 1000}
    part = benchmark("test_part", [0.5] * 3, unit="part of a step: Adam", plain_seconds=[2, 1, 4], part=True, **units)
    source.write_text(json.dumps(report(step, part)))
    page.write_text(PAGE)
    main(str(source), str(page))
    text = page.read_text()
    assert "| step | 2 ms | 4 s | **2e+03** (1.33e+03 to 4e+03) |" in text
    assert "| Adam | 500 µs | 25% |" in text  # of steps in the same rounds: 25, 50 and 12.5 %
    assert text.count("Adam") == 1  # a part is no contender
    assert "Abacus" in text
    assert "old" not in text


def test_page_without_markers_is_refused(tmp_path):
    source, page = tmp_path / "speed.json", tmp_path / "speed.md"
    source.write_text(json.dumps(report(benchmark("test_step", [1.0], unit="step"))))
    page.write_text("nothing")
    with pytest.raises(ValueError, match="markers"):
        main(str(source), str(page))
