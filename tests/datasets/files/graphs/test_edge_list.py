"""Edge lists and matrices: what is an edge, what is a name, and what is refused because it could be both."""

from __future__ import annotations

import pytest
from scmbench.datasets import ValuesError
from scmbench.datasets.files.graphs import read_graph

EDGES = {("age", "dose"), ("age", "blood pressure"), ("dose", "blood pressure")}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.txt", "# who causes whom\nage -> dose\nage -> blood pressure\n\ndose -> blood pressure  # strong\n"),
        ("g.txt", 'age->dose\n"age" -> "blood pressure"\n\'dose\' -> blood pressure # was dose -> age\r\n'),
        ("g.csv", "source,target\nage,dose\nage,blood pressure\ndose,blood pressure\n"),
        ("g.csv", "effect,cause\ndose,age\nblood pressure,age\nblood pressure,dose\n"),
        ("g.csv", 'From Node,"To Node",weight\nage,dose,2\nage,blood pressure,-.5\ndose,blood pressure,1e-3\n'),
        ("g.csv", ",parent,child\n0,age,dose\n1,age,blood pressure\n2,dose,blood pressure\n"),
        ("g.csv", "age,dose,1\nage,blood pressure,0.5\ndose,blood pressure,2\n"),
        ("g.csv", "age;dose;0,5\nage;blood pressure;1,5\ndose;blood pressure;2\n"),
        ("g.tsv", "cause\teffect\nage\tdose\nage\tblood pressure\ndose\tblood pressure\n"),
        ("g.edges", '"age";"dose"\n"age";"blood pressure"\n"dose";"blood pressure"\n'),
        ("g", '"age" "dose"\n"age" "blood pressure"\n"dose" "blood pressure"\n'),
        ("g.csv", ",age,dose,blood pressure\nage,0,1,1\ndose,0,0,1.0\nblood pressure,0,0,0\n"),
        ("g.csv", ",age,dose,blood pressure\nblood pressure,0,0,0\nage,0,2.5,-1\ndose,0,0,1\n"),
        ("g.txt", '"age" "dose" "blood pressure"\n"age" 0 1 1\n"dose" 0 0 1\n"blood pressure" 0 0 0\n'),
    ],
)
def test_the_same_graph_in_every_way_of_writing_it(read, name, text):
    assert set(read(name, text).edges) == EDGES


def test_a_name_alone_is_a_node(read):
    graph = read("g.txt", "a -> b\nc\n'heart rate'\n")
    assert list(graph) == ["a", "b", "c", "heart rate"]
    assert list(graph.edges) == [("a", "b")]


def test_quotes_hold_what_else_would_divide(read):
    graph = read("g.csv", '"Blood pressure, systolic",risk\nage,"say ""x -> y;"""\n"# of visits",risk\n')
    assert set(graph) == {"Blood pressure, systolic", "risk", "age", 'say "x -> y;"', "# of visits"}


def test_blanks_divide_names_only_where_the_columns_say_so(read, refusal):
    """``blood pressure`` is one node to its author, and was an edge to the reader of lines."""
    assert list(read("g.txt", "a b\nb c\n", ["a", "b", "c"]).edges) == [("a", "b"), ("b", "c")]
    assert list(read("g.edges", "a b\nc\n").edges) == [("a", "b")]
    for columns in (None, ["blood pressure"], ["blood pressure", "blood", "pressure"]):
        assert "line 1: 'blood pressure' may be a name or an edge" in refusal("g.txt", "blood pressure\n", columns)
    assert "line 2: 'blood pressure' may be" in refusal("g.txt", "age -> risk\nblood pressure\n")


def test_what_is_ignored_or_taken_to_mean_something_is_said(read):
    assert read("g.csv", "a,b,0.5\nb,c,2\n").graph["notes"] == ["edges have weights, which are ignored (lines 1 and 2)"]
    matrix, weights = read("g.csv", ",a,b\na,0,3\nb,0,0\n").graph["notes"]
    assert "a row's node is the cause" in matrix
    assert weights == "1 of the entries is neither 0 nor 1: weights, which are ignored"
    assert "stands more than once" in read("g.csv", "a,b\na,b\n").graph["notes"][0]
    assert read("g.txt", "a -> b").graph["notes"] == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a -> b\na -> b -> c", "line 2: 'a -> b -> c' is no edge; write cause -> effect"),
        ("a,b\nb,", "line 2: 'b,' is no edge"),
        ("a -> b;", "line 1: 'b;' is no name without quotes: it holds ';'"),
        ("x -> y\nX3 --> X4", "line 2: 'X3 -' is no name without quotes"),
        ("a=>b", "line 1: 'a=>b' is no name without quotes: it holds '=>'"),
        ("b<-a", "line 1: 'b<-a' is no name without quotes: it holds '<-'"),
        ("X <-> Y", "line 1: 'X <' is no name"),
        ("X o-> Y", "line 1: 'X o-> Y' has a mark at its arrow"),
        ("X ->o Y", "line 1"),
        ("a -- b", "line 1: '--' is no name"),
        ("a --- b", "line 1: '---' is no name"),
        ("a → b", "line 1: '→' is no name"),
        ("y ~ x", "line 1: '~' is no name"),
        ("y~x", "line 1: 'y~x' is no name"),
        ("a: b, c", "line 1: 'a: b' is no name"),
        ("a|b", "line 1: 'a|b' is no name"),
        ("{a b} -> c", "line 1: '{a b}' is no name"),
        ("a -> {b c}", "line 1: '{b c}' is no name"),
        ("a -> b [w=1]", "line 1: 'b [w=1]' is no name"),
        ("1. a -> b", "line 1: '1. a' is no name"),
        ("a -> b 0.5", "line 1: 'b 0.5' is no name"),
        ("a, b -> c", "line 1: 'a, b -> c' holds a comma"),
        ("age # years -> dose", "line 1: 'age' stands before a # and an arrow"),
        ("sensor #1 -> sensor #2", "line 1: '#' in 'sensor #1 -> sensor #2': quote the name"),
        ("a,b # c", "line 1: '#' after 'a,b'"),
        ("a -> 'b", 'line 1: "\'b": the quote is open'),
        ('a -> "b" c', "line 1: 'a -> \"b\" c': quote a name as a whole"),
        ("a b {}", "line 1: 'a b {}' may be a name or an edge"),
        ("a,b,c", "line 1: 'a,b,c' is no edge: 'c' is no weight"),
        ("a,b,0", "line 1: 'a,b,0' has the weight 0: is it an edge?"),
        ("a,b,nan", "line 1: 'a,b,nan' is no edge: 'nan' is no weight"),
        ("a,b,1\nc,d", "line 2: 'c,d' has 2 entries, others have 3"),
        ("a;b,c", "line 1: 'a;b,c': which of [',', ';'] separates?"),
        ("from,to,lag\na,b,1", "line 1: the column 'lag' is not understood"),
        ("node1,node2\na,b", "line 1: the titles ['node1', 'node2'] do not say which is the cause"),
        ("0,1,1\n0,0,1\n0,0,0", "line 1: a square of numbers"),
        ("0 1\n0 0", "line 1: a square of numbers"),
        (",X,Y\nX,0,1\nY,1,0", "line 2: 'X' and 'Y' are joined in both directions"),
        (",X,Y\nX,0,1\nZ,0,0", "line 1: the rows are called ['X', 'Z'], the columns ['X', 'Y']"),
        (",X,Y\nX,0,\nY,0,0", "line 2: '' in the column 'Y' is no number"),
        (",X,Y\nX,0\nY,0,0", "line 2: 1 number for the columns ['X', 'Y']"),
        (",X,X\nX,0,0\nX,0,0", "line 1: the name 'X' stands twice"),
        (",X,Y\nX,1,0\nY,0,0", "the graph has a cycle: 'X' -> 'X'"),
        ("a -> b\nb -> c\nc -> a", "cycle: 'a' -> 'b' -> 'c' -> 'a'; a causal graph must not (lines 1, 2 and 3)"),
        ("# nothing", "g.txt holds no node"),
        ("", "g.txt holds no node"),
    ],
)
def test_what_could_be_two_things_or_none_is_refused_by_line(refusal, text, complaint):
    assert complaint in refusal("g.txt", text)


def test_the_suffixes_that_are_read_are_told(refusal, read, tmp_path):
    assert "not read from '.pdf' files; read are edge lists" in refusal("g.pdf", "a -> b")
    with pytest.raises(ValuesError, match="there is no such file"):
        read_graph(tmp_path / "none.txt")
    (tmp_path / "g.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ValuesError, match="cannot be read as text"):
        read_graph(tmp_path / "g.txt")
