"""Flow SCMs with a base whose parameters are learned: normal, Laplace or Student's t."""

from .model import FlowSCM

__all__ = ["FlowSCM"]
