"""The report: what it says with and without published numbers and another run, the files it writes, its page."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from rich.console import Console
from scmbench.benchmarks.judging import published
from scmbench.benchmarks.records.results import EXAMPLES, ROWS, Results
from scmbench.benchmarks.reporting.report import Report
from scmbench.benchmarks.suites.suite import Suite

CHAIN = "dcm/chain/nlin"
LEVELS = {("dcm", "reference"): 1.0, ("dcm", "corrected"): 1.1, ("oracle", ""): 0.5}


def suite(**changes):
    told = {
        "name": "toy",
        "title": "A <toy>",
        "protocol": "paper",
        "datasets": [CHAIN],
        "models": [],
        "seeds": range(6),
    }
    return Suite(**{**told, "published": ["dcm_figures"], **changes})


def results(factor=1.0, examples=True):
    rows, records, answers = [], [], []
    for (model, variant), level in LEVELS.items():
        about = {
            "suite": "toy",
            "dataset": CHAIN,
            "problem": "dcm/chain",
            "kind": "nlin",
            "model": model,
            "variant": variant,
        }
        for seed in range(6):
            score = factor * level * 0.0024 * (1 + 0.01 * seed)
            row = {**about, "seed": seed, "member": "", "query": "observational", "node": "", "value": float("nan")}
            rows.append({**row, "metric": "mmd", "score": score})
            records.append(
                {**about, "seed": seed, "status": "ok", "message": "", "notes": (), "waives": "", "cpu_s": 1.0}
                | {"name": model, "role": "ceiling" if model == "oracle" else "method"}
            )
        shared = {"dataset": CHAIN, "model": model, "variant": variant, "seed": 0, "member": "", "intervened": "x1"}
        pairs = [(-1.0, -1.1), (0.0, 0.1), (2.0, 1.9)]
        answers += [{**shared, "value": 0.5, "node": "x2", "true": x, "predicted": y} for x, y in pairs]
    shown = pd.DataFrame(answers if examples else [], columns=EXAMPLES)
    return Results(pd.DataFrame(rows, columns=ROWS), pd.DataFrame(records), shown)


def shown(report):
    console = Console(width=140)
    with console.capture() as captured:
        for part in report.terminal():
            console.print(part)
    return captured.get()


class Tags(HTMLParser):
    """Checks that tags nest, and collects what a page refers to."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self):
        super().__init__()
        self.open, self.links, self.ids, self.images = [], [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        self.images += [found["src"]] if "src" in found else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    report = Report.of(suite(), results(), other=results(factor=1.02, examples=False))
    return report, report.write(folder), folder


def test_headline_counts_what_was_run(written):
    assert written[0].headline() == "1 of 144 published cells were run: 1 reproduced."
    made = Report.of(suite(published=()), results())
    assert made.headline() == (
        "Of 1 row (a dataset and a score), surely better and worse than dcm (reference): dcm (corrected) 0 and 1."
    )


def test_a_headline_says_that_nothing_differs_surely():
    alike = results()
    noise = alike.rows["seed"].map(lambda seed: (-1) ** seed * 1e-4) * (alike.rows["variant"] == "corrected")
    even = alike.rows.groupby("seed")["score"].transform("first") + noise
    made = Report.of(suite(published=()), replace(alike, rows=alike.rows.assign(score=even)))
    assert made.headline() == (
        "Of 1 row (a dataset and a score), no method is surely better or worse than dcm (reference) on any."
    )


@pytest.mark.parametrize(
    ("words", "place", "address"),
    [
        ((), "", "toy"),
        (["toys/toy.toml"], "", "toys/toy.toml"),
        (["toy.toml", "--protocol", "standard"], " --store mine", "toy.toml --protocol standard --store mine"),
    ],
)
def test_what_to_do_next_are_commands_that_find_the_suite(words, place, address):
    steps = Report.of(suite(words=words, published=()), results()).next_steps(place)
    commands = [step.split("   ")[0] for step in steps]
    assert f"scmbench show {address} --only MODEL" in commands
    assert f"scmbench cite {words[0] if words else 'toy'}" in commands


def test_the_page_is_whole_and_stands_alone(written):
    _, index, _ = written
    text, tags = index.read_text(), Tags()
    tags.feed(text)
    assert tags.open == []
    assert all(link[1:] in tags.ids or link.startswith("data:image/svg+xml,") for link in tags.links)
    assert len(tags.ids) == len(set(tags.ids))
    assert tags.images
    assert all(source.startswith("data:image/png;base64,") for source in tags.images)
    assert "<title>A &lt;toy&gt;</title>" in text
    assert "Patrick Blöbaum" in text


def test_every_table_and_figure_has_its_files(written):
    report, _, folder = written
    tables = {table.name for part in report.parts() for table in part.tables}
    assert {path.stem for path in (folder / "tables").glob("*.md")} == tables
    assert {"scores_median", "scores_mean", "counts", "cost", "against", "dcm_corrected_reference"} <= tables
    inputs = (folder / "tables" / "tables.tex").read_text().count(r"\input{")
    assert inputs == len(tables - {"provenance", "failures"})
    drawn = {path.stem for path in (folder / "figures").glob("*.png")}
    assert drawn == {"verdicts", "boxes_nlin", "relative", "dcm_corrected_reference", "truth_dcm_chain_nlin"}
    assert {path.stem for path in (folder / "figures").glob("*.pdf")} == drawn


def test_numbers_are_written_as_tables_and_json(written):
    report, _, folder = written
    scores = pd.read_csv(folder / "scores.csv")
    assert scores["score"].to_numpy() == pytest.approx(report.scores["score"].to_numpy())
    assert len(pd.read_csv(folder / "verdicts.csv")) == len(report.judged)
    verdicts = json.loads((folder / "verdicts.json").read_text())
    assert verdicts["counts"] == {"reproduced": 1, "not run": 143}
    assert verdicts == report.verdict_json()


def test_against_another_run(written):
    report = written[0]
    assert set(report.against["change"]) == {"lower"}
    assert "This run / the other run" in shown(report)
    same = Report.of(suite(), results(), other=results())
    assert set(same.against["change"]) == {"identical"}


def test_variants_of_a_model_are_compared(written):
    assert list(written[0].pairs()) == [(("dcm", "corrected"), ("dcm", "reference"))]


def test_another_protocol_gets_no_verdict():
    report = Report.of(suite(protocol="standard"), results())
    assert report.judged is None
    assert report.verdict_json() == {}
    assert "its protocol is 'paper', this run's is 'standard'" in shown(report)


def test_given_papers_replace_the_suites():
    report = Report.of(suite(published=()), results(), papers=[published.load("dcm_figures")])
    assert report.headline().startswith("1 of 144")


def test_the_suite_says_how_values_become_a_score():
    many = results()
    many.rows.loc[len(many.rows)] = {**many.rows.iloc[0].to_dict(), "value": 1.0, "score": 1.0}
    many.rows.loc[len(many.rows)] = {**many.rows.iloc[0].to_dict(), "value": 2.0, "score": 0.5}
    found = Report.of(suite(values="median"), many).scores
    assert found["score"].iloc[0] == 0.5


def test_nothing_was_run(tmp_path):
    empty = Results(*(frame.iloc[:0] for frame in (results().rows, results().provenance, results().examples)))
    report = Report.of(suite(), empty)
    assert report.headline() == "0 of 144 published cells were run: none."
    assert "0 of 144" in report.write(tmp_path).read_text()
    assert shown(report)


@pytest.mark.parametrize("variant", ["corrected", "reference"])
def test_a_method_that_supports_no_problem_has_no_scores_and_stops_no_report(tmp_path, variant):
    whole = results()
    mute = (whole.provenance["model"] == "dcm") & (whole.provenance["variant"] == variant)
    records = whole.provenance.assign(status=whole.provenance["status"].where(~mute, "unsupported"))
    rows = whole.rows[(whole.rows["model"] != "dcm") | (whole.rows["variant"] != variant)]
    report = Report.of(suite(), Results(rows, records, whole.examples))
    assert list(report.pairs()) == []
    assert "unsupported" in report.write(tmp_path).read_text()


@pytest.mark.parametrize("apart", [("dcm", "reference"), None], ids=["a variant", "every method"])
def test_methods_without_a_common_question_are_not_compared(tmp_path, apart):
    whole, other = results(), "dcm/chain/nadd"
    methods = {(m, v): i for i, (m, v) in enumerate(LEVELS)}

    def elsewhere(frame):
        titles = list(zip(frame["model"], frame["variant"], strict=True))
        places = [f"{other}{methods[t]}" if apart is None else other if t == apart else CHAIN for t in titles]
        return frame.assign(dataset=places)

    moved = Results(elsewhere(whole.rows), elsewhere(whole.provenance), whole.examples.iloc[:0])
    names = list(dict.fromkeys(moved.rows["dataset"]))
    report = Report.of(suite(datasets=names), moved)
    assert list(report.pairs()) == []
    report.write(tmp_path)
    assert not (tmp_path / "tables" / "relative.csv").exists()
