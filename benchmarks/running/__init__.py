"""Running: what is missing, packed into batches, computed by an engine, with where it came from."""
