"""Neural spline flows of scalars, one a node, whose conditioners see the node's parents alone."""

from .model import NSF

__all__ = ["NSF"]
