"""Judging: from rows to cells, verdicts against published numbers, pairs by seed. Plain frames; needs no runner."""
