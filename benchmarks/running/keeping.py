"""What a run says of kept answers: which records come from them, which cannot be used, and what room they take."""

from __future__ import annotations

from ..records.answers import Shelf, of_record
from ..records.store import Store
from .planner import Plan


def from_kept(plan: Plan) -> list[str]:
    """A line on the records of a plan that come from kept answers, if any do."""
    return [f"{counted(plan.kept)} from kept answers: nothing is trained for them"] if plan.kept else []


def lacking(plan: Plan, store: Store) -> list[str]:
    """Lines on kept answers that cannot be used, and on those that will not be there."""
    lines = []
    if plan.shelf and (damaged := list(plan.shelf.damaged.values())):
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        lines.append(f"kept answers that cannot be used, so that models are asked again: {damaged[0]}{more}")
    if store.keeps_answers and (without := _without(plan)):
        lines.append(f"{counted(without)} finished before, with no answers kept: another --store has them made anew")
    return lines


def _without(plan: Plan) -> int:
    """How many finished records with scores have no answers kept."""
    return sum(
        record.status == "ok" and not (plan.shelf and plan.shelf.has(of_record(record)))
        for record in plan.finished.values()
    )


def after(plan: Plan, store: Store) -> list[str]:
    """A line on how many answers of this plan are kept and how much room they take, if they are being kept."""
    if not store.keeps_answers:
        return []
    shelf = Shelf(store)
    count, size = shelf.size(one.answers for one in plan.trials)
    return [f"answers of {counted(count)} are kept: {told(size)} in {shelf.folder}"]


def counted(count: int) -> str:
    """A number of records."""
    return "1 record" if count == 1 else f"{count} records"


def told(size: int) -> str:
    """Bytes in words.

    >>> told(1_234), told(5_600_000), told(7_800_000_000)
    ('1.2 kB', '5.6 MB', '7.8 GB')
    """
    unit, by = next((unit, by) for unit, by in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)) if size >= by or unit == "kB")
    return f"{size / by:.1f} {unit}"
