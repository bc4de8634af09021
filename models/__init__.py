"""The methods: causal models learned from data, one file or folder an adapter."""

from .base import CausalModel, Unsupported, build
from .nodewise import Empirical, Mechanism, NodewiseModel, Task
from .registry import load

__all__ = ["CausalModel", "Empirical", "Mechanism", "NodewiseModel", "Task", "Unsupported", "build", "load"]
