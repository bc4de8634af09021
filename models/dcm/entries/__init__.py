"""DCM whose parents enter the denoiser in other ways than by concatenation, at as many parameters."""

from .model import ParentsDCM

__all__ = ["ParentsDCM"]
