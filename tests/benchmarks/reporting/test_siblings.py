"""Reports in one folder name each other; other files are left alone."""

from __future__ import annotations

import re

import pytest
from scmbench.benchmarks.reporting import siblings
from scmbench.benchmarks.reporting.page import page

PLACE = "<html><!-- suites --><!-- /suites --></html>"


def report(folder, name, text=PLACE):
    path = folder / name / "index.html"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def links(path):
    return re.findall(r'href="([^"]+)"|aria-current="page">([^<]+)<', path.read_text(encoding="utf-8"))


def test_every_page_names_all_and_itself_without_a_link(tmp_path):
    paths = {name: report(tmp_path, name) for name in ("paper", "fmri", "my suite & co")}
    siblings.link(tmp_path)
    assert links(paths["paper"]) == [
        ("../fmri/index.html", ""),
        ("../my%20suite%20%26%20co/index.html", ""),
        ("", "paper"),
    ]
    assert "my suite &amp; co" in paths["paper"].read_text(encoding="utf-8")


def test_a_page_that_came_later_is_named_and_one_that_went_is_not(tmp_path):
    first, second = report(tmp_path, "a"), report(tmp_path, "b")
    siblings.link(tmp_path)
    third = report(tmp_path, "c")
    second.unlink()
    siblings.link(tmp_path)
    assert links(first) == [("", "a"), ("../c/index.html", "")]
    assert links(third) == [("../a/index.html", ""), ("", "c")]
    third.unlink()
    siblings.link(tmp_path)
    assert first.read_text(encoding="utf-8") == PLACE


def test_pages_without_a_place_are_neither_named_nor_touched(tmp_path):
    mine, other = report(tmp_path, "a"), report(tmp_path, "other", "<html>somebody's page</html>")
    report(tmp_path, "b")
    old = tmp_path / "old" / "index.html"
    old.parent.mkdir()
    old.write_bytes(b"caf\xe9")
    before = other.stat().st_mtime_ns
    siblings.link(tmp_path)
    assert ("../other/index.html", "") not in links(mine)
    assert other.stat().st_mtime_ns == before
    assert old.read_bytes() == b"caf\xe9"


def test_what_is_so_already_is_not_written(tmp_path):
    paths = [report(tmp_path, name) for name in "ab"]
    siblings.link(tmp_path)
    before = [path.stat().st_mtime_ns for path in paths]
    siblings.link(tmp_path)
    assert [path.stat().st_mtime_ns for path in paths] == before


@pytest.mark.parametrize("text", ["", "\\1 \\g<0>"])
def test_reports_have_the_place(text):
    assert siblings.BLOCK.search(page("title", text, [], {}, []))
