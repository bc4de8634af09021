"""Figures: plots of scores, verdicts and pairs."""
