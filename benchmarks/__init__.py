"""The harness: suites, runner, store, verdicts, report, command line; `run` and `load` are its door in Python."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # the names of __init__.pyi, when asked for
