"""Worlds with an image; importing this registers them as ``image/...``."""

from . import strokes

__all__ = ["strokes"]
