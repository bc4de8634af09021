"""``scmbench community``: other people's rows, checked and set in a table beside the committed ones."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .arguments import complain, errors, say, slowly
from .plain import one_line, printable

if TYPE_CHECKING:
    from ..gate.submission import Submission
    from ..records.results import Results
    from ..running.planner import Trial

HOME = Path("results/community")

DRAWS = 2**31
"""Numbers that a draw may have."""

_DRAW = "Draw the record by this number; default: another one each time, which is said."


@click.group("community")
def community() -> None:
    """Other people's rows: submissions of one method on one suite, each a folder."""


@community.command("check", epilog="Exit codes: 0 it holds; 1 it does not; 2 a wrong call or card.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--draw", type=click.IntRange(0, DRAWS), help=_DRAW)
@click.option("--no-draw", "only_look", is_flag=True, help="Look at card, keys and records; compute nothing.")
@click.option(
    "--time-limit", type=float, help="Seconds that the drawn record may take; default: the suite's, else 3600."
)
@click.pass_context
def check(context: click.Context, folder: Path, draw: int | None, only_look: bool, time_limit: float | None) -> None:
    """Check the submission in FOLDER: its card, that all records are there, and that a drawn one comes out again.

    The method has to be installed here as it was there: a record's key holds the digest of its code.
    """
    from ..gate import submission

    found = submission.read(folder)
    with slowly("planning"):
        asked = submission.asked(found)
    say((found.entry.title, "bold"), f" on {found.suite.name}, by {', '.join(found.authors)}: {found.url}")
    against = list(submission.objections(found, asked))
    for line in against:
        complain(line)
    if against or only_look:
        context.exit(int(bool(against)))
    number = secrets.randbelow(DRAWS) if draw is None else draw
    one = submission.drawn(found, asked, number)
    if one is None:
        complain("none of its records has a score that could be computed again with the data that are here")
        context.exit(1)
    say(f"drawn by --draw {number}: {one.identity.dataset} seed {one.identity.seed}")
    context.exit(int(not _comes_out(found, one, time_limit)))


def _comes_out(found: Submission, one: Trial, time_limit: float | None) -> bool:
    """Compute one record anew, and say score by score whether it is as submitted."""
    from rich.console import Console

    from ..gate.submission import HOLDS, compared
    from ..records.store import Store
    from ..running import engines
    from ..running.planner import plan
    from ..running.run import compute
    from .telling import tabulate

    alone = found.part.narrow(seeds=[one.identity.seed], scms=[one.identity.dataset])
    seconds = next(t for t in (time_limit, found.suite.time_limit, engines.TIME_LIMIT) if t is not None)
    run_batches, processes = engines.named("pool", workers=1, time_limit=seconds)
    with tempfile.TemporaryDirectory(prefix="scmbench-") as place:
        store = Store(place)
        results = compute(
            plan(alone, store), store, run_batches, workers=processes, console=Console(quiet=True)
        ).results()
    for line in results.provenance.to_dict("records"):
        if line["status"] != "ok":
            complain(f"computed here it is {line['status']}: {line['message']}")
            return False
    scores = compared(found, one, results)
    lines = [
        [
            " ".join(filter(None, [r["query"], r["node"], r["member"], r["metric"]])),
            *(f"{r[side]:.6g}" for side in ("submitted", "here")),
            "held" if r["held"] else "differs",
        ]
        for r in scores.to_dict("records")
    ]
    tabulate("One record, computed again", ["score", "submitted", "here", ""], lines)
    differing = int((~scores["held"]).sum())
    if differing:
        complain(f"{differing} of {len(scores)} scores are beyond {HOLDS} times what its submitted seeds span")
    return not differing


@community.command("table")
@click.argument("folder", type=click.Path(path_type=Path), default=HOME)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file, too.")
def table(folder: Path, out: Path | None) -> None:
    """The submissions below FOLDER in Markdown: ranked with the committed methods of their suites, suite by suite."""
    from ..gate import submission
    from .outputs import check_writable, write

    if out is not None:
        check_writable(out.parent)
    if not folder.is_dir():
        raise click.UsageError(f"{str(folder)!r} is no folder of submissions")
    found = [submission.read(path.parent) for path in sorted(folder.glob(f"*/{submission.CARD}"))]
    by_suite: dict[str, list[Submission]] = {}
    for one in found:
        by_suite.setdefault(one.suite.name, []).append(one)
    text = "\n\n".join(_ranked(some) for some in by_suite.values()) or "No submissions yet."
    click.echo(printable(text))
    if out is not None:
        write(out, text + "\n")
        say(f"written: {out}", to=errors)


def _ranked(submissions: Sequence[Submission]) -> str:
    """The submissions of one suite: whose they are, then ranks with the committed methods, rung by rung."""
    from functools import reduce

    from ..gate.revision import joined
    from ..judging.contests import friedman
    from ..judging.notes import SUSPECT, notes_of
    from ..judging.ranking import ranks
    from ..records import committed, taken
    from ..reporting.render import markdown
    from ..reporting.tables.ranking import rank_table
    from ..running.beside import side_by_side

    suite = submissions[0].suite.with_models([one.entry for one in submissions])
    own: Results = reduce(joined, (one.run for one in submissions))
    home = committed.home_of(suite)
    if (home / committed.ABOUT).exists():
        own = side_by_side(suite, committed.read(home).of(suite), own, "the committed run")
    results = own.of(suite)
    found = results.rungs()
    parts = [f"## {suite.title}"]
    for one in submissions:
        commits = ", ".join(sorted({str(e.get("commit"))[:7] for e in one.run.about["environments"]}))
        whose = f"{', '.join(one.authors)}, <{one.url}>; `{one.install}`; scmbench at {commits}"
        parts.append(one_line(f"- **{one.entry.title}**: {whose}"))
    parts += [markdown(rank_table(rung, ranks(found), friedman(rung))) for rung in found]
    if origins := taken.told(results.provenance):
        parts.append(f"All others: {origins}")
    titles = {(one.entry.label, one.entry.variant): one.entry.title for one in submissions}
    doubted = {
        titles[row["model"], row["variant"]]
        for row in results.provenance.fillna({"variant": ""}).to_dict("records")
        if (row["model"], row["variant"]) in titles and any(note.status == SUSPECT for note in notes_of(row))
    }
    if doubted:
        parts.append(f"§ Scores that no honest method has: {', '.join(sorted(doubted))}.")
    return "\n\n".join(parts)
