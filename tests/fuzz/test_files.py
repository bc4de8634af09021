"""Every kind of file that a command reads, edited at random: it is read, or refused in one line."""

from __future__ import annotations

import json

import pytest
from examples import edited_bytes, edited_json, edited_text, examples, hostile
from fuzzing import CELLS, NUMBERS, SUITE, record_files, signed, try_on
from hypothesis import given
from hypothesis import strategies as st

FIT = ["fit", "own.csv", "--model", "linear", "--n", "3", "--graph"]
TABLE = "x1,x2,x3\n" + "".join(f"{i / 7:.3f},{i % 5},{(i * i) % 11 - 4.5}\n" for i in range(12))
GRAPHS = {
    "g.txt": '# causes\nx1 -> x2\n"x1" -> x3  # a comment\nx2 -> x3\n',
    "g.csv": "cause,effect,weight\nx1,x2,0.5\nx1,x3,1\nx2,x3,-2\n",
    "matrix.csv": ",x1,x2,x3\nx1,0,1,1\nx2,0,0,1\nx3,0,0,0\n",
    "g.dot": "strict digraph G {\n node [shape=box];\n"
    ' a [label="x1"]; b [label=x2]; x3;\n a -> {b x3} [w=1];\n b -> x3\n}\n',
    "g.dag": 'dag {\n bb="0,0,1,1"\n x1 [exposure,pos="0,1"]\n x2\n x3 [outcome]\n x1 -> x2\n x1 -> x3\n x2 -> x3\n}\n',
    "g.gml": 'graph [\n directed 1\n node [ id 0 label "x1" ]\n node [ id 1 label "x2" ]\n node [ id 2 label "x3" ]\n'
    " edge [ source 0 target 1 ]\n edge [ source 0 target 2 ]\n edge [ source 1 target 2 weight 0.5 ]\n]\n",
    "g.graphml": '<?xml version="1.0"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    '<key id="l" for="node" attr.name="label" attr.type="string"/>\n<graph edgedefault="directed">\n'
    '<node id="a"><data key="l">x1</data></node>\n<node id="b"><data key="l">x2</data></node>\n'
    '<node id="x3"><data key="l">x3</data></node>\n<edge source="a" target="b"/>\n<edge source="b" target="x3"/>\n'
    "</graph>\n</graphml>\n",
    "g.json": json.dumps(
        {
            "directed": True,
            "multigraph": False,
            "nodes": [{"id": "x1"}, {"id": "x2"}, {"id": "x3"}],
            "links": [{"source": "x1", "target": "x2"}, {"source": "x2", "target": "x3", "weight": 2}],
        }
    ),
    "tetrad.txt": "Graph Nodes:\nx1;x2;x3\n\nGraph Edges:\n1. x1 --> x2 nl\n2. x2 --> x3\n\n"
    "Graph Attributes:\nBIC: -3.2\n",
    "bn.txt": "[x1][x2|x1][x3|x1:x2]\n",
}


@pytest.mark.parametrize("name", sorted(GRAPHS))
@examples(8)
@given(data=st.data())
def test_graphs(world, name, data):
    content = data.draw(edited_text(GRAPHS[name]))
    try_on(world, [*FIT, name], files={name: content, "own.csv": TABLE.encode()})


@examples(14)
@given(content=edited_text(TABLE) | edited_text(TABLE.replace(",", ";").replace(".", ",")))
def test_tables(world, content):
    try_on(world, [*FIT, "graph.txt"], files={"own.csv": content})


@examples(14)
@given(data=st.data())
def test_parquet(world, data):
    content = data.draw(edited_bytes((world / "own.parquet").read_bytes()))
    try_on(world, ["fit", "own.parquet", *FIT[2:], "graph.txt"], files={"own.parquet": content})


NAMES = ["x1", "x2", "x3"]


@examples(14)
@given(names=st.lists(hostile, min_size=3, max_size=3, unique=True))
def test_a_table_and_its_graph_under_any_names(world, names):
    """Whatever a column is called, on both sides and in the answers."""
    table = json.dumps({"directed": True, "nodes": [{"id": n} for n in names], "links": []})
    import csv
    import io

    text = io.StringIO()
    csv.writer(text).writerows([names, *[line.split(",") for line in TABLE.splitlines()[1:]]])
    files = {"g.json": table.encode(), "own.csv": text.getvalue().encode("utf-8", "surrogatepass")}
    do = ["--do", f"{names[0]}=1", "--effect", names[1], "--versus", f"{names[0]}=0", "--counterfactual", "own.csv"]
    outcome = try_on(world, [*FIT, "g.json", *do], files=files)
    assert outcome.code is not None


@examples(14)
@given(rows=edited_text("id,x1,x2,x3\na,1,2,3\nb,0.5,,1\nc,-1,2e3,NA\n"), do=edited_text("x1\n1\n2\n-0.5\n"))
def test_rows_and_values_to_ask_about(world, rows, do):
    files = {"rows.csv": rows, "do.csv": do}
    try_on(world, ["ask", "fitted/model", "--do-file", "do.csv", "--counterfactual", "rows.csv"], files=files)
    try_on(world, ["ask", "fitted/model", "--do", "x1=1", "--counterfactual", "rows.csv"], files=files)


@examples(14)
@given(content=edited_text(SUITE))
def test_suites(world, content):
    for words in (["run", "toy.toml", "--dry-run"], ["show", "toy.toml"]):
        try_on(world, words, files={"toy.toml": content})


@examples(14)
@given(content=edited_text(NUMBERS), cells=st.just(CELLS.encode()) | edited_text(CELLS))
def test_published_numbers(world, content, cells):
    try_on(world, ["compare", "toy.toml"], files={"toy_numbers.toml": content, "toy_numbers.csv": cells})


@examples(14)
@given(data=st.data())
def test_records(world, data):
    path = data.draw(st.sampled_from(record_files(world)))
    content = json.loads(path.read_text())
    written = data.draw(
        edited_json(content).map(lambda x: signed(x) if isinstance(x, dict) else json.dumps(x).encode())
        | edited_bytes(path.read_bytes())
    )
    command = data.draw(st.sampled_from([["show"], ["compare"], ["report", "--out", "made"], ["run", "--dry-run"]]))
    words = [command[0], "toy.toml", *command[1:]]
    assert try_on(world, words, files={str(path.relative_to(world)): written}).code in (0, 1, 2)


@examples(14)
@given(data=st.data())
def test_committed_runs(world, data):
    path = data.draw(st.sampled_from(sorted((world / "committed/toy").iterdir())))
    content = data.draw(edited_text(path.read_text()))
    command = data.draw(
        st.sampled_from(
            [
                ["compare", "toy.toml"],
                ["report", "toy.toml", "--from", "committed", "--out", "made"],
                ["regress", "toy.toml"],
                ["committed", "tolerances", "toy.toml"],
            ]
        )
    )
    try_on(world, command, files={str(path.relative_to(world)): content})


@examples(14)
@given(data=st.data())
def test_saved_models(world, data):
    path = data.draw(st.sampled_from(sorted((world / "fitted/model").iterdir())))
    content = data.draw(edited_bytes(path.read_bytes()))
    if path.suffix == ".json" and data.draw(st.booleans()):
        content = data.draw(edited_json(json.loads(path.read_text())).map(lambda x: json.dumps(x).encode()))
    try_on(world, ["ask", "fitted/model", "--n", "3"], files={str(path.relative_to(world)): content})
