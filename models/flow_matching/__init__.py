"""Conditional flow matching, one velocity a node."""

from .model import FlowMatching

__all__ = ["FlowMatching"]
