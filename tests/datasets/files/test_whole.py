"""Files are whole or not there, whatever happens while they are written."""

import os
from pathlib import Path

import pytest
from scmbench.datasets.files.whole import replace_with, staged


@pytest.mark.parametrize("content", ["one\nü\n", b"\x00\xff"])
def test_a_file_is_put_in_place_at_once_and_readable_by_all(tmp_path, content):
    path = tmp_path / "file"
    path.write_text("before")
    replace_with(path, content)
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["file"]


def test_where_it_cannot_be_written_the_old_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("before")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_with(path, "after")
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_gets_all_of_its_files_and_keeps_others(tmp_path):
    folder = tmp_path / "new" / "report"
    folder.mkdir(parents=True)
    (folder / "so_far.md").write_text("kept")
    (folder / "index.html").write_text("old")
    with staged(folder) as aside:
        (aside / "tables").mkdir()
        (aside / "tables" / "a.md").write_text("a")
        (aside / "index.html").write_text("new")
        assert (folder / "index.html").read_text() == "old"
    files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert files == {"so_far.md": "kept", "index.html": "new", "tables/a.md": "a"}
    assert not list(tmp_path.rglob("*.part"))


def test_a_folder_that_was_not_there_is_not_made_by_a_failure(tmp_path):
    def half():
        with staged(tmp_path / "model") as aside:
            (aside / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert os.listdir(tmp_path) == []


def test_a_working_directory_that_changes_sends_nothing_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with staged(Path("out")) as aside:
        (aside / "a").write_text("a")
        os.chdir("elsewhere")
    assert (tmp_path / "out" / "a").read_text() == "a"
