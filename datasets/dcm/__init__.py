"""The structural causal models of the DCM paper; importing this registers them as ``dcm/...``."""

from . import small

__all__ = ["small"]
