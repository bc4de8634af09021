"""``python -m scmbench.benchmarks.cli``: the command line without its entry point."""

from .app import main

main()
