"""The scores: pure functions on float64 tensors ``(..., n, d)``, truth first, one number a group of rows."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # the names of __init__.pyi, when asked for
