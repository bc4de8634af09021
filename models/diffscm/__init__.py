"""Diff-SCM: an unconditional diffusion model of images, guided by the gradient of an anti-causal predictor."""

from .model import DiffSCM

__all__ = ["DiffSCM"]
