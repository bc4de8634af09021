"""From rows to cells: order of averaging, quartiles, and the states of cells without a score."""

import numpy as np
import pandas as pd
import pytest
from scmbench.benchmarks.judging.cells import cells, in_order, named, roles, seed_scores, summarise
from scmbench.benchmarks.judging.notes import Note


def row(score, *, seed=0, model="dcm", query="interventional", node="x1", member="", dataset="dcm/chain/nlin"):
    return {
        "dataset": dataset,
        "query": query,
        "metric": "mmd",
        "model": model,
        "variant": None,
        "seed": seed,
        "member": member,
        "node": node,
        "value": 0.0,
        "score": score,
    }


def test_a_seed_is_averaged_over_values_then_nodes_then_members():
    rows = pd.DataFrame([row(1.0, member="a"), row(3.0, member="a", node="x2"), row(10.0, member="b")])
    assert seed_scores(rows)["score"].tolist() == [6.0]
    uneven = [row(0.0), row(2.0), row(7.0, node="x2")]
    assert seed_scores(pd.DataFrame(uneven))["score"].tolist() == [4.0]
    rows.loc[len(rows)] = row(90.0, member="b")
    rows.loc[len(rows)] = row(20.0, member="b")
    assert seed_scores(rows, values="median")["score"].tolist() == [(2.0 + 20.0) / 2]
    assert seed_scores(rows, members="median")["score"].tolist() == [(2.0 + 40.0) / 2]
    with pytest.raises(ValueError, match="'mean' or 'median', not 'mode'"):
        seed_scores(rows, values="mode")


def test_seed_scores_of_seed_scores_are_the_same():
    scores = seed_scores(pd.DataFrame([row(s + n, seed=s, node=str(n)) for s in range(4) for n in range(3)]))
    pd.testing.assert_frame_equal(seed_scores(scores), scores)


def records(lines):
    names = ["seed", "model", "status", "notes"]
    return pd.DataFrame([dict(zip(names, line, strict=False)) for line in lines]).assign(
        dataset="dcm/chain/nlin", variant=""
    )


def test_one_nan_spoils_its_seed_and_counts_as_failed():
    rows = pd.DataFrame([row(1.0), row(np.nan, node="x2"), row(5.0, seed=1)])
    scores = seed_scores(rows)
    assert scores["score"].isna().tolist() == [True, False]
    cell = cells(scores).iloc[0]
    assert (cell["n"], cell["missing"], cell["state"], cell["median"]) == (1, 1, "ok", 5.0)
    assert cells(seed_scores(rows[rows["seed"] == 0]))["state"].tolist() == ["failed"]


def test_a_note_on_a_query_spoils_that_query_of_that_seed():
    both = ("interventional", "counterfactual")
    rows = pd.DataFrame([row(1.0 + s, seed=s, query=q) for s in range(3) for q in both])
    notes = [
        (0, "dcm", "ok", (Note("counterfactual", "failed", "boom"), Note("interventional", "unsupported", "roots"))),
        (1, "dcm", "ok", ()),
    ]
    table = cells(seed_scores(rows, records(notes)), records(notes)).set_index("query")
    assert table["n"].to_dict() == {"interventional": 2, "counterfactual": 2}
    assert table["missing"].to_dict() == {"interventional": 1, "counterfactual": 1}
    only = rows[rows["seed"] == 0]
    states = cells(seed_scores(only, records(notes[:1])), records(notes[:1])).set_index("query")["state"]
    assert states.to_dict() == {"interventional": "unsupported", "counterfactual": "failed"}


def test_a_score_of_one_question_stands_beside_another_that_is_not_supported():
    """A model without a density has no KL: its samples are compared all the same, and it is ranked by them."""
    rows = pd.DataFrame([row(1.0, query="observational", node="", seed=s) for s in range(2)])
    notes = [(0, "dcm", "ok", (Note("observational", "unsupported", "no density"),)), (1, "dcm", "ok", ())]
    assert seed_scores(rows, records(notes))["score"].tolist() == [1.0, 1.0]
    failed = [(0, "dcm", "ok", (Note("observational", "failed", "boom"),)), (1, "dcm", "ok", ())]
    np.testing.assert_equal(seed_scores(rows, records(failed))["score"].tolist(), [np.nan, 1.0])
    of_a_member = rows.assign(member="a")
    np.testing.assert_equal(seed_scores(of_a_member, records(notes))["score"].tolist(), [np.nan, 1.0])


def test_a_message_is_never_searched_for_what_it_might_mean():
    rows = pd.DataFrame([row(1.0, query=q) for q in ("interventional", "counterfactual")])
    said = Note("interventional", "unsupported", "x; counterfactual failed: y\ncounterfactual failed: z")
    table = cells(seed_scores(rows, records([(0, "dcm", "ok", (said,))]))).set_index("query")
    assert table["n"].to_dict() == {"interventional": 0, "counterfactual": 1}
    record = records([(0, "dcm", "ok", ())]).assign(message="interventional failed: counterfactual failed: ")
    assert cells(seed_scores(rows, record))["n"].tolist() == [1, 1]


def test_roles_and_names_come_from_records_not_from_labels():
    told = pd.DataFrame(
        [["truth", "", "oracle", "ceiling"], ["identity", "", "my.pkg:Mine", "method"]],
        columns=["model", "variant", "name", "role"],
    )
    assert roles(told) == {("truth", ""): "ceiling", ("identity", ""): "method"}
    assert named(told, "oracle") == {("truth", "")}
    assert named(told, "identity") == set()
    assert named(None, "oracle") == {("oracle", "")}


def test_quartiles_are_the_box_plots_and_sd_the_populations():
    x = [4.0, 1.0, 3.0, 2.0]
    cell = summarise(seed_scores(pd.DataFrame([row(v, seed=i) for i, v in enumerate(x)]))).iloc[0]
    assert (cell["q1"], cell["median"], cell["q3"]) == (1.75, 2.5, 3.25)
    assert (cell["mean"], cell["sd"]) == (2.5, pytest.approx(np.sqrt(1.25)))


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match=r"\['score'\]"):
        seed_scores(pd.DataFrame([row(1.0)]).drop(columns="score"))


def test_cells_without_a_score_say_why():
    asked = [row(1.0, model="oracle"), row(1.0, model="oracle", query="counterfactual"), row(2.0, model="half")]
    provenance = records(
        [
            (0, "oracle", "ok"),
            (0, "half", "ok", (Note("counterfactual", "unsupported", "Half does not answer that"),)),
            (0, "broken", "failed"),
            (0, "odd", "unsupported"),
            (0, "none", "data missing"),
        ]
    )
    table = cells(seed_scores(pd.DataFrame(asked), provenance), provenance).set_index(["query", "model"])["state"]
    rest = {"oracle": "ok", "broken": "failed", "odd": "unsupported", "none": "data missing"}
    assert table["interventional"].to_dict() == {**rest, "half": "ok"}
    assert table["counterfactual"].to_dict() == {**rest, "half": "unsupported"}


def test_further_cells_are_not_run_where_nothing_is_known_of_them():
    scores = seed_scores(pd.DataFrame([row(1.0)]))
    table = cells(scores, also=scores.assign(dataset="dcm/y/nlin"))
    assert table[["dataset", "state"]].values.tolist() == [["dcm/y/nlin", "not run"], ["dcm/chain/nlin", "ok"]]


def test_a_failed_seed_beside_good_ones_is_counted():
    scores = seed_scores(pd.DataFrame([row(1.0, seed=s) for s in range(3)]))
    cell = cells(scores, records([(s, "dcm", "ok" if s < 3 else "failed") for s in range(5)])).iloc[0]
    assert (cell["state"], cell["n"], cell["missing"]) == ("ok", 3, 2)


def test_no_rows_at_all():
    assert cells(seed_scores(pd.DataFrame())).empty


def test_order():
    assert in_order(["c", "oracle", "a", "b", "a"], first=["a", "z"], last=["oracle"]) == ["a", "c", "b", "oracle"]
