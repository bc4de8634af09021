"""Diffusion-based causal models: schedule, what the networks learn, the sampler, the mechanism and the model."""

from .mechanism import Diffusion
from .model import DCM

__all__ = ["DCM", "Diffusion"]
