from .contract.base import CausalModel
from .contract.columns import Columns
from .contract.fitted import Unsupported
from .contract.joint import JointModel
from .contract.nodewise import Empirical, Mechanism, NodewiseModel, Task
from .contract.options import build
from .contract.registry import load

__all__ = [
    "CausalModel",
    "Columns",
    "Empirical",
    "JointModel",
    "Mechanism",
    "NodewiseModel",
    "Task",
    "Unsupported",
    "build",
    "load",
]
