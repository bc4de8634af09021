"""Data files: found, fetched from a local server, refused when wrong, explained when missing."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from scmbench.datasets import DataMissing
from scmbench.datasets.files import download
from scmbench.datasets.files.sources import SOURCES, File, Source

CONTENT = b"1,2\n3,4\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A folder that a local web server shows, and its address."""
    folder = tmp_path / "web"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


@pytest.fixture
def toy(server, tmp_path, monkeypatch):
    """The source ``toy`` of two files, an empty data folder, and the two folders."""
    web, url = server
    data = tmp_path / "data"
    monkeypatch.setenv(download.ENV, str(data))
    digest = hashlib.sha256(CONTENT).hexdigest()
    files = tuple(File(name, len(CONTENT), digest, f"{url}/{name}") for name in ("a.csv", "b.csv"))
    source = Source("toy", "a toy", "these tests", "nowhere", "none", "nobody", files)
    monkeypatch.setitem(SOURCES, "toy", source)
    for file in files:
        (web / file.name).write_bytes(CONTENT)
    return web, data / "toy"


def test_what_is_missing_is_explained_without_touching_network_or_disk(toy):
    _, data = toy
    message = download.missing("toy") or ""
    assert f"2 files (a.csv, ...) are not in {data}" in message
    assert "needed by these tests" in message
    assert "`scmbench data fetch toy`" in message
    with pytest.raises(DataMissing, match=re.escape(message)):
        download.path("toy", "a.csv")
    assert not data.parent.exists()


def test_fetch_gets_what_is_absent_and_asks_no_more(toy):
    web, data = toy
    download.fetch(["toy"])
    assert download.missing("toy") is None
    assert download.path("toy", "b.csv") == data / "b.csv"
    assert sorted(f.name for f in data.iterdir()) == ["a.csv", "b.csv"]
    (web / "a.csv").unlink()
    download.fetch(["toy"])
    (data / "b.csv").unlink()
    assert (download.missing("toy") or "").startswith("b.csv is not in")


def test_a_file_put_there_by_hand_is_used(toy):
    web, data = toy
    data.mkdir(parents=True)
    for name in ("a.csv", "b.csv"):
        (web / name).unlink()
        (data / name).write_bytes(CONTENT)
    download.fetch(["toy"])
    assert download.path("toy", "a.csv").read_bytes() == CONTENT


def test_a_truncated_or_foreign_file_is_refused_and_left_alone(toy):
    _, data = toy
    download.fetch(["toy"])
    (data / "a.csv").write_bytes(CONTENT[:-1])
    complaint = (
        r"a\.csv is not the expected file: sha256 \w{64} \(7 bytes\) instead of \w{64} \(8 bytes\)\. Move it away"
    )
    assert re.search(complaint, download.missing("toy") or "")
    with pytest.raises(DataMissing, match=complaint):
        download.path("toy", "b.csv")
    with pytest.raises(DataMissing, match=complaint):
        download.fetch(["toy"])
    assert (data / "a.csv").read_bytes() == CONTENT[:-1]


def test_a_server_that_sends_something_else_leaves_nothing_behind(toy):
    web, data = toy
    (web / "a.csv").write_bytes(b"<html>")
    with pytest.raises(DataMissing, match=r"cannot download toy/a\.csv from http://127.*\(ValueError: .*by hand"):
        download.fetch(["toy"])
    assert not list(data.iterdir())


def test_try_fetch_goes_on_and_tells(toy, server, monkeypatch):
    web, url = server
    unreachable = File("c.csv", 1, "0" * 64, "http://127.0.0.1:9/c.csv")
    absent = File("d.csv", 1, "0" * 64, f"{url}/d.csv")
    for name, file in (("down", unreachable), ("gone", absent)):
        monkeypatch.setitem(SOURCES, name, Source(name, "", "", "", "", "", (file,)))
    messages = download.try_fetch(["down", "gone", "toy"])
    assert len(messages) == 2
    assert "down/c.csv" in messages[0]
    assert "ConnectionError" in messages[0]
    assert "gone/d.csv" in messages[1]
    assert "404" in messages[1]
    assert download.missing("toy") is None
    assert web.exists()


def test_a_folder_that_cannot_be_written_is_explained(toy, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(download.ENV, str(tmp_path / "file"))
    assert "a.csv" in download.try_fetch(["toy"])[0]


def test_an_unknown_source_lists_those_there_are():
    with pytest.raises(KeyError, match=r"'sax'; there are \['fmri', 'mnist', 'mnist-train', 'sachs'\]"):
        download.missing("sax")


def test_the_users_cache_is_the_default(monkeypatch):
    monkeypatch.delenv(download.ENV, raising=False)
    assert download.folder().name == "scmbench"


def test_sources_are_complete():
    assert {name: len(source.files) for name, source in SOURCES.items()} == {
        "sachs": 1,
        "fmri": 29,
        "mnist": 2,
        "mnist-train": 2,
    }
    for name, source in SOURCES.items():
        assert source.name == name
        assert all((source.description, source.needed_by, source.origin, source.licence, source.citation))
        assert source.size == sum(file.size for file in source.files) > 0
        assert len({file.name for file in source.files}) == len({f.sha256 for f in source.files}) == len(source.files)
        for file in source.files:
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert re.fullmatch(r"https://raw\.githubusercontent\.com/[\w./-]+", file.url)
            assert file.url.endswith(f"/{file.name}")


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_files_at_hand_match_their_checksums(name):
    source = SOURCES[name]
    here = [download.folder() / name / file.name for file in source.files]
    if not all(path.is_file() for path in here):
        pytest.skip(f"{name} is not in {download.folder()}")
    assert download.missing(name) is None
    assert [path.stat().st_size for path in here] == [file.size for file in source.files]
