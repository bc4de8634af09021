from .axioms import composition, reversibility
from .errors import cf_mae, cf_mse, cf_relative, l1
from .frechet import frechet_distance
from .latent import cld, cld_shares, cld_weighted, gaussian_kl
from .measures import Thickness, intensity, slant, thickness_ratio
from .proxies import im1, im2, validity
from .versions import VERSIONS

__all__ = [
    "VERSIONS",
    "Thickness",
    "cf_mae",
    "cf_mse",
    "cf_relative",
    "cld",
    "cld_shares",
    "cld_weighted",
    "composition",
    "frechet_distance",
    "gaussian_kl",
    "im1",
    "im2",
    "intensity",
    "l1",
    "reversibility",
    "slant",
    "thickness_ratio",
    "validity",
]
