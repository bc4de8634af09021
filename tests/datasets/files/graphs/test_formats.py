"""Formats with a grammar, construct by construct: read right, or refused by line."""

from __future__ import annotations

import json

import networkx as nx
import pytest

HIDDEN = "is hidden (latent): every node needs a column of the table"


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("digraph { a -> b -> c }", "ab bc"),
        ("strict digraph G { a -> b; a -> b }", "ab"),
        ("digraph{a->b b->c;;c->d}", "ab bc cd"),
        ("digraph { {a b} -> {c; d} -> e }", "ac ad bc bd ce de"),
        ("digraph { a -> b, c }", "ab ac"),
        ("digraph { subgraph cluster_x { label=x; a -> b; subgraph { b -> c } } c -> d }", "ab bc cd"),
        ("digraph { a -> subgraph x { b -> c } }", "ab ac bc"),
        ("digraph { subgraph x { a; b } subgraph x { c } -> d }", "ad bd cd"),
        ("digraph { a:n -> b:port:se; c [label=c] ; b -> c }", "ab bc"),
        ('digraph { "a" -> "b" + "" /* a -> c */ // a -> d\n# a -> e\n}', "ab"),
        ("DIGRAPH { Node [color=red] EDGE [dir=forward arrowhead=vee] graph [rankdir=LR]; x=y; a -> b }", "ab"),
        ("digraph { edge [dir=back] ; a -> b [dir=forward]; }", "ab"),
        ("digraph { subgraph { edge [dir=none] } a -> b [label=<<i>x</i> y>, style=dashed] }", "ab"),
        ('dag { a -> b <- c ; d [pos="1,-2"] \n bb="0,0,1,1" c -> d [beta=.5] }', "ab cb cd"),
        ('dag G { a [exposure] b [outcome,pos="0.1,0.2"] c [adjusted]\n c -> {a b} \n a -> b }', "ca cb ab"),
    ],
)
def test_dot_and_dagitty(read, text, edges):
    assert set(read("g.dot", text).edges) == {tuple(pair) for pair in edges.split()}


def test_what_stands_in_a_cluster_is_read(read):
    """The report: ``age`` and its edges stood in a cluster and were lost without a word."""
    text = 'digraph G { subgraph cluster_0 { label="background"; age -> income; age -> health; }  income -> health; }'
    assert set(read("cl.dot", text).edges) == {("age", "income"), ("age", "health"), ("income", "health")}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("graph { a -- b }", "line 1: the graph is undirected; a causal graph has edges from cause to effect"),
        ("pdag { a -> b }", "line 1: the graph is a PDAG"),
        ("digraph {\n a -- b }", "line 2: '--' is an undirected edge"),
        ("digraph { a <- b }", "line 1: '<-' is no edge of DOT"),
        ("digraph {\n\n a -> b [dir=back] }", "line 3: 'a' -> 'b' is drawn with dir=back"),
        ("digraph { edge [dir=both]\n a -> b }", "line 2: 'a' -> 'b' is drawn with dir=both"),
        ("digraph { subgraph { edge [dir=none]\n {a b} -> c } }", "line 2: {'a', 'b'} -> 'c' is drawn with dir=none"),
        ("digraph { a -> b [arrowhead=none] }", "arrowhead=none"),
        ("digraph { a -> b [arrowhead=odot] }", "arrowhead=odot"),
        ('digraph { a -> b [style="bold,invis"] }', "is invisible"),
        ("digraph { a -> b [lhead=cluster_0] }", "is drawn to a cluster (lhead)"),
        ("digraph { a -> b } digraph { b -> c }", "found 'digraph'; one file holds one graph"),
        ("digraph { a -> b", "found 'the end of the file'; expected '}'"),
        ("digraph {\n a -> ", "line 2: found 'the end of the file'; expected a name"),
        ('digraph {\n a -> "b }', "line 2: '\"b }' is not understood, is a quote open?"),
        ("digraph { 1a -> b }", "'1a' is neither a word nor a number; quote it"),
        ("digraph { node -> b }", "expected '[' after 'node'"),
        ("digraph { {} -> b }", "a group without nodes"),
        ("digraph { <b>x</b> -> b }", "line 1"),
        ('digraph { "" -> b }', "a node without a name"),
        ("digraph { a -> a }", "cycle: 'a' -> 'a'"),
        ("digraph { a -> b -> \n a }", "cycle: "),
        ("digraph { U [observed=no]; U -> b }", HIDDEN),
        ("digraph { n [label=x]; m [label=x] }", "the nodes ['m', 'n'] have the same label 'x'"),
        ("digraph { n [label=<b>] }", "the label of 'n' is markup"),
        ('digraph { n [shape=record label="{x|y}"] }', "the label of 'n' is a record"),
        ('digraph { n [label="x\\ny"] }', "is more than a name on one line"),
        ("a -> b", "line 1: found 'a'; expected 'digraph'"),
        ("", "expected 'digraph'"),
        ("digraph {}", "holds no node"),
        ("dag { U [latent]\n U -> b }", HIDDEN),
        ("dag { a <-> b }", "'<->' is a hidden common cause"),
        ("dag { a -- b }", "'--' is an undirected edge"),
        ("dag { a @-> b }", "'@->' is no edge"),
        ("dag { s [selected] }", "the rows are selected by 's'"),
        ("dag { s [odd] }", "the mark [odd] is not understood"),
    ],
)
def test_dot_and_dagitty_are_refused_by_line(refusal, text, complaint):
    assert complaint in refusal("g.gv", text)


def test_labels_are_names_unless_all_ids_are_columns(read):
    text = 'digraph { n1 [label="Age, \\"years\\""]; n2 [label="\\N"]; n1 -> n2 }'
    assert list(read("g.dot", text).edges) == [('Age, "years"', "n2")]
    assert "1 of 2 nodes are called by their label" in read("g.dot", text).graph["notes"][0]
    assert list(read("g.dot", text, ["n1", "n2", "other"]).edges) == [("n1", "n2")]
    assert list(read("g.dot", 'digraph { node [label=""] a -> b }', ["a", "b"]).edges) == [("a", "b")]


def gml(body, directed=1):
    return (
        f'Creator "x"\ngraph [\n directed {directed}\n node [ id 0 label "a" ] node [ id 1 label "b [mg]" ]\n{body} ]'
    )


def test_gml(read):
    assert list(read("g.gml", gml("edge [ source 0 target 1 weight 2 ]")).edges) == [("a", "b [mg]")]
    dowhy = (
        'graph[directed 1 node[ id "X" label "X"] node[ id "Y" label "Y" observed "yes"] edge[source "X" target "Y"]]'
    )
    assert list(read("g.gml", dowhy).edges) == [("X", "Y")]
    assert list(read("g.txt", "graph [ directed 1 node [ id 7 ] ]")) == ["7"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (gml("", directed=0), "line 2: the graph is undirected"),
        (gml("").replace("directed 1", ""), "line 2: the graph is undirected"),
        (gml("directed 0"), "2 of the key 'directed'"),
        (gml("edge [ source 0 target 5 ]"), "line 5: the edge names a node '5' that there is not"),
        (gml("edge [ source 0 ]"), "the edge has 0 of the key 'target'"),
        (gml("node [ id 1 ]"), "line 5: the node id '1' stands twice, first in line 4"),
        (gml('node [ id 2 label "a" ]'), "have the same label 'a'"),
        (gml('node [ id 2 label "u" observed "no" ]'), HIDDEN),
        (gml("node [ id 2 graph [ node [ id 3 ] ] ]"), "nested graphs"),
        (gml("node [ id 2 isGroup 1 ]"), "nested graphs"),
        (gml("subgraph [ node [ id 3 ] ]"), "nested graphs"),
        (gml('edge [ source 0 target 1 graphics [ sourceArrow "standard" targetArrow "standard" ] ]'), "a head at its"),
        (gml('edge [ source 0 target 1 graphics [ arrow "both" ] ]'), "a head at its start"),
        (gml("") + " graph [ ]", "holds 2 graphs"),
        (gml("")[:-1], "the file ends inside of 'graph'"),
        (gml("edge [ source 0 target 1 ] edge [ source 1 target 0 ]"), "cycle: "),
        ("a -> b", "line 1: '-> b' is no GML"),
    ],
)
def test_gml_is_refused_by_line(refusal, text, complaint):
    assert complaint in refusal("g.gml", text)


def graphml(body, directed="directed"):
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns"'
        ' xmlns:y="http://www.yworks.com/xml/graphml">\n<key id="v_name" for="node" attr.name="name"/>'
        f'<key id="d6" for="node"/><key id="d9" for="edge"/>\n<graph edgedefault="{directed}">\n'
        f"{body}</graph></graphml>"
    )


NODES = '<node id="n0"><data key="v_name">Age</data></node><node id="n1"><data key="v_name">Dose [mg]</data></node>'
YED = (
    '<node id="n0"><data key="d6"><y:ShapeNode><y:NodeLabel>Age<y:Model/></y:NodeLabel></y:ShapeNode></data></node>'
    '<node id="n1"><data key="d6"><y:ShapeNode><y:NodeLabel>Dose [mg]</y:NodeLabel></y:ShapeNode></data></node>'
    '<edge source="n0" target="n1"><data key="d9">'
    '<y:Line><y:Arrows source="none" target="standard"/></y:Line></data></edge>'
)


@pytest.mark.parametrize("name", ["g.graphml", "g.xml", "g.txt"])
@pytest.mark.parametrize("body", [NODES + '<edge source="n0" target="n1"/>', YED])
def test_graphml_of_igraph_and_yed(read, name, body):
    assert list(read(name, graphml(body)).edges) == [("Age", "Dose [mg]")]
    assert list(read(name, graphml(body), ["n0", "n1"]).edges) == [("n0", "n1")]


def test_graphml_edges_may_be_directed_one_by_one(read):
    edge = '<edge source="n0" target="n1" directed="true"/>'
    assert list(read("g.graphml", graphml(NODES + edge, "undirected")).edges) == [("Age", "Dose [mg]")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (graphml(NODES + '\n<edge source="n0" target="n1"/>', "undirected"), "line 6: the graph is undirected"),
        (graphml(NODES + '\n<edge source="n0" target="n1" directed="false"/>'), "line 6: the edge is undirected"),
        (graphml(NODES + "<hyperedge/>"), "line 5: <hyperedge> is not read"),
        (graphml('<node id="a"><port name="p"/></node>'), "<port> inside of a node"),
        (graphml('<node id="a"><graph edgedefault="directed"/></node>'), "<graph> inside of a node"),
        (graphml(NODES + '<edge source="n0" target="n1" sourceport="p"/>'), "ports are not read"),
        (graphml(NODES + '<edge source="n0" target="n5"/>'), "names a node 'n5' that there is not"),
        (graphml(NODES + NODES), "the node id 'n0' stands twice"),
        (graphml(YED.replace('source="none"', 'source="standard"')), "a head at its start"),
        (graphml(YED.replace('target="standard"', 'target="none"')), "without one at its end"),
        (graphml(NODES.replace("Dose [mg]", "Age")), "have the same label 'Age'"),
        (graphml(""), "holds no node"),
        (graphml("").replace("</graph>", '</graph><graph edgedefault="directed"/>'), "holds 2 graphs"),
        ("<BIF/>", "<BIF> is not GraphML"),
        ("<graphml", "line 1: this is not GraphML"),
        ("a -> b", "line 1: this is not GraphML"),
    ],
)
def test_graphml_is_refused_by_line(refusal, text, complaint):
    assert complaint in refusal("g.graphml", text)


TETRAD = "Graph Nodes:\nX1;X2;blood pressure\n\nGraph Edges:\n"


def test_tetrad_and_causal_learn(read):
    graph = read("g.txt", TETRAD + "1. X1 --> X2\n2. blood pressure <-- X2\n\nGraph Attributes:\nBIC: -12\n")
    assert set(graph.edges) == {("X1", "X2"), ("X2", "blood pressure")}
    assert list(read("g.txt", TETRAD.replace(";", ","))) == ["X1", "X2", "blood pressure"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (TETRAD + "1. X1 --> X2\n2. X1 o-> X2", "line 6: the edge '2. X1 o-> X2' is of unknown kind"),
        (TETRAD + "1. X1 <-> X2", "line 5: the edge '1. X1 <-> X2' is a hidden common cause"),
        (TETRAD + "1. X1 --- X2", "is undirected"),
        (TETRAD + "1. X1 o-o X2", "is of unknown direction"),
        (TETRAD + "1. X1 --> X2 dd nl", "'X2 dd nl' is none of the graph's nodes"),
        (TETRAD + "1. X1 -> X2", "is no edge; expected `1. X --> Y`"),
        (TETRAD + "1. X1 --> X2\nAmbiguous triples:\nX1, X2", "a section 'ambiguous triples', which is not understood"),
        ("Graph Nodes:\nX1,(L1)\n", HIDDEN),
    ],
)
def test_tetrad_is_refused_by_line(refusal, text, complaint):
    assert complaint in refusal("g.txt", text)


def test_the_model_strings_of_bnlearn(read, refusal):
    assert set(read("g.txt", "[A][B|A]\n[C d|A:B]").edges) == {("A", "B"), ("A", "C d"), ("B", "C d")}
    assert "line 1: 'D' is a parent of 'B', but no node" in refusal("g.txt", "[A][B|D]")
    assert "the node 'A' stands twice" in refusal("g.txt", "[A][A]")
    assert "line 1: 'A -> B' is no name" in refusal("g.txt", "[A -> B]")


def test_node_link_json(read):
    graph = nx.DiGraph([("a", "b"), (1, "b")])
    for key in ("edges", "links"):
        assert set(read("g.json", json.dumps(nx.node_link_data(graph, edges=key))).edges) == {("a", "b"), ("1", "b")}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"nodes": [{"id": "a"}], "links": []}', "the graph is undirected"),
        ('{"directed": true, "nodes": [{"name": "a"}], "links": []}', "nodes[0] is {'name': 'a'}; expected"),
        ('{"directed": true, "nodes": [{"id": 1}, {"id": "1"}], "links": []}', "nodes[1]: the id '1' stands twice"),
        (
            '{"directed": true, "nodes": [], "links": [{"source": "a", "target": "b"}]}',
            "links[0]: there is no node 'a'",
        ),
        ('{"directed": true, "nodes": [], "nodes": [], "links": []}', "the key(s) ['nodes'] more than once"),
        ('{"directed": true, "nodes": [], "links": [], "hyperedges": []}', "['hyperedges'] are not understood"),
        ('{"a": ["b"]}', "expected a node-link graph"),
        ('{\n"a" "b"}', "line 2: this is no JSON"),
    ],
)
def test_json_is_refused_by_place(refusal, text, complaint):
    assert complaint in refusal("g.json", text)
