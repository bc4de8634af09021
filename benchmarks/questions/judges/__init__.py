"""Judges: networks that proxy scores of images ask, trained on rows of their own and kept."""
