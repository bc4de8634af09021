"""Counterfactual cocycles: transport from one row's parents to another's, learned without a law for the noise."""

from .model import Cocycle

__all__ = ["Cocycle"]
