"""The gate: has a number that was reproduced moved? Moves, tolerances, harmless variations, what CI is told."""
