"""CAREFL: causal autoregressive flows, with splines (`CAREFL`) and with affine couplings (`AffineCAREFL`)."""

from .affine import AffineCAREFL
from .model import CAREFL

__all__ = ["CAREFL", "AffineCAREFL"]
