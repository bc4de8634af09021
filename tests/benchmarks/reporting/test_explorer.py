"""The page's explorer: what its JSON says is what the tables say, and no label gets out of its script element."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import LABELS
from scipy.stats import rankdata
from scmbench.benchmarks.records.results import EXAMPLES, ROWS, Results
from scmbench.benchmarks.reporting.explorer import as_script, explored, tags
from scmbench.benchmarks.reporting.page import SCRIPTS, page, program, with_few_colours
from scmbench.benchmarks.reporting.report import Report
from scmbench.benchmarks.suites.suite import Suite

CHAIN = "dcm/chain/nlin"


def report(label="dcm"):
    rows, records = [], []
    for model, variant, level in ((label, "reference", 1.0), ("anm", "reference", 2.0), ("oracle", "", 0.5)):
        about = {"suite": "toy", "dataset": CHAIN, "problem": "dcm/chain", "kind": "nlin", "model": model}
        for seed in range(5):
            silent = model == "anm" and seed == 4
            told = {"status": "failed" if silent else "ok", "message": "", "notes": (), "waives": "", "cpu_s": 1.0}
            role = "ceiling" if model == "oracle" else "method"
            records.append({**about, "variant": variant, "seed": seed, **told, "name": model, "role": role})
            row = {**about, "variant": variant, "seed": seed, "member": "", "query": "observational", "node": ""}
            if not silent:
                rows.append({**row, "value": math.nan, "metric": "mmd", "score": 0.0024 * level * (1 + seed / 100)})
    suite = Suite("toy", "toy", "paper", [CHAIN], [], range(5), published=["dcm_figures"])
    return Report.of(
        suite, Results(pd.DataFrame(rows, columns=ROWS), pd.DataFrame(records), pd.DataFrame(columns=EXAMPLES))
    )


def explored_of(made):
    told = (made.judged, made.paper, made.results.provenance)
    return explored(made.suite.name, made.layout, made.scores, made.found, *told)


def test_cells_have_their_seeds_the_published_box_and_the_verdict():
    made = report()
    found = explored_of(made)
    (row,) = found["rows"]
    assert (row["scm"], row["score"], row["rung"]) == ("chain/nlin", "obs MMD", "observational")
    assert [method["floor"] for method in found["methods"]] == [False, False, True]
    cells = {found["methods"][j]["label"]: cell for i, j, cell in found["cells"] if i == 0}
    line = made.found[made.found["model"] == "dcm"].iloc[0]
    assert cells["dcm"]["m"] == pytest.approx(100 * line["median"], rel=1e-4)
    assert [seed for seed, _ in cells["dcm"]["seeds"]] == [0, 1, 2, 3, 4]
    assert cells["dcm"]["word"] == made.judged[made.judged["model"] == "dcm"].iloc[0]["verdict"]
    assert cells["dcm"]["box"]["q1"] == pytest.approx(0.19197, rel=1e-3)
    assert cells["dcm"]["low"] < cells["dcm"]["ratio"] < cells["dcm"]["high"]
    assert (cells["anm"]["n"], cells["anm"]["missing"]) == (4, 1)
    assert "word" not in cells["oracle"]


class Scripts(HTMLParser):
    """The text of every script, by id, and the tags outside."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.inside, self.tags = {}, None, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.inside = dict(attributes).get("id", "program") if tag == "script" else self.inside

    def handle_endtag(self, tag):
        self.inside = None if tag == "script" else self.inside

    def handle_data(self, text):
        if self.inside:
            self.scripts[self.inside] = self.scripts.get(self.inside, "") + text


HOSTILE = ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "\u2028", "\ud800", *LABELS]


@settings(max_examples=40, deadline=None)
@given(label=st.sampled_from(HOSTILE) | st.text(max_size=12))
def test_no_text_leaves_its_script(label):
    told = {"rows": [{"scm": label, label: 1}]}
    read = Scripts(f'<script type="application/json" id="cells">{as_script(told)}</script><p>')
    assert read.tags == ["script", "p"]
    again = json.loads(read.scripts["cells"])["rows"][0]["scm"]
    assert again.encode("utf-8", "replace") == label.encode("utf-8", "replace") or "\\ud" in again


def test_a_page_of_hostile_names_has_three_scripts_and_its_texts():
    label = "</script><img src=x onerror=alert(1)>"
    made = report(label)
    read = Scripts(page("t", "h", [], {}, [], explored_of(made)))
    assert read.tags.count("script") == 3
    assert "img" not in read.tags
    assert label in {method["label"] for method in json.loads(read.scripts["cells"])["methods"]}


def test_the_script_sets_texts_as_texts_and_fetches_nothing():
    script = program()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|fetch\(|XMLHttp|import\(", script
    )
    assert "</script" not in script
    written = page("t", "h", [], {}, [])
    assert "default-src 'none'" in written
    assert not re.search(r'(?:src|href)="(?:https?:)?//', written)


def test_every_script_is_on_the_page():
    folder = resources.files("scmbench.benchmarks.reporting").joinpath("script")
    assert {path.name for path in folder.iterdir()} == {f"{name}.js" for name in SCRIPTS}


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript engine here")


@needs_node
def test_the_script_is_javascript(tmp_path):
    (tmp_path / "page.js").write_text(program())
    done = subprocess.run(["node", "--check", str(tmp_path / "page.js")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def javascript(expression, *files):
    """What an expression gives after some files of the script, without a page."""
    folder = resources.files("scmbench.benchmarks.reporting").joinpath("script")
    text = "\n".join(folder.joinpath(f"{name}.js").read_text() for name in files)
    command = ["node", "-e", f"{text}\nconsole.log(JSON.stringify({expression}))"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


LINES = [[1.0, 2.0, 4.0], [3.0, 3.0, 6.0], [1.0, None, 0.1]]


@needs_node
def test_standings_are_scipys_ranks_of_whole_rows():
    lines = json.dumps([{"values": values, "higher": False} for values in LINES])
    found = javascript(f"standings({lines})", "standings")
    expected = np.array([rankdata(values) for values in LINES[:2]])
    assert found["count"] == 2
    np.testing.assert_allclose(found["ranks"], expected.T)
    np.testing.assert_allclose(found["means"], expected.mean(0))
    higher = javascript(f"standings({lines.replace('false', 'true')}).means", "standings")
    np.testing.assert_allclose(higher, 4 - expected.mean(0))


@needs_node
def test_distances_are_geometric_means_over_the_best_and_none_where_a_score_is_not_positive():
    lines = [{"values": values, "higher": False} for values in LINES[:2]]
    np.testing.assert_allclose(javascript(f"distances({json.dumps(lines)})", "standings"), [1, 2**0.5, 8**0.5])
    lines[0]["values"] = [0.0, 2.0, 4.0]
    assert javascript(f"distances({json.dumps(lines)})", "standings") is None


@needs_node
def test_the_front_is_what_nothing_else_is_cheaper_and_better_than():
    points = json.dumps([{"x": x, "y": y} for x, y in [(3, 1), (1, 3), (2, 2), (2, 3), (4, 1)]])
    found = javascript(f"front({points})", "standings")
    assert [(p["x"], p["y"]) for p in found] == [(1, 3), (2, 2), (3, 1)]


ALL = [0, 1, 2, 5, 7]


@needs_node
@pytest.mark.parametrize(
    ("written", "chosen", "again"),
    [
        ("", ALL, ""),
        ("0-2", [0, 1, 2], "0-2"),
        ("2,0", [0, 2], "0,2"),
        ("1-6", [1, 2, 5], "1-5"),  # a run of what there is
        ("0-99", ALL, ""),
        ("none", [], "none"),
        ("8,x", [], "none"),
    ],
)
def test_seeds_are_written_as_the_command_line_reads_them(written, chosen, again):
    found = javascript(f"[...seedsOf({json.dumps(written)}, {ALL})]", "seeds")
    assert found == chosen
    assert javascript(f"writtenSeeds(new Set({chosen}), {ALL})", "seeds") == again


def a_cell(**told):
    cell = {"n": 5, "m": 3.0, "seeds": [[0, 1.0], [1, 7.0], [2, 3.0], [5, 2.5], [7, 9.5]], "word": "close"}
    return {**cell, "theirs": 2.0, "theirs_n": 10, "ratio": 1.5, "low": 1.1, "high": 1.9, "why": "w", **told}


@needs_node
def test_a_cell_of_some_seeds_has_numpys_statistics_and_no_verdict():
    found = javascript(f"narrowed({json.dumps(a_cell())}, new Set([0, 1, 5, 7]))", "seeds")
    values = np.array([1.0, 7.0, 2.5, 9.5])
    q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
    told = [found[name] for name in ("q1", "m", "q3", "mean", "sd")]
    np.testing.assert_allclose(told, [q1, median, q3, values.mean(), values.std()])
    assert (found["n"], found["seeds"], found["theirs"]) == (4, [[0, 1.0], [1, 7.0], [5, 2.5], [7, 9.5]], 2.0)
    assert not {"word", "why", "ratio", "low", "high"} & set(found)


@needs_node
def test_a_cell_of_all_its_seeds_is_itself_and_one_of_none_says_so():
    cell = json.dumps(a_cell())
    assert javascript(f"narrowed({cell}, new Set([0, 1, 2, 3, 5, 7]))", "seeds") == a_cell()
    assert javascript(f"narrowed({cell}, new Set([3]))", "seeds") == {"state": "not at these seeds"}
    assert javascript("narrowed({state: 'failed'}, new Set([3]))", "seeds") == {"state": "failed"}


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Explored(HTMLParser):
    """Text of the explorer's table by row, and of the line above it."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.told, self.inside = [], "", ""
        _, _, part = text.partition('<section id="explore"')
        self.feed(part.partition("</section>")[0])

    def handle_starttag(self, tag, attributes):
        if tag != "wbr":
            self.inside = "told" if ("aria-live", "polite") in attributes else tag
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, text):
        if self.inside == "told":
            self.told += text
        elif self.inside in ("td", "th", "button") and self.rows and self.rows[-1]:
            self.rows[-1][-1] += text


def opened(made, folder, fragment):
    """The explorer of a report in a browser, at a fragment of its URL."""
    path = folder / "index.html"
    path.write_text(page("t", "h", [], {}, [], explored_of(made)), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [*command, "--dump-dom", f"{path.as_uri()}#{fragment}"], capture_output=True, text=True, timeout=120
    )
    return Explored(done.stdout)


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
def test_seeds_of_a_link_are_those_of_the_table_its_ranks_and_its_words(tmp_path):
    made = report()
    whole = opened(made, tmp_path, "explore")
    assert [row[0] for row in whole.rows] == ["SCM", "chain/nlin", "mean rank"]
    assert "medians over seeds" in whole.told
    some = opened(made, tmp_path, "explore?seeds=1,3-4")
    assert "medians over 3 of 5 seeds (1,3-4)" in some.told
    assert "a verdict is about all seeds, so that none is shown" in some.told
    dcm, anm = some.rows[1][2:4]
    assert dcm == "0.247 / 0.247"
    assert anm.split()[0] == "0.490"  # of seeds 1 and 3; seed 4 failed
    assert whole.rows[1][2].split()[0] == "0.245"
    assert some.rows[2][2:4] == ["1.00", "2.00"]
    none = opened(made, tmp_path, "explore?seeds=none")
    assert none.rows[1][2:] == ["–"] * 3


@needs_node
@pytest.mark.parametrize(
    ("least", "most", "log", "ticks"),
    [
        (1, 7, "false", [2, 4, 6]),
        (0.9, 14, "true", [1, 2, 5, 10]),
        (0.01, 2000, "true", [0.01, 0.1, 1, 10, 100, 1000]),
        (2, 2, "false", [2]),
    ],
)
def test_ticks_are_round_numbers_inside(least, most, log, ticks):
    assert javascript(f"axis({least}, {most}, 0, 100, {log}).ticks", "elements", "charts") == ticks


@needs_node
def test_what_is_copied_is_escaped_for_where_it_goes():
    view = {
        "hash": "#explore\n\\end",
        "grid": [["SCM", "score", "a_b"], ["x|y", "obs", "=1"]],
        "lines": [["d", "obs", "mmd", '=HYPERLINK("x")', 1.5, None, "reproduced"]],
        "papers": ["@article{a}", "@article{b}"],
    }
    told = javascript(
        f"Object.fromEntries(Object.entries(formats).map(([n, f]) => [n, f({json.dumps(view)})]))", "copying"
    )
    assert "a\\_b" in told["LaTeX"]
    assert told["LaTeX"].splitlines()[0] == "% booktabs, amssymb; #explore \\end"
    assert "x&#124;y" in told["Markdown"]
    assert told["CSV"].splitlines()[1] == 'd,obs,mmd,"\'=HYPERLINK(""x"")",1.5,,reproduced'
    assert told["BibTeX"] == "@article{a}\n\n@article{b}\n\n"


def test_the_explorer_knows_papers_costs_and_what_a_world_is():
    found = explored_of(report())
    (row,) = found["rows"]
    assert {"n=3", "small"} <= set(row["tags"])
    assert row["papers"] == ["chao2024dcm"]
    assert {m["label"]: m["papers"] for m in found["methods"]} == {
        "dcm": ["chao2024dcm"],
        "anm": ["hoyer2008anm"],
        "oracle": [],
    }
    assert list(found["papers"]) == ["", "chao2024dcm", "hoyer2008anm"]
    assert found["papers"]["chao2024dcm"].startswith("@article{chao2024dcm,")
    assert found["costs"][CHAIN] == {method: [1, None, None, None, None] for method in range(3)}


def test_a_world_with_an_image_is_not_built_to_be_told_about(monkeypatch):
    monkeypatch.setattr("scmbench.benchmarks.reporting.explorer.attributes", lambda name: pytest.fail(name))
    assert tags("image/morpho") == ["image"]


def test_of_a_world_that_is_not_here_nothing_is_said():
    assert tags("nobody/has/this") == []


def test_pictures_of_a_page_are_made_smaller_and_stay_pictures():
    import io

    from PIL import Image

    written = io.BytesIO()
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[50:90, 20:180] = (0, 114, 178)
    Image.fromarray(pixels).save(written, "PNG", compress_level=0)
    few = with_few_colours(written.getvalue())
    assert len(few) < len(written.getvalue())
    assert np.abs(np.asarray(Image.open(io.BytesIO(few)).convert("RGB")).astype(int) - pixels).max() < 24
