"""The structural causal models of the DCM paper; importing this registers them as ``dcm/...``."""

from . import mlp, small

__all__ = ["mlp", "small"]
