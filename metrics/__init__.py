"""The scores: pure functions on tensors."""
