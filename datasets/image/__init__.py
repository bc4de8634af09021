"""Worlds with an image; importing this registers them as ``image/...``."""

from . import mnist, morpho, strokes

__all__ = ["mnist", "morpho", "strokes"]
