"""Questions: what a fitted model is asked, and how a protocol turns its answers into scores."""
