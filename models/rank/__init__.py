"""Ranks kept by conditional quantiles of a forest."""

from .model import Rank

__all__ = ["Rank"]
