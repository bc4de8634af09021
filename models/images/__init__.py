"""What image methods share: U-Net, noise schedules, deterministic diffusion, trainer, the skeleton of a model."""

from .context import Column, Context, Slot
from .mechanism import ImageMechanism
from .model import ImageModel
from .unet import UNet

__all__ = ["Column", "Context", "ImageMechanism", "ImageModel", "Slot", "UNet"]
