"""The command as a user runs it."""

from __future__ import annotations

import sys

import pytest
from scmbench.benchmarks.cli import app


@pytest.fixture
def scmbench(monkeypatch, capsys):
    """Runs a command; returns its exit code, output and errors, white space joined."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["scmbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            app.main()
        said = capsys.readouterr()
        return done.value.code or 0, " ".join(said.out.split()), " ".join(said.err.split())

    return run
