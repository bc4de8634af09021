"""Tables in a terminal: no word is folded at any width, floors leave first, long lists stay short."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from scmbench.benchmarks.reporting.render import Section, Table, Text, to_rich

NAMES = [f"carefl, standard spline {i} (reference)†" for i in range(7)]
SCORES = Table(
    "overview",
    "Medians",
    ["SCM", "score", *NAMES, "oracle", "identity"],
    [
        Section("nadd (nonadditive)"),
        *[
            ["diamond/nadd", f"CF MSE ({i}) ‡", *["0.247 ✓ 0.251"] * 7, Text("–", word="unsupported"), "0"]
            for i in "ab"
        ],
    ],
    ["a note"],
    left=2,
    apart=2,
)
WORDS = Table(
    "failures",
    "What has no score, and why",
    ["status", "method", "records", "where", "why"],
    [["failed", "carefl, one scaler", "3", "chain/nlin seed 3, y/nlin seed 4, …", "ValueError: wrong " * 9]],
    left=5,
)


def lines(table, width):
    console = Console(width=width, file=io.StringIO(), markup=False)
    console.print(to_rich(table))
    return console.file.getvalue().splitlines()


def words(table):
    texts = [*table.columns, *table.notes]
    for row in table.rows:
        texts += [row.heading] if isinstance(row, Section) else [getattr(e, "text", e) for e in row]
    return {word for text in texts for word in text.split()}


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("table", [SCORES, WORDS], ids=["scores", "words"])
def test_no_word_is_folded_and_no_line_is_too_long(table, width):
    printed = lines(table, width)
    assert max(map(len, printed)) <= width
    assert words(table) <= {word for line in printed for word in line.split()}


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_row_stays_on_its_line_beside_its_names(width):
    rows = [line for line in lines(SCORES, width) if line.startswith("diamond/nadd")]
    assert all("CF MSE (" in line for line in rows)
    assert sum(line.count("0.247 ✓ 0.251") for line in rows) == 14


def test_floors_leave_for_a_table_of_their_own_only_where_it_is_too_narrow():
    narrow, wide = lines(SCORES, 80), lines(SCORES, 300)
    (own,) = [line for line in narrow if line.endswith("oracle  identity")]
    assert own.split() == ["SCM", "score", "oracle", "identity"]
    assert any("(reference)†" in line and "oracle" in line for line in wide)


def test_a_word_wider_than_the_terminal_is_all_that_is_folded():
    path = "/".join(["a_folder"] * 20)
    table = Table("t", "t", ["what", "where"], [["record", path]], left=2)
    printed = lines(table, 80)
    assert max(map(len, printed)) <= 80
    body = printed[next(i for i, line in enumerate(printed) if line.startswith("record")) :]
    assert path in "".join(line[6:].strip() for line in body)
