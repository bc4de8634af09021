"""Mechanisms chosen node by node on held-out rows, fitted anew and averaged."""

from .model import ScmBest

__all__ = ["ScmBest"]
