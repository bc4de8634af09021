"""The additive-noise model, and fitted regressions as arrays."""

from .model import ANM, FOLDS, Additive

__all__ = ["ANM", "FOLDS", "Additive"]
