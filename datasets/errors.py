"""Errors that whoever calls can mend; this file imports nothing, so that a command can name them for free."""

from __future__ import annotations


class UserError(Exception):
    """Something that the caller can mend; the message is one line that says what and how.

    The base of the errors that the command line tells without a traceback. Each is also the built-in error of its kind
    (`ValueError`, `LookupError`), so that who calls from Python need not know this class.
    """


class DataMissing(UserError, RuntimeError):
    """A dataset's files are not here: the message says which and how to get them. The rest of a suite goes on."""
