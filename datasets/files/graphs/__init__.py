"""Causal graphs from files: read exactly, or refused by line."""

from .reading import FORMATS, read_graph

__all__ = ["FORMATS", "read_graph"]
