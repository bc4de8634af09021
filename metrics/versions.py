"""Version of what each module of scores returns; part of every record's key."""

from . import (
    block_mmd,
    classifier,
    counterfactual,
    discrete,
    effects,
    encoding,
    energy,
    hilbert_schmidt,
    intervals,
    likelihood,
    marginals,
    mmd,
    norms,
    order,
    sinkhorn,
    wasserstein,
)

_MODULES = (
    block_mmd,
    classifier,
    counterfactual,
    discrete,
    effects,
    encoding,
    energy,
    hilbert_schmidt,
    intervals,
    likelihood,
    marginals,
    mmd,
    norms,
    order,
    sinkhorn,
    wasserstein,
)
VERSIONS = {module.__name__.rpartition(".")[2]: module.VERSION for module in _MODULES}
"""Name of a module to the integer that counts changes of its scores."""
