"""The command line: one file a command, each translating arguments to calls of the other rooms."""
