"""Graphs as text: written into a file, read, told."""

from __future__ import annotations

import pytest
from scmbench.datasets import ValuesError
from scmbench.datasets.files.graphs import read_graph


@pytest.fixture
def read(tmp_path):
    """Reads a text from a file of this name."""

    def read(name, text, columns=None):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_graph(path, columns)

    return read


@pytest.fixture
def refusal(read):
    """The message with which a text is refused."""

    def refusal(name, text, columns=None):
        with pytest.raises(ValuesError) as refused:
            read(name, text, columns)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    return refusal
