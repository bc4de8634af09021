"""Models that learn all nodes at once: their shared skeleton, scaling and training recipe."""

from .model import JointModel
from .scaling import Scaler
from .training import Recipe, views

__all__ = ["JointModel", "Recipe", "Scaler", "views"]
