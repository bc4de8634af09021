"""Triangular monotone maps of vector nodes given their parents, one a node, chosen by likelihood."""

from .model import TMSCM

__all__ = ["TMSCM"]
