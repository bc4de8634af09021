from .contract.base import CausalModel, Unsupported, build
from .contract.columns import Columns
from .contract.joint import JointModel
from .contract.nodewise import Empirical, Mechanism, NodewiseModel, Task
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
