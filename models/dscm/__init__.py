"""Deep structural causal models on Pyro: mechanisms, the probabilistic program made of them, and the model."""

from .model import DSCM

__all__ = ["DSCM"]
