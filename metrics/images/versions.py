"""Version of what each module of image scores returns; part of the key of every record of images."""

from . import axioms, errors, frechet, latent, measures, proxies

VERSIONS = {
    f"images.{module.__name__.rpartition('.')[2]}": module.VERSION
    for module in (axioms, errors, frechet, latent, measures, proxies)
}
"""Name of a module to the integer that counts changes of its scores. Apart from `scmbench.metrics.VERSIONS`, so that
records of small graphs keep their keys when a score of images changes."""
