"""The worlds: structural causal models with known truth, and real data."""

from .problem import DataMissing, Dataset, Example, Problem, Query, SCMDataset, Score
from .registry import get, names, register, resolve
from .scm import SCM
from .values import Intervention, Values, ValuesError

__all__ = [
    "SCM",
    "DataMissing",
    "Dataset",
    "Example",
    "Intervention",
    "Problem",
    "Query",
    "SCMDataset",
    "Score",
    "Values",
    "ValuesError",
    "get",
    "names",
    "register",
    "resolve",
]
