"""Keeping a fitted model: saving, loading, and the door for data frames."""
