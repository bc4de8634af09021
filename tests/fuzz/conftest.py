"""Fuzzing: few examples, always the same, in every test run, and ever new ones in ``make fuzz``."""

from __future__ import annotations

import warnings
from pathlib import Path

import examples  # noqa: F401  its profiles are known before a test is collected
import pytest
from fuzzing import build_world


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Path:
    """A working folder with something of everything that commands read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build_world(tmp_path_factory.mktemp("fuzz") / "world")
