"""The networks of judges: a classifier, the autoencoders of IM1 and IM2, a variational autoencoder.

All take pixels in [0, 1], ``(n, c, h, w)``. None normalises over a batch: what is said of a row must not depend on its
mates.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEATURES, LATENTS = 64, 16


def conv(before: int, after: int, stride: int = 1) -> nn.Conv2d:
    """A 3 × 3 convolution that keeps the size, or halves it."""
    return nn.Conv2d(before, after, 3, stride, padding=1)


class Classifier(nn.Module):
    """Convolutions 16 and 32 of stride 2, a dense layer of 64, the classes; 105,866 parameters for 28 × 28 digits."""

    def __init__(self, shape: tuple[int, int, int], classes: int):
        super().__init__()
        c, h, w = shape
        self.convolutions = nn.Sequential(conv(c, 16, 2), nn.ReLU(), conv(16, 32, 2), nn.ReLU(), nn.Flatten())
        self.dense = nn.Linear(32 * (-(-h // 4)) * (-(-w // 4)), FEATURES)
        self.classes = nn.Linear(FEATURES, classes)

    def features(self, x: Tensor) -> Tensor:
        """The 64 units before the classes: what ``frechet64`` compares."""
        return F.relu(self.dense(self.convolutions(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, classes)``."""
        return self.classes(self.features(x))


class ClassAutoencoder(nn.Sequential):
    """The autoencoder of one class: code 8 × h/4 × w/4, linear.

    Of Van Looveren and Klaise, as read in the code of Schut et al. (AISTATS 2021), with the image's own channels.
    """

    def __init__(self, shape: tuple[int, int, int]):
        c, *size = shape
        half = nn.Upsample(tuple(-(-s // 2) for s in size))
        super().__init__(
            *(conv(c, 16), nn.ReLU(), nn.MaxPool2d(2), conv(16, 8), nn.ReLU(), nn.MaxPool2d(2), conv(8, 8)),
            *(conv(8, 8), nn.ReLU(), half),
            *(conv(8, 16), nn.ReLU(), nn.Upsample(tuple(size)), conv(16, c)),
        )


class WholeAutoencoder(nn.Sequential):
    """The autoencoder of all classes: code 1 × h/2 × w/2, linear; source as `ClassAutoencoder`."""

    def __init__(self, shape: tuple[int, int, int]):
        c, *size = shape
        super().__init__(
            *(conv(c, 16), nn.ReLU(), conv(16, 16), nn.ReLU(), nn.MaxPool2d(2), conv(16, 1)),
            *(conv(1, 16), nn.ReLU(), nn.Upsample(tuple(size)), conv(16, 16), nn.ReLU(), conv(16, c)),
        )


class VAE(nn.Module):
    """Dense layers pixels-512-256-16 and back, Gaussian pixels of one learned standard deviation.

    Dense, because small convolutional ones collapse to a grey blob in the few steps that a judge is given.
    """

    def __init__(self, shape: tuple[int, int, int]):
        super().__init__()
        pixels = shape[0] * shape[1] * shape[2]
        self.encoder = nn.Sequential(
            *(nn.Flatten(), nn.Linear(pixels, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU()),
            nn.Linear(256, 2 * LATENTS),
        )
        self.decoder = nn.Sequential(
            *(nn.Linear(LATENTS, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, pixels))
        )
        self.log_sd = nn.Parameter(torch.tensor(-1.0))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of the latents, ``(n, 16)`` each."""
        mean, log_sd = self.encoder(x).chunk(2, dim=1)
        return mean, log_sd.clamp(-6, 3)

    def loss(self, x: Tensor, e: Tensor) -> Tensor:
        """The negative evidence lower bound, nats an image, with standard normal draws ``e (n, 16)``."""
        mean, log_sd = self.encode(x)
        decoded = self.decoder(mean + log_sd.exp() * e)
        apart = (x.flatten(1) - decoded) * (-self.log_sd).exp()
        pixels = (0.5 * apart.square() + self.log_sd).sum(1)
        prior = (0.5 * (mean.square() + (2 * log_sd).exp() - 1) - log_sd).sum(1)
        return (pixels + prior).mean()


class Panel(nn.Module):
    """All judges of a world: what is trained, kept and asked together."""

    def __init__(self, shape: tuple[int, int, int], classes: int):
        super().__init__()
        self.shape, self.n_classes = shape, classes
        self.classifier = Classifier(shape, classes)
        self.of_class = nn.ModuleList(ClassAutoencoder(shape) for _ in range(classes))
        self.whole = WholeAutoencoder(shape)
        self.vae = VAE(shape)

    def autoencoder(self, label: int) -> ClassAutoencoder:
        """The one of this class."""
        return cast(ClassAutoencoder, self.of_class[label])
