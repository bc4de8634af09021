"""Tables: what stands in them (best, states, failed seeds, the paper's numbers), and their four renderings."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scmbench.benchmarks.judging.cells import cells, seed_scores
from scmbench.benchmarks.judging.notes import Note
from scmbench.benchmarks.judging.paired import compare, contrast
from scmbench.benchmarks.judging.published import load
from scmbench.benchmarks.judging.verdict import floor_shares, verdicts
from scmbench.benchmarks.reporting import escaping
from scmbench.benchmarks.reporting.layout import Layout, question_name
from scmbench.benchmarks.reporting.render import (
    Section,
    Table,
    Text,
    document,
    latex,
    markdown,
    number,
    to_html,
    to_rich,
)
from scmbench.benchmarks.reporting.tables import records as record_tables
from scmbench.benchmarks.reporting.tables import scores as tables
from scmbench.benchmarks.reporting.tables import verdicts as verdict_tables

CHAIN, Y = "dcm/chain/nlin", "dcm/y/nadd"


def record(dataset, model, variant, seed, **more):
    return {
        **{"dataset": dataset, "model": model, "variant": variant, "seed": seed},
        **{"status": "ok", "message": "", "notes": (), "waives": "", "cpu_s": 2.0 + seed, "parameters": 1000},
        **{"role": "ceiling" if model == "oracle" else "method"},
        **{"gradient_steps": 39500, "peak_mb": 100.0, "hardware": "a machine"},
        **more,
    }


@pytest.fixture
def run():
    """Two methods on two SCMs at six seeds: ANM failed on one SCM and at one seed of the other."""
    rows, records = [], []
    for dataset in (CHAIN, Y):
        for model, variant, level in (("dcm", "reference", 1.0), ("anm", "reference", 3.0), ("oracle", "", 0.5)):
            for seed in range(6):
                failed = model == "anm" and (dataset == Y or seed == 5)
                told = {"status": "failed", "message": "ValueError: no"} if failed else {}
                records.append(record(dataset, model, variant, seed, **told))
                where = {"dataset": dataset, "query": "observational", "metric": "mmd", "seed": seed, "node": ""}
                if not failed:
                    rows.append({**where, "model": model, "variant": variant, "score": 0.002 * level * (1 + seed / 50)})
    published = load("dcm_figures")
    scores, provenance = seed_scores(pd.DataFrame(rows)), pd.DataFrame(records)
    provenance.loc[provenance["model"] == "anm", "waives"] = "do is exact: it is not"
    found = cells(scores, provenance, also=published.cells)
    judged = verdicts(scores, published, provenance)
    return scores, provenance, found, judged, Layout.of(found, published, provenance), published


def lines(table):
    return [
        [row.heading] if isinstance(row, Section) else [e.text if isinstance(e, Text) else e for e in row]
        for row in table.rows
    ]


def test_layout_has_what_was_run_in_the_papers_order(run):
    layout = run[4]
    assert layout.methods == [("dcm", "reference"), ("anm", "reference"), ("oracle", "")]
    assert list(map(layout.method, layout.methods)) == ["DCM (reference)", "ANM (reference)†", "oracle"]
    assert layout.groups() == [("nlin (additive)", [CHAIN]), ("nadd (nonadditive)", [Y])]
    assert (layout.factor(), layout.dataset(CHAIN), layout.problem(CHAIN)) == ("×10⁻²", "chain/nlin", "chain")
    assert question_name(("interventional", "mmd")) == "interventional MMD"


def test_scores_stand_above_the_papers(run):
    scores, _, found, _, layout, published = run
    table = tables.score_table(found, layout, published, scores)
    assert lines(table)[:3] == [
        ["nlin (additive)"],
        ["chain", "obs MMD", "ours", "0.210 [0.205, 0.215]", "0.624 [0.612, 0.636] (5/6)", "0.105 [0.103, 0.107]"],
        ["", "", "paper", "0.247 [0.192, 0.276]", "0.0971 [0.0733, 0.143]", "–"],
    ]
    bold = [[e.bold if isinstance(e, Text) else None for e in row[3:]] for row in table.rows[1:3]]
    assert bold == [[True, False, False], [False, True, None]]
    assert [row[4] for row in lines(table) if row[:3] == ["y", "obs MMD", "ours"]] == ["failed"]
    assert any("ANM (reference)† waives: do is exact" in note for note in table.notes)
    assert any("(k/n)" in note for note in table.notes)


def test_moments_use_the_population_sd(run):
    scores, _, found, _, layout, published = run
    table = tables.score_table(found, layout, published, scores, moments=True)
    x = 0.2 * (1 + np.arange(6) / 50)
    assert lines(table)[1][3] == f"{number(x.mean())} ± {number(x.std())}"
    assert "The paper's means are not given." in table.notes


def test_overview_signs_the_verdict(run):
    scores, _, found, judged, layout, _ = run
    table = tables.overview(judged, found, layout, scores)
    assert lines(table)[1] == ["chain", "obs MMD", "0.210 ✓ 0.247", "0.624 (5/6) ▼ 0.0971", "0.105"]
    assert [e.word for e in table.rows[1][2:]] == ["reproduced", "worse", ""]


def test_counts_add_up_to_the_published_cells(run):
    judged, layout = run[3], run[4]
    table = verdict_tables.count_table(judged, layout)
    head, rows = list(table.columns), lines(table)
    total = dict(zip(head, rows[-1], strict=True))
    assert total["cells"] == str(12 * 3 * 2)
    assert sum(int(total[w]) for w in head[2:-1]) == 72
    assert (total["▼ worse"], total["failed"]) == ("1", "5")
    assert table.notes == ["72 published cells of methods that were not run are not counted."]


def test_every_cell_not_reproduced_is_listed(run):
    judged, layout = run[3], run[4]
    table = verdict_tables.unreproduced(judged, layout)
    assert lines(table)[0][1] == "factor 6.42, surely above 1"
    found = {(row[2], row[4]): row for row in lines(table) if row[3] == "obs MMD"}
    assert set(found) == {
        ("chain/nlin", "ANM (reference)†"),
        ("y/nadd", "ANM (reference)†"),
    }
    row = found["chain/nlin", "ANM (reference)†"]
    assert (row[0], row[7], row[9], row[10]) == ("▼ worse", "6.42", "0.105", "no (τ = -1.00)")
    brief = lines(verdict_tables.unreproduced(judged, layout, brief=True))
    assert {(r[0], r[4]) for r in brief} >= {("▼", "0.624"), ("failed", "–")}


def test_cells_of_two_seeds_are_counted_and_not_listed(run):
    scores, provenance, _, _, layout, published = run
    judged = verdicts(scores[scores["seed"] < 2], published, provenance[provenance["seed"] < 2])
    table = verdict_tables.unreproduced(judged, layout)
    assert {row[0] for row in lines(table)} == {"failed"}
    assert table.notes[0] == "3 cells of fewer than 3 seeds are undecided and not listed."


def test_every_verdict_has_its_reason(run):
    judged, layout = run[3], run[4]
    table = lines(verdict_tables.every_verdict(judged, layout))
    assert {tuple(row[:2]) for row in table} >= {("✓ reproduced", "factor 0.849, not told from 1")}


def test_a_row_in_which_a_floor_beats_methods_says_so(run):
    scores, provenance, _, _, _, published = run
    scores = scores.replace({"model": {"oracle": "marginal"}})
    provenance = provenance.replace({"model": {"oracle": "marginal"}, "role": {"ceiling": "floor"}})
    found = cells(scores, provenance, also=published.cells)
    layout = Layout.of(found, published, provenance)
    for table in (tables.score_table(found, layout, published, scores), tables.overview(None, found, layout, scores)):
        assert lines(table)[1][1] == "obs MMD ‡"
        (note,) = [note for note in table.notes if note.startswith("‡")]
        assert "chain/nlin obs MMD: marginal (0.105) beats DCM (reference), ANM (reference)" in note


def test_where_higher_is_better_the_best_is_the_highest(run):
    scores, provenance, _, _, _, published = run
    higher = replace(published, cells=published.cells.assign(higher_is_better=True))
    found = cells(scores, provenance, also=higher.cells)
    table = tables.score_table(found, Layout.of(found, higher, provenance), higher, scores)
    bold = [[e.bold if isinstance(e, Text) else None for e in row[3:]] for row in table.rows[1:3]]
    assert bold == [[False, True, False], [True, False, None]]
    assert table.notes[0].startswith("Lower is better, but for obs MMD, int MMD, CF")


def test_below_five_seeds_nothing_is_bold(run):
    scores, _, found, _, layout, published = run
    table = tables.score_table(found, layout, published, scores[scores["seed"] < 4])
    assert not any(isinstance(e, Text) and e.bold for row in table.rows[1:2] for e in row)
    assert "n = 4 seeds: below 5, nothing is bold." in table.notes[0]


def test_shares_of_the_floor(run):
    judged, layout = run[3], run[4]
    table = verdict_tables.floor_table(floor_shares(judged), layout)
    assert lines(table)[0] == ["chain/nlin", "obs MMD", "50 % / 42 %", "17 % / 108 %"]


def test_comparisons_show_seeds_and_sides(run):
    scores, layout = run[0], run[4]
    between = verdict_tables.paired_table(
        contrast(scores, ("anm", "reference"), ("dcm", "reference")), layout, title="t"
    )
    assert lines(between)[0][:6] == ["chain/nlin", "obs MMD", "↑ higher", "3.00", "[3.00, 3.00]", "0/5"]
    other = scores[scores["model"] == "dcm"].assign(seed=lambda t: t["seed"] + 10)
    over = lines(verdict_tables.paired_table(compare(scores, other), layout, title="t"))
    assert {row[3]: row[6] for row in over} == {"unclear": "6 vs 6", "only a": "6 vs 0"}


def test_paired_lines_are_sorted_by_what_is_sure_and_identical_ones_are_folded(run):
    layout = run[4]
    words = {"a": ("unclear", 2.0), "b": ("lower", -0.5), "c": ("identical", 0.0), "d": ("higher", 1.0)}
    told = {"query": "observational", "metric": "mmd", "paired": True, "n": 6, "n_a": 6, "n_b": 6, "a_lower": 0}
    rest = {"low": 0.0, "high": 0.0, "p": 0.5, "q": 0.5}
    compared = pd.DataFrame(
        [{"dataset": d, "change": w, "log_ratio": r, **told, **rest} for d, (w, r) in words.items()]
    )
    table = verdict_tables.paired_table(compared, layout, title="t")
    assert [row[0] for row in lines(table)] == ["d", "b", "a", "1 cell, below"]
    assert "Identical at every seed: c obs MMD." in table.notes
    same = verdict_tables.paired_table(compared[compared["change"] == "identical"], layout, title="t")
    assert [row[2] for row in lines(same)] == ["identical"]


def test_cost_counts_finished_records_only(run):
    provenance, layout = run[1], run[4]
    row = lines(record_tables.cost_table(provenance, layout))[1]
    assert row == ["ANM (reference)†", "5/12", "4.00 [2.00, 6.00]", "–", "1,000", "39,500", "100"]


def test_failures_are_gathered_by_reason(run):
    provenance, layout = run[1], run[4]
    table = lines(record_tables.failures(provenance, layout))
    assert [row[0] for row in table] == ["failed"]
    assert table[0][2] == "7"
    assert table[0][4] == "ValueError: no"


def test_what_is_unsupported_by_design_can_be_left_out(run):
    provenance, layout = run[1].copy(), run[4]
    by_design, boom = Note("counterfactual", "unsupported", "by design"), Note("counterfactual", "failed", "boom")
    why = {"oracle": by_design, "dcm": boom}
    provenance["notes"] = [(why[model],) if model in why else () for model in provenance["model"]]
    everything = lines(record_tables.failures(provenance, layout))
    assert [row[1] for row in everything] == ["ANM (reference)†", "DCM (reference)", "oracle"]
    assert lines(record_tables.failures(provenance, layout, unsupported=False)) == everything[:2]


def test_provenance_names_hardware_and_seeds(run):
    table = dict(lines(record_tables.provenance_table(run[1])))
    assert table["seeds"] == "6: 0, 1, 2, 3, 4, 5"
    assert table["records"] == "29 ok, 7 failed"
    assert table["hardware"] == "a machine (36 records)"


SMALL = Table(
    "t", "Title [x] & 50 %", ["a_b", "n"], [Section("s|t"), [Text("x|y", bold=True), Text("1.0", word="worse")]], ["±"]
)


def test_markdown():
    assert markdown(SMALL).splitlines() == [
        "### Title &#91;x&#93; &amp; 50 %",
        "",
        "| a_b | n |",
        "| --- | ---: |",
        "| *s&#124;t* |  |",
        "| **x&#124;y** | 1.0 |",
        "",
        "±",
    ]


def test_latex_escapes_and_has_equal_columns(run):
    text = latex(SMALL)
    assert r"Title {[}x{]} \& 50 \%" in text
    assert r"\textbf{x\textbar{}y} & 1.0 \\" in text
    assert escaping.latex("×10⁻² a_b\\ ± τ") == r"$\times$10$^{-}$$^{2}$ a\_b\textbackslash{} $\pm$ $\tau$"
    scores, _, found, _, layout, published = run
    text = latex(tables.score_table(found, layout, published, scores))
    assert text.isascii()
    body = [line for line in text.splitlines() if re.search(r" & .*\\\\$", line)]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {5}
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert r"\input{t}" in document(["t"])


def test_html_escapes():
    text = to_html(SMALL)
    assert "Title [x] &amp; 50 %" in text
    assert '<td class="worse">1.0</td>' in text
    assert "<b>x|y</b>" in text


def test_terminal_keeps_brackets(run):
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(to_rich(SMALL))
    shown = console.export_text()
    assert "Title [x] & 50 %" in shown
    assert "x|y" in shown


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.0, "0"), (9.996, "10.00"), (123.4, "123"), (1e-5, "1.00e-05"), (-0.5, "-0.500"), (np.inf, "∞"), (None, "–")],
)
def test_numbers(x, text):
    assert number(x) == text
