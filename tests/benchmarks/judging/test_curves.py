"""Published curves and tables to compare with: their files, the rule, and what is wrong with one, by name."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from scmbench.benchmarks.judging import compared, curves, published
from scmbench.benchmarks.judging.curves import judge, load
from scmbench.benchmarks.judging.published_file import COMPARED, PublishedError
from scmbench.benchmarks.judging.published_file import CURVE as CURVES

CURVE = load("diffscm_cld")


def test_the_curve_of_diff_scm_has_its_ten_points_and_passes_its_own_rule():
    assert len(CURVE.x) == len(CURVE.y) == 10
    assert (CURVE.x[0], CURVE.y[0]) == (0, 1.307)
    assert min(zip(CURVE.y, CURVE.x, strict=True)) == (1.061, 0.8)
    verdict = judge(CURVE, CURVE.x, CURVE.y)
    assert (verdict.word, verdict.lowest, verdict.n) == ("reproduced", 0.8, 10)
    assert verdict.rho == pytest.approx(1)
    assert "Sanchez" in CURVE.cite()


def test_shape_counts_and_values_do_not():
    assert judge(CURVE, CURVE.x, [5 + 3 * y for y in CURVE.y]).word == "reproduced"
    shuffled = list(zip(CURVE.x, CURVE.y, strict=True))[::-1]
    assert judge(CURVE, *zip(*shuffled, strict=True)).word == "reproduced"


@pytest.mark.parametrize(
    ("x", "y", "word", "lowest"),
    [
        (CURVE.x, sorted(CURVE.y, reverse=True), "not reproduced", 3),  # lowest at the end
        ([0, 0.2, 0.7, 0.8, 2, 3], [1.0, 1.1, 0.9, 1.3, 1.2, 1.1], "not reproduced", 0.7),  # another order
        (
            [0, 0.3, 0.7, 1, 1.5, 2, 3, 4],
            [1.3, 1.2, 1.0, 1.1, 1.15, 1.16, 1.17, 0.1],
            "reproduced",
            0.7,
        ),  # 4 is outside
        ([0, 0.7, 1, 3], [1.3, 1.0, 1.1, 1.2], "undecided", 0.7),
        ([4, 5, 6, 7, 8], [1, 2, 3, 4, 5], "undecided", math.nan),
        ([], [], "undecided", math.nan),
        (CURVE.x, [1.0] * 10, "not reproduced", 0),
    ],
)
def test_the_rule(x, y, word, lowest):
    verdict = judge(CURVE, x, y)
    assert verdict.word == word
    assert verdict.lowest == pytest.approx(lowest, nan_ok=True)


def test_numbers_that_are_none_have_no_verdict():
    with pytest.raises(ValueError, match="not finite"):
        judge(CURVE, CURVE.x, [math.nan] * 10)
    with pytest.raises(ValueError, match=r"shorter|argument"):
        judge(CURVE, CURVE.x, [1.0])


def test_kinds_do_not_mix():
    assert published.names(CURVES) == ["diffscm_cld"]
    assert published.names(COMPARED) == ["morpho_benchmark"]
    assert not {"diffscm_cld", "morpho_benchmark"} & set(published.names())
    with pytest.raises(PublishedError, match="is a curve, which is shown"):
        published.load("diffscm_cld")
    with pytest.raises(PublishedError, match="is a table to compare with"):
        published.load("morpho_benchmark")
    with pytest.raises(PublishedError, match="is a table to compare with"):
        curves.load("morpho_benchmark")
    with pytest.raises(PublishedError, match="is a curve, which is shown"):
        compared.load("diffscm_cld")
    with pytest.raises(PublishedError, match=r"no published curve 'nothing'; there are \['diffscm_cld'\]"):
        curves.load("nothing")
    with pytest.raises(PublishedError, match="no published table 'nothing'"):
        compared.load("nothing")


def test_curves_and_tables_stand_beside_their_data_sets():
    assert [c.name for c in curves.beside("image/mnist")] == ["diffscm_cld"]
    assert curves.beside("image/strokes") == compared.beside("image/strokes") == []
    assert [c.name for c in compared.beside("image/morpho")] == ["morpho_benchmark"]


ROOT = Path(published.__file__).parents[2] / "results" / "published"


def copied(name: str, folder: Path, change: tuple[str, str, str]) -> Path:
    """A published file of two with one text in it changed."""
    suffix, before, after = change
    for end in ("csv", "toml"):
        text = (ROOT / f"{name}.{end}").read_text(encoding="utf-8")
        if end == suffix:
            assert before in text
            text = text.replace(before, after, 1)
        (folder / f"{name}.{end}").write_text(text, encoding="utf-8")
    return folder / f"{name}.toml"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("csv", "0.2,1.257", "0.2,high"), r"diffscm_cld\.csv, line 3: '0\.2' or 'high' is no number"),
        (("csv", "0.2,1.257", "0.2"), r"line 3: '0\.2' or None is no number"),
        (("csv", "0.2,1.257", "0,1.257"), r"line 3: \[0\.0, 1\.257\]: expected finite numbers, s ascending"),
        (("csv", "0.2,1.257", "0.2,nan"), "line 3: .*expected finite"),
        (("csv", "s,cld", "s,clda"), r"line 1: missing column\(s\) \['cld'\]"),
        (("toml", "[0.5, 1.0]", "[1.0, 0.5]"), "argmin must be two ascending numbers"),
        (("toml", "[0.5, 1.0]", "['a', 'b']"), "argmin must be two ascending numbers"),
        (("toml", "= 0.8", "= 8.0"), r"rank_correlation must be from -1 to 1, found 8\.0"),
        (("toml", "= 0.8", "= 'much'"), "rank_correlation must be a float, found 'much'"),
        (("toml", 'metric = "cld"', ""), "metric must be a str, found None"),
        (("toml", "how = ", "who = "), r"unknown key\(s\) \['who'\]"),
        (("toml", '"curve"', '"curves"'), "kind must be 'curve', found 'curves'"),
        (("toml", "year = 2022", "year = 'then'"), r"source\.year must be a int"),
        (("toml", "[source]", "[source"), r"diffscm_cld\.toml"),
    ],
)
def test_what_is_wrong_with_a_curve_is_named(tmp_path, change, message):
    with pytest.raises(PublishedError, match=message):
        curves.load(copied("diffscm_cld", tmp_path, change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("csv", "score,model,value,sd", "score,model,value"), "line 1: expected the columns"),
        (("csv", "composition_l1_1,vae", "composition_l1_1,diva"), r"line 2: 'diva' is not in \[models\]"),
        (("csv", "composition_l1_1,vae", "competition,vae"), r"line 2: 'competition' is not in \[scores\]"),
        (
            ("csv", "composition_l1_1,hvae", "composition_l1_1,vae"),
            "line 3: the cell composition_l1_1 vae is there twice",
        ),
        (("csv", "2.600", "low"), "line 2: 'low' or '1.454' is no number"),
        (("csv", "2.600", "inf"), "line 2: 'inf' is not finite"),
        (("csv", "2.600,1.454", "2.600"), "line 2: expected 4 fields"),
        (("toml", 'vae = "VAE"', "vae = 1"), r"models\.vae must be a str"),
        (("toml", 'label = "CLD (weighted)", ', ""), r"scores\.cld_weighted\.label must be a str"),
        (("toml", "one_minus = true", "one_minux = true"), r"unknown key\(s\) \['one_minux'\]"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path, change, message):
    with pytest.raises(PublishedError, match=message):
        compared.load(copied("morpho_benchmark", tmp_path, change))


def test_a_file_that_is_missing_is_named(tmp_path):
    path = copied("diffscm_cld", tmp_path, ("csv", "s,cld", "s,cld"))
    path.with_suffix(".csv").unlink()
    with pytest.raises(PublishedError, match=r"diffscm_cld\.csv: cannot be read"):
        curves.load(path)


def test_ours_are_in_the_unit_of_the_table():
    table = compared.load("morpho_benchmark")
    assert table.theirs("composition_l1_1", "hvae") == (0.438, 0.178)
    assert math.isnan(table.theirs("fid", "vae")[1])
    lines = [
        ("composition", "", "composition_1", 0.01),
        ("counterfactual", "thickness", "leak_class", 0.1),
        ("counterfactual", "intensity", "leak_class", 0.4),
    ]
    rows = pd.DataFrame(
        [
            ("image/morpho", "mine", "", seed, q, node, m, x + 0.01 * seed)
            for q, node, m, x in lines
            for seed in range(3)
        ],
        columns=["dataset", "model", "variant", "seed", "query", "node", "metric", "score"],
    )
    mine = ("mine", "")
    assert table.ours(rows, "image/morpho", "composition_l1_1") == {mine: pytest.approx(255 * 0.02)}
    assert table.ours(rows, "image/morpho", "accuracy_do_thickness") == {mine: pytest.approx(1 - 0.11)}
    assert table.ours(rows, "image/morpho", "accuracy_do_intensity") == {mine: pytest.approx(1 - 0.41)}
    assert table.ours(rows, "image/morpho", "fid") == table.ours(rows, "image/other", "composition_l1_1") == {}
