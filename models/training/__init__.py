"""Many small networks trained at once: shared by every method that fits a perceptron a node."""

from .network import Architecture, Network, Perceptron, draw_network
from .regression import Regression
from .stack import train_stack

__all__ = ["Architecture", "Network", "Perceptron", "Regression", "draw_network", "train_stack"]
