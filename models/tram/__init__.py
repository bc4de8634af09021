"""Transformation models of continuous, ordinal and binary nodes."""

from .model import TRAM

__all__ = ["TRAM"]
