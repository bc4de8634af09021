"""How often marks and verdicts appear where nothing differs: simulations of equal methods, and of the noise floor."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scmbench.benchmarks.judging.leaders import leaders
from scmbench.benchmarks.judging.paired import compare_cell
from scmbench.benchmarks.judging.published import Published
from scmbench.benchmarks.judging.verdict import verdicts

pytestmark = pytest.mark.slow

ASKED = {"dataset": "a", "query": "observational", "metric": "mmd", "model": "m", "variant": ""}
LAWS = {
    "log-normal": lambda rng, n: np.exp(rng.standard_normal(n)),
    "heavy tails": lambda rng, n: np.exp(rng.standard_t(3, n)),
    "around zero": lambda rng, n: rng.standard_normal(n),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 10])
def test_equal_methods_are_marked_in_five_per_cent(law, n):
    rng, tries, marked = np.random.default_rng(n), 2000, 0
    for _ in range(tries):
        a, b = (dict(enumerate(LAWS[law](rng, n))) for _ in range(2))
        marked += compare_cell(a, b)["change"] in ("lower", "higher")
    assert marked == 0 if n < 5 else marked / tries <= 0.06


@pytest.mark.parametrize("n", [5, 10])
def test_equal_methods_that_share_no_seed_are_marked_in_five_per_cent(n):
    rng, tries, marked = np.random.default_rng(n), 2000, 0
    for _ in range(tries):
        a, b = np.exp(rng.standard_normal((2, n)))
        other = compare_cell(dict(enumerate(a)), {n + i: x for i, x in enumerate(b)})
        marked += other["change"] in ("lower", "higher")
    assert marked / tries <= 0.06


def test_of_two_equal_methods_one_alone_is_bold_in_five_per_cent():
    rng, tries, alone = np.random.default_rng(0), 600, 0
    for _ in range(tries):
        x = np.exp(rng.standard_normal((2, 5)))
        lines = [{**ASKED, "model": m, "seed": s, "score": v} for m, own in zip("ab", x) for s, v in enumerate(own)]  # noqa: B905
        (best,) = leaders(pd.DataFrame(lines)).values()
        alone += len(best) == 1
    assert alone / tries <= 0.07


FLOOR_LAWS = {
    "an unbiased distance": lambda rng, n: rng.normal(0.001, 0.001, n),
    "a divergence": lambda rng, n: np.abs(rng.normal(0.001, 0.001, n)),
    "around zero": lambda rng, n: rng.normal(0.0, 0.001, n),
}


def floor_verdicts(law, n, tolerance, tries=200):
    """Both sides from one law, theirs as mean ± sd of five runs, printed to four digits after the point."""
    rng = np.random.default_rng(0)
    theirs, ours = [], []
    for i in range(tries):
        x = law(rng, 5)
        cell = {**ASKED, "dataset": str(i), "form": "moments", "n": 5, "tolerance": tolerance}
        boxes = dict.fromkeys(["q1", "median", "q3"], np.nan)
        theirs.append({**cell, **boxes, "mean": round(x.mean(), 4), "sd": round(x.std(ddof=1), 4)})
        ours += [{**ASKED, "dataset": str(i), "seed": s, "score": v} for s, v in enumerate(law(rng, n))]
    paper = Published("p", "P", "standard", [], pd.DataFrame(theirs))
    return Counter(verdicts(pd.DataFrame(ours), paper)["verdict"])


@pytest.mark.parametrize("law", FLOOR_LAWS)
@pytest.mark.parametrize("n", [5, 10])
def test_one_law_at_the_floor_on_both_sides_is_seldom_called_different(law, n):
    """By ratio alone, 32 of 200 such cells came out close, better or worse."""
    found = floor_verdicts(FLOOR_LAWS[law], n, np.nan)
    assert sum(found[word] for word in ("close", "better", "worse")) <= 0.11 * 200, found
    assert found["at the floor"] + found["reproduced"] >= 0.65 * 200, found


@pytest.mark.parametrize("law", FLOOR_LAWS)
def test_with_a_tolerance_they_are_at_the_floor(law):
    assert floor_verdicts(FLOOR_LAWS[law], 10, 0.003)["at the floor"] >= 198


def test_what_is_truly_worse_than_the_floor_is_said():
    rng = np.random.default_rng(0)
    paper = pd.DataFrame([{**ASKED, "form": "moments", "n": 5, "mean": 0.001, "sd": 0.001, "tolerance": np.nan}])
    cells = paper.assign(q1=np.nan, median=np.nan, q3=np.nan)
    scores = pd.DataFrame([{**ASKED, "seed": s, "score": 0.01 + 0.001 * rng.standard_normal()} for s in range(5)])
    assert verdicts(scores, Published("p", "P", "standard", [], cells))["verdict"].item() == "worse"
