"""Attributes of worlds: from names where there is no SCM, from the SCM where there is one."""

from __future__ import annotations

from scmbench.datasets.attributes import attributes


def test_a_world_tells_its_size_and_a_measured_one_its_name():
    known = {"n": 3, "edges": 3, "degree": 1.0, "latent": 0, "image": False}
    assert attributes("dcm/triangle/nadd") == {"name": "dcm/triangle/nadd", "paper": "dcm", "kind": "nadd", **known}
    assert attributes("fmri/hg-cg") == {"name": "fmri/hg-cg", "paper": "fmri", "kind": "hg-cg"}


def test_a_world_whose_files_are_missing_tells_its_name(monkeypatch, tmp_path):
    monkeypatch.setenv("SCMBENCH_DATA", str(tmp_path))
    assert attributes("dcm/sachs/nlin") == {"name": "dcm/sachs/nlin", "paper": "dcm", "kind": "nlin"}
