"""Models that learn all nodes at once: their shared skeleton, scaling and training recipe."""

from .model import JointModel
from .training import Recipe, views

__all__ = ["JointModel", "Recipe", "views"]
