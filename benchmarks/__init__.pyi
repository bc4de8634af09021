from .records.results import Results
from .running.api import NoResults, load, run
from .suites.suite import Entry, Suite

__all__ = ["Entry", "NoResults", "Results", "Suite", "load", "run"]
