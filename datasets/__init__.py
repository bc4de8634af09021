"""The worlds: structural causal models with known truth, and real data."""

from .problem import DataMissing, Dataset, Example, Problem, Query, SCMDataset, Score
from .registry import get, names, register, resolve
from .scm import SCM
from .seeds import derive, generator, seeded
from .values import Intervention, Values, ValuesError, flatten, parents

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
    "derive",
    "flatten",
    "generator",
    "get",
    "names",
    "parents",
    "register",
    "resolve",
    "seeded",
]
