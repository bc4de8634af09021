"""Floors and ceilings that a score is read between: trivial methods, and those that know the truth."""
