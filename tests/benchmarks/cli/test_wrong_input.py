"""What fuzzing found, and its kin, by name: one line that says what is wrong, nothing obeyed, nothing half-written."""

from __future__ import annotations

import io
import sys

import pandas as pd
import pytest
from fuzzing import CELLS, NUMBERS, SUITE, try_on
from scmbench.benchmarks.cli import app
from scmbench.benchmarks.cli.plain import one_line, printable

TABLE = "x1;x2;x3\n" + "".join(f"{i / 7:.3f};{i % 5};{(i * i) % 11 - 4.5}\n" for i in range(12))
GRAPH = "x1 -> x2\nx1 -> x3\nx2 -> x3\n"
FIT = ["fit", "own.csv", "--graph", "graph.txt", "--model", "linear", "--n", "3"]


@pytest.fixture
def world(tmp_path):
    """Inputs of the commands that train nothing."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    files = {"toy.toml": SUITE, "toy_numbers.toml": NUMBERS, "toy_numbers.csv": CELLS, "graph.txt": GRAPH}
    for name, text in {**files, "own.csv": TABLE.replace(";", ",")}.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("word", ["a\0b", "\ud800", "\0"])
@pytest.mark.parametrize("words", [["show"], ["fit"], ["report", "--out"], ["new-model"], []])
def test_an_argument_that_is_no_text_is_named(world, words, word):
    outcome = try_on(world, [*words, word])
    assert outcome.code == 2
    assert repr(word) in outcome.err


@pytest.mark.parametrize("file", ["toy.toml", "toy_numbers.toml", "toy_numbers.csv"])
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a = " + b"[" * 20_000, b"\x80"])
def test_suite_and_numbers_that_are_no_text(world, file, content):
    outcome = try_on(world, ["run", "toy.toml", "--dry-run"], files={file: content})
    assert outcome.code == 2
    assert file in outcome.err


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ('how = "made up"', "how = 3", "how must be a str"),
        ('how = "made up"', 'notes = [1]\nhow = ""', "notes must hold texts, found 1"),
        ('authors = ["A. Author"]', "authors = [1]", "source.authors must hold texts"),
        ('model = "linear"', 'model = "linear"\nlabel = 3', "models.lin.label must be a str"),
        ('model = "linear"', 'model = "linear"\ncolour = "red"', "unknown key(s) ['colour']"),
        ("[models.lin]\nmodel", "[models]\nlin", "models.lin must be a table"),
        ("check/{scm}", "check/{scm", "expected '}'"),
        ("check/{scm}", "check/{0}", "name of a column in the braces"),
        ("check/{scm}", "check/{scm.x}", "name of a column in the braces"),
        ("check/{scm}", "check/{scm!r:>9}", "name of a column in the braces"),
    ],
)
def test_published_numbers_are_checked_key_by_key(world, old, new, cause):
    assert old in NUMBERS
    outcome = try_on(
        world, ["run", "toy.toml", "--dry-run"], files={"toy_numbers.toml": NUMBERS.replace(old, new).encode()}
    )
    assert outcome.code == 2
    assert cause in outcome.err


def test_more_seeds_than_anybody_wants_are_refused_at_once(world):
    suite = SUITE.replace("seeds = 2", f"seeds = {10**15}")
    outcome = try_on(world, ["run", "toy.toml", "--dry-run"], files={"toy.toml": suite.encode()})
    assert outcome.code == 2
    assert "toy.toml:3: seeds = 1000000000000000 are more than 1,000,000" in outcome.err


def test_control_characters_of_a_name_are_spelled_out(world):
    outcome = try_on(world, ["show", "\x1b[31mred\x07"])
    assert outcome.code == 2
    assert "\x1b" not in outcome.err
    assert "\\x1b[31mred" in outcome.err


def test_messages_are_one_line_and_obey_nothing():
    assert one_line(" a \n\t b\u2028c\x85d ") == "a b c d"
    assert printable("é [red] \x1b \ud800 \u202e") == "é [red] \\x1b \\ud800 \\u202e"


def test_markup_in_a_title_is_text(world):
    suite = SUITE.replace('title = "toy"', 'title = "[bold]dose [mg][/] :smile: [link=x]"')
    outcome = try_on(world, ["run", "toy.toml", "--dry-run"], files={"toy.toml": suite.encode()})
    assert "[bold]dose [mg][/] :smile: [link=x]: 4 records" in outcome.out


def test_a_terminal_without_unicode_gets_the_message(world, monkeypatch):
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="latin-1") for _ in range(2)]
    monkeypatch.setattr(sys, "argv", ["scmbench", "show", "Bögen✓"])
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    with pytest.raises(SystemExit):
        app.main()
    streams[1].flush()
    assert b"B\xf6gen\\u2713" in streams[1].buffer.getvalue()


def test_a_closed_output_is_one_line(monkeypatch, capsys):
    def closed(**_):
        raise BrokenPipeError

    monkeypatch.setattr(app.cli, "main", closed)
    with pytest.raises(SystemExit) as done:
        app.main()
    assert done.value.code == 3
    assert capsys.readouterr().err.strip() == "error: the output was closed before all of it was written"


def test_a_question_that_will_be_refused_is_refused_before_the_training(world):
    """Its other answers are not written either."""
    rows = b"x1,x2,x3\n1,2,3\n1,,3\n"
    outcome = try_on(world, [*FIT, "--do", "x1=1", "--counterfactual", "rows.csv"], files={"rows.csv": rows})
    assert outcome.code == 2
    assert "column 'x2' has missing values" in outcome.err


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_are_read_where_nothing_contradicts_them(world, separator):
    table = TABLE.replace(".", ",").replace(";", separator)
    outcome = try_on(world, FIT, files={"own.csv": table.encode()})
    assert outcome.code == 0
    assert "numbers have a decimal comma, such as '0,000' in line 2, column 'x1'" in outcome.err


@pytest.mark.parametrize(
    ("cells", "cause"),
    [
        (
            "0,5;1.5;2",
            "line 2, column 'x1': '0,5' has a decimal comma, and '1.5' in line 2, column 'x2', has a decimal",
        ),
        ("0,5;1.234,5;2", "column 'x2': '1.234,5' is no number: separators of thousands and a decimal comma?"),
        ("1,234;2;3", "'1,234' has a decimal comma, or separates thousands?"),
        ("1,234,567;0,5;3", "'1,234,567' is no"),
    ],
)
def test_decimal_commas_that_something_contradicts_are_refused(world, cells, cause):
    outcome = try_on(world, FIT, files={"own.csv": f"x1;x2;x3\n{cells}\n".encode()})
    assert outcome.code == 2
    assert cause in outcome.err


def test_formulas_as_names_are_kept_from_spreadsheets_and_read_again(world, tmp_path):
    graph = '{"directed": true, "nodes": [{"id": "=x"}, {"id": "@y"}], "links": [{"source": "=x", "target": "@y"}]}'
    table = "=x,@y,id\n" + "".join(f"{i / 7},{(i * i) % 5 / 2},-{i}+1\n" for i in range(12))
    files = {"g.json": graph.encode(), "own.csv": table.encode()}
    words = ["fit", "own.csv", "--graph", "g.json", "--model", "linear", "--do", "=x=1", "--counterfactual", "own.csv"]
    for name, content in files.items():
        (world / name).write_bytes(content)
    from fuzzing import run

    assert run(world, [*words, "--n", "3"]).code == 0
    again = pd.read_csv(world / "fitted/counterfactuals.csv")
    assert list(again) == ["id", "'=x", "'@y"]
    assert again["id"].str.startswith("'-").all()
    asked = ["ask", "fitted/model", "--do", "=x=1", "--counterfactual", "fitted/counterfactuals.csv", "--out", "new"]
    assert run(world, asked).code == 0


def test_a_cycle_is_told_by_repr(world):
    outcome = try_on(world, FIT, files={"graph.txt": b"x1 -> x2\nx2 -> x3\nx3 -> x1\n"})
    assert "'x1' -> 'x2' -> 'x3' -> 'x1'" in outcome.err


@pytest.mark.parametrize("limit", ["nan", "inf", "-1", "0"])
@pytest.mark.parametrize("what", ["time_limit", "memory_limit"])
def test_a_limit_that_limits_nothing_is_refused_before_anything_is_done(world, what, limit):
    option = "--" + what.replace("_", "-")
    outcome = try_on(world, ["run", "toy.toml", "--store", "new", option, limit])
    assert outcome.code == 2
    assert f"{what} = {float(limit)!r}; expected a number above 0" in outcome.err
    assert not (world / "new").exists()


def test_more_rows_than_a_memory_holds_are_refused(world):
    outcome = try_on(world, [*FIT[:-1], "999999999999"])
    assert outcome.code == 2
    assert "--n" in outcome.err


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--seed", "0", "--seeds", "2"], "give one of the two"),
        (["--seed", "-1"], "--seed"),
        (["--seeds", "0"], "seed 0 alone is --seed 0"),
        (["--shard", "0/2"], "'0/2': write 2/4"),
        (["--shard", "3/2"], "'3/2': write 2/4"),
        (["--shard", "2"], "'2': write 2/4"),
        (["--shard", "1/9999999999"], "of at most 100,000"),
        (["--shard", "²/4"], "'²/4': write 2/4"),
    ],
)
def test_seeds_and_shards_that_mean_nothing(world, words, cause):
    outcome = try_on(world, ["run", "toy.toml", *words])
    assert outcome.code == 2
    assert cause in outcome.err


@pytest.mark.parametrize("name", ["", ".", "..", "/", "x" * 3000])
def test_published_numbers_of_no_possible_name(world, name):
    outcome = try_on(world, ["published", "check", name])
    assert outcome.code == 2
    assert f"no published numbers {name!r}"[:60] in outcome.err
