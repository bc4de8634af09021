"""The harness: suites, runner, store, verdicts, report and the command line."""
