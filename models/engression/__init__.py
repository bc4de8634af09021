"""Distributional regression by the energy score, one generator a node."""

from .model import Engression

__all__ = ["Engression"]
