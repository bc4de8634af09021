"""Tables: scores, verdicts, pairs and records as rows of text, for every format."""
