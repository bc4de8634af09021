"""Diffusion-based causal models: schedule, what the networks learn, the sampler, the mechanism and the model."""

from .backdoor import BDCM
from .mechanism import Diffusion
from .model import DCM

__all__ = ["BDCM", "DCM", "Diffusion"]
