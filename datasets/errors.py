"""Errors that whoever calls can mend; this file imports nothing, so that a command can name them for free."""

from __future__ import annotations


class UserError(Exception):
    """Something that the caller can mend; the message is one line that says what and how.

    The base of the errors that the command line tells without a traceback. Each is also the built-in error of its kind
    (`ValueError`, `LookupError`), so that who calls from Python need not know this class.
    """


class DataMissing(UserError, RuntimeError):
    """A dataset's files are not here: the message says which and how to get them. The rest of a suite goes on."""


class DataDamaged(DataMissing):
    """A data file that is here is not the right one: the message says which and what to do. Nothing goes on."""


class Damaged(str):
    """What `Dataset.missing` says of a file that is here and is not the right one, as against one that is not here.

    A run leaves out what is not here and tells so. From a wrong file it would make numbers that are nobody's: it does
    not begin.
    """
