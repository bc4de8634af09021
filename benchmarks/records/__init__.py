"""Records: what is kept of a run, where it lives, and the tables rebuilt from it."""
