"""The structural causal models of the DCM paper; importing this registers them as ``dcm/...``."""

from . import mlp, sachs, small

__all__ = ["mlp", "sachs", "small"]
