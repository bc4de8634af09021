"""What the instrument sees over the number of training rows, from the committed run of `theory-sizes`: its table.

``python docs/catalogue.py`` writes it. Where there is no such run, the table is the sentence that says so.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from learning import world_and_rows
from queries import run
from scmbench.benchmarks.judging.mechanisms import ALPHA, ERROR, mechanisms, passes
from scmbench.benchmarks.judging.methods import title
from scmbench.benchmarks.reporting.render import DASH, number
from shown import not_run, plain, table, there, write

OUT = Path(__file__).parent / "numbers" / "questions" / "tables"
SUITE = "theory-sizes"


def main() -> None:
    """Write the table."""
    write(tables(), OUT)


def tables() -> dict[str, str]:
    """Markdown by name: that of the suite."""
    return {SUITE: sizes(fitted(run(SUITE).rows)) if there(SUITE) else not_run(SUITE)}


def fitted(rows: pd.DataFrame) -> pd.DataFrame:
    """A line a fitted mechanism (`mechanisms`), its dataset told as ``world`` and number of ``rows``."""
    lines = mechanisms(rows)
    lines[["world", "rows"]] = [world_and_rows(name, SUITE) for name in lines["dataset"]]
    return lines


def sizes(lines: pd.DataFrame) -> str:
    """A line a world, method and number of rows: medians over nodes and seeds, and how many are seen to depend."""
    told = []
    by_method = lines.groupby(["world", "model", "variant"], sort=False, dropna=False)
    for (world, model, variant), part in by_method:
        for size, own in part.groupby("rows"):
            shown = own.dropna(subset=["hsic"])
            seen = [DASH] * 4
            if len(shown):
                low, passing = int((shown["hsic_p"] < ALPHA).sum()), int(passes(shown).sum())
                again = number(float(shown["reconstruction"].median()))
                seen = [
                    number(float(shown["hsic"].median())),
                    f"{low} of {len(shown)}",
                    again,
                    f"{passing} of {len(shown)}",
                ]
            names = plain(str(world)), plain(title(str(model), str(variant)))
            told.append([*names, f"{int(str(size)):,}", *seen, number(float(own[ERROR].median()))])
    head = ["world", "method", "training rows", "HSIC", f"p < {ALPHA}", "reconstruction", "pass", "true error"]
    return table(head, told, left=2)


if __name__ == "__main__":
    main()
