"""Numbers that no paper prints: measured by us with the authors' published code, in the format of published numbers."""
