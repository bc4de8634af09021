"""Scores of images: errors against the true image, measures back from pixels, axioms, and the proxies of papers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # the names of __init__.pyi, when asked for
