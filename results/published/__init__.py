"""Numbers that stand in papers, as data files, each with its source."""
