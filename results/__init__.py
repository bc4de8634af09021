"""Numbers of papers (published/) and our own committed reference runs (committed/)."""
