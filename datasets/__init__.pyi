from .density import NoDensity
from .errors import Damaged, DataDamaged, DataMissing, UserError
from .pictures import Picture
from .problem import Dataset, Example, Problem, Query, SCMDataset, Score
from .registry import get, names, register, resolve
from .scm import SCM
from .seeds import derive, generator, seeded
from .values import Intervention, Values, ValuesError, flatten, parents

__all__ = [
    "SCM",
    "Damaged",
    "DataDamaged",
    "DataMissing",
    "Dataset",
    "Example",
    "Intervention",
    "NoDensity",
    "Picture",
    "Problem",
    "Query",
    "SCMDataset",
    "Score",
    "UserError",
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
