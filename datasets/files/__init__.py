"""What is read from disk: downloads, measured tables, graphs."""
