"""The conformance kit: what every causal model must keep to, whatever it learns, checked in seconds.

>>> from scmbench.models import conformance, load
>>> results = conformance.check(load("linear"))
>>> [result.property for result in results if result.status == "failed"]
[]
"""

from .kit import NonConforming, Result, check, require
from .properties import PROPERTIES

__all__ = ["PROPERTIES", "NonConforming", "Result", "check", "require"]
