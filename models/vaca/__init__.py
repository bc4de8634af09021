"""VACA: a graph autoencoder as a causal model; wiring, networks, objective, training and the model."""

from .model import VACA

__all__ = ["VACA"]
