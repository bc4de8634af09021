"""Causal normalizing flows: one masked autoregressive layer from values to noise, and the model built on it."""

from .model import CausalNF

__all__ = ["CausalNF"]
