"""The page's explorer: what its JSON says is what the tables say, and no label gets out of its script element."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib import resources

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import LABELS
from scmbench.benchmarks.records.results import EXAMPLES, ROWS, Results
from scmbench.benchmarks.reporting.explorer import as_script, explored
from scmbench.benchmarks.reporting.page import page, with_few_colours
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
    return explored(made.suite.name, made.layout, made.scores, made.found, made.judged, made.paper)


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
    program = resources.files("scmbench.benchmarks.reporting").joinpath("page.js").read_text()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|fetch\(|XMLHttp|import\(", program
    )
    assert "</script" not in program
    written = page("t", "h", [], {}, [])
    assert "default-src 'none'" in written
    assert not re.search(r'(?:src|href)="(?:https?:)?//', written)


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript engine here")
def test_the_script_is_javascript(tmp_path):
    program = resources.files("scmbench.benchmarks.reporting").joinpath("page.js").read_text()
    (tmp_path / "page.js").write_text(program)
    done = subprocess.run(["node", "--check", str(tmp_path / "page.js")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_pictures_of_a_page_are_made_smaller_and_stay_pictures():
    import io

    import numpy as np
    from PIL import Image

    written = io.BytesIO()
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[50:90, 20:180] = (0, 114, 178)
    Image.fromarray(pixels).save(written, "PNG", compress_level=0)
    few = with_few_colours(written.getvalue())
    assert len(few) < len(written.getvalue())
    assert np.abs(np.asarray(Image.open(io.BytesIO(few)).convert("RGB")).astype(int) - pixels).max() < 24
