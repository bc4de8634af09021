"""Tables as CSV that a spreadsheet may open: no text runs as a formula, and what was written is read again."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_BREAK = re.compile(r"\r\n?")
_DEFUSED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


def defused(text: str) -> str:
    """A text with an apostrophe before it where a spreadsheet would run it.

    Where apostrophes stand before a formula already, one more: `restored` takes one away.

    References:
        OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection.

    >>> defused("=1+1"), defused("'=1"), defused("dose [mg]")
    ("'=1+1", "''=1", 'dose [mg]')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def restored(text: str) -> str:
    """The text that `defused` was given."""
    return text[1:] if _DEFUSED.match(text) else text


def to_csv(frame: pd.DataFrame, **options: Any) -> str:
    """A table as CSV without its index, titles and texts `defused`; `options` are those of `DataFrame.to_csv`.

    A column of numbers is left as it is, also where they are texts. Lines within a text end in ``\\n``.
    """
    safe = frame.copy()
    for j in range(frame.shape[1]):
        column = frame.iloc[:, j]
        if not (pd.api.types.is_numeric_dtype(column) or pd.to_numeric(column, errors="coerce").notna().all()):
            cells = [defused(_BREAK.sub("\n", v)) if isinstance(v, str) else v for v in column]
            safe.isetitem(j, np.array(cells, dtype=object))
    safe.columns = [defused(name) if isinstance(name, str) else name for name in frame.columns]
    return safe.to_csv(index=False, **options)


def read_again(frame: pd.DataFrame) -> pd.DataFrame:
    """What `to_csv` was given, from what `pandas.read_csv` makes of its text."""
    done = frame.rename(columns=lambda name: restored(name) if isinstance(name, str) else name)
    for name in done.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in done.dtypes]]:
        done[name] = [restored(v) if isinstance(v, str) else v for v in done[name]]
    return done
