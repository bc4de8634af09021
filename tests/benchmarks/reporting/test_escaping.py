"""What writers write is read back as it was, by parsers that are not ours; LaTeX by its commands."""

from __future__ import annotations

import csv
import html
import io
import re
import string
import unicodedata
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import LABELS, hostile_table
from markdown_it import MarkdownIt
from rich.console import Console
from scmbench.benchmarks.records.spreadsheet import read_again, to_csv
from scmbench.benchmarks.reporting import escaping
from scmbench.benchmarks.reporting.render import Section, latex, markdown, to_html, to_rich

ANY = st.sampled_from(LABELS) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=15)
FEW = settings(max_examples=60, deadline=None)


def plain(text):
    """White space as Markdown and HTML see it."""
    return " ".join(text.split())


class Cells(HTMLParser):
    """The texts of a table's cells, and every tag there is."""

    def __init__(self, page):
        super().__init__()
        self.cells, self.tags, self.inside = [], set(), False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data


def expected(table):
    """The texts of a table, row by row."""
    rows = [[row.heading] if isinstance(row, Section) else [getattr(e, "text", e) for e in row] for row in table.rows]
    return [cell for row in [list(table.columns), *rows] for cell in row]


@FEW
@given(labels=st.lists(ANY, min_size=2, max_size=4))
def test_markdown_shows_every_text_as_it_is(labels):
    table = hostile_table(labels)
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown(table))
    found = Cells(page)
    assert found.tags <= {"h3", "table", "thead", "tbody", "tr", "th", "td", "strong", "em", "p"}
    rows = [plain(cell) for cell in found.cells]
    # A heading's row is filled up with empty cells.
    kept = [cell for cell in rows if cell]
    assert kept == [plain(cell) for cell in expected(table) if plain(cell)]


@FEW
@given(labels=st.lists(ANY, min_size=2, max_size=4))
def test_html_shows_every_text_as_it_is(labels):
    found = Cells(to_html(hostile_table(labels)))
    assert found.tags <= {*("figure", "figcaption", "div", "table", "thead", "tbody", "tr", "th", "td", "b", "p")}
    assert [plain(cell) for cell in found.cells] == [plain(cell) for cell in expected(hostile_table(labels))]


@FEW
@given(labels=st.lists(ANY, min_size=2, max_size=4))
def test_a_terminal_shows_every_text_as_it_is(labels):
    console = Console(width=4000, file=io.StringIO(), markup=False, emoji=False)
    console.print(to_rich(hostile_table(labels)))
    shown = plain(console.file.getvalue())
    assert all(plain(label) in shown for label in labels if label.isascii())


COMMAND = re.compile(
    r"\\texttt\{U\+(?P<code>[0-9A-F]{4,6})\}|\$[^$]*\$|\\(?:[a-z]+\{\}|[a-z]+|.)|\{[\[\]*]\}|[-,?!]\{\}|--|``|''|."
)


def unlatex(text):
    """The text that some LaTeX shows, by the table of commands read backwards."""
    known = {command: c for c, command in escaping._LATEX.items()}
    out = ""
    for found in COMMAND.finditer(text):
        if found["code"]:
            out += chr(int(found["code"], 16))
        else:
            assert found[0] in known or found[0] not in "\\{}$&#%_^~", (text, found[0])
            out += known.get(found[0], found[0])
    return out


@FEW
@given(text=ANY)
def test_latex_shows_every_text_as_it_is(text):
    written = escaping.latex(text)
    whole = unicodedata.normalize("NFC", re.sub(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+", " ", text).replace("\t", " "))
    # The micro sign is set as the letter, the warning by what fonts have.
    assert unlatex(written) == whole.replace("\u00b5", "μ").replace("⚠", "(!)")
    assert written.isprintable()


def test_a_row_of_latex_never_begins_with_an_argument_of_the_one_before():
    rows = latex(hostile_table(["[1cm]", "*", "[x]"])).split(r"\\")
    assert not any(re.match(r"\s*[\[*](?!\s*$)", row) for row in rows if not row.startswith("*\n"))


CELL = (
    st.none() | st.floats(allow_nan=False) | st.integers() | ANY | st.sampled_from(["＝1", "\t=1", "\r", "'=1", "''"])
)


@FEW
@given(cells=st.lists(st.tuples(CELL, ANY), min_size=1, max_size=6), titles=st.tuples(ANY, ANY))
def test_csv_runs_nowhere_and_is_read_again(cells, titles):
    frame = pd.DataFrame(cells, columns=pd.Index(titles, dtype=object), dtype=object)
    text = to_csv(frame)
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            number = re.fullmatch(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?|[+-]?inf", cell)
            assert number or not cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))
    if len(set(titles)) == 2 and all(titles):
        again = read_again(pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False))
        assert list(again.columns) == list(titles)
        assert again.iloc[:, 1].tolist() == [cell for _, cell in cells]


def test_numbers_of_a_csv_are_untouched():
    frame = pd.DataFrame({"-x": [-1.5, 2.0], "text": ["-2", "-2+3"], "=n": [1, -1], "number": ["-1", "+2"]})
    assert to_csv(frame) == "'-x,text,'=n,number\n-1.5,'-2,1,-1\n2.0,'-2+3,-1,+2\n"


@given(a=ANY, b=ANY)
@FEW
def test_names_of_files_are_safe_and_differ(a, b):
    names = [escaping.file_name(text) for text in (a, b)]
    assert all(set(name) <= {*string.ascii_letters, *string.digits, *"_.-"} and name.strip(".") for name in names)
    assert (names[0] == names[1]) == (a == b)


@pytest.mark.parametrize("label", ["a&b", "<i>", '"'])
def test_html_is_escaped_once(label):
    assert html.escape(label) in to_html(hostile_table([label, label]))
    assert html.escape(html.escape(label)) not in to_html(hostile_table([label, label]))
