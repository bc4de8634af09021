"""The gate: has a reproduced number moved? Moves, drifts, exact comparisons, tolerances, variations, CI."""
