"""Published numbers: the DCM figures as they are read, other people's files, and errors that name the place."""

import math
from importlib.resources import files

import pytest
from scmbench.benchmarks.judging.published import ORIGINS, SHELVES, PublishedError, load, merge, names

TOML = """
title = "A paper"
protocol = "standard"
dataset = "toy/{scm}"
EXTRA
[source]
title = "T"
authors = ["A. Author", "B. Author"]
year = 2020
url = "https://example.org"
[n]
"toy/*" = 5
[queries]
mmd = { query = "observational", metric = "mmd" }
[models]
ours = { model = "mine" }
"""
BOX = "scm,query,model,q1,median,q3\n"
MOMENTS = "scm,query,model,mean,sd\n"


def write(folder, table, extra="", toml=TOML):
    (folder / "paper.toml").write_text(toml.replace("EXTRA", extra))
    (folder / "paper.csv").write_text(table)
    return folder / "paper.toml"


def test_the_dcm_figures():
    published = load("dcm_figures")
    assert "dcm_figures" in names()
    assert len(published.cells) == 6 * 2 * 3 * 4
    assert set(published.cells["variant"]) == {"reference"}
    cell = published.cells.set_index(["dataset", "query", "metric", "model"]).loc[
        ("dcm/chain/nlin", "observational", "mmd", "dcm")
    ]
    assert (cell["q1"], cell["median"], cell["q3"]) == (0.0019197, 0.00247426, 0.00275763)
    assert cell["outliers"] == (0.00426552, 0.0049403)
    sizes = published.cells.groupby("dataset")["n"].unique().map(list)
    assert sizes["dcm/y/nadd"] == [10]
    assert sizes["dcm/random/nlin"] == [13]
    assert published.cite().startswith("Patrick Chao, ")
    assert published.labels["dcm", "reference"] == "DCM"
    assert published.protocol == "paper"
    assert published.scale == 100


def test_moments_turn_a_population_sd_into_the_samples(tmp_path):
    table = MOMENTS + "a,mmd,ours,2.0,0.5\n"
    cell = load(write(tmp_path, table)).cells.iloc[0]
    assert (cell["form"], cell["mean"], cell["n"], cell["dataset"]) == ("moments", 2.0, 5, "toy/a")
    assert cell["sd"] == pytest.approx(0.5 * math.sqrt(5 / 4))
    assert load(write(tmp_path, table, 'sd = "sample"')).cells["sd"].item() == 0.5
    assert math.isnan(cell["median"])
    assert cell["variant"] == ""


def test_a_path_to_the_csv_and_a_column_n(tmp_path):
    write(tmp_path, "scm,query,model,n,q1,median,q3\na,mmd,ours,7,1,2,3\n")
    assert load(tmp_path / "paper.csv").cells["n"].item() == 7


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (BOX + "a,mmd,ours,1,x,3\n", r"paper\.csv, line 2, column median: 'x' is not a number"),
        (BOX + "a,mmd,ours,1,inf,3\n", r"line 2, column median: 'inf' is not finite"),
        (
            BOX + "a,mmd,ours,1,2,3\na,mmd,ours,1,2,3\n",
            r"line 3: the same cell as line 2: toy/a observational mmd mine",
        ),
        (BOX + "a,mmd,ours,2,1,3\n", r"line 2: .*does not hold: \[2\.0, 1\.0, 3\.0\]"),
        (BOX + "a,mmd,yours,1,2,3\n", r"line 2, column model: 'yours' is not in \[models\]"),
        (BOX + "a,mse,ours,1,2,3\n", r"line 2, column query: 'mse' is not in \[queries\]"),
        (BOX + "a,mmd,ours,1,2\n", r"line 2: expected 6 fields"),
        (BOX + "a,mmd,ours,1,2,3,4\n", r"line 2: expected 6 fields"),
        (BOX, r"holds no cell"),
        ("query,model,q1,median,q3\n", r"line 1: missing column\(s\) \['scm'\]"),
        ("scm,query,model,q1,median\n", r"line 1: needs the columns .* or "),
        ("scm,query,model,mean,sd,colour\n", r"line 1: unknown column\(s\) \['colour'\]"),
        (MOMENTS + "a,mmd,ours,1,-2\n", r"line 2, column sd: -2\.0 is negative"),
        ("scm,query,model,n,mean,sd\na,mmd,ours,1,1,1\n", r"line 2: n = 1 .* at least 2 runs"),
        ("scm,query,model,q1,median,q3,mean,sd\na,mmd,ours,1,2,3,2,1\n", r"line 2: give either"),
    ],
)
def test_a_bad_table_is_refused_with_its_place(tmp_path, table, message):
    with pytest.raises(PublishedError, match=message):
        load(write(tmp_path, table))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("year = 2020", "year = 'x'"), r"paper\.toml: source\.year must be a int, found 'x'"),
        (('title = "A paper"', ""), r"paper\.toml: title must be a str, found None"),
        (("EXTRA", "colour = 1"), r"unknown key\(s\) \['colour'\]"),
        (("EXTRA", "scale = -1"), r"scale must be a positive number, found -1"),
        (("EXTRA", "sd = 'odd'"), r"sd must be 'population' or 'sample'"),
        (("EXTRA", "origin = 'hearsay'"), r"origin must be one of \['published', \"authors' code\"\], found 'hearsay'"),
        (('"mmd" }', '"mmd", tolerance = 0 }'), r"queries\.mmd\.tolerance must be a positive number, found 0"),
        (('"mmd" }', '"mmd", higher_is_better = 1 }'), r"queries\.mmd\.higher_is_better must be true or false"),
        (('"mmd" }', '"mmd", direction = 1 }'), r"queries\.mmd: unknown key\(s\) \['direction'\]"),
        (("EXTRA", "= ="), r"paper\.toml: .*line 5"),
        (('"toy/*" = 5', ""), r"paper\.csv, line 2: no n for toy/a"),
    ],
)
def test_a_bad_description_is_refused_with_its_key(tmp_path, change, message):
    path = write(tmp_path, BOX + "a,mmd,ours,1,2,3\n", toml=TOML.replace(*change))
    with pytest.raises(PublishedError, match=message):
        load(path)


def test_numbers_of_zero_and_below_load_with_their_tolerance_and_direction(tmp_path):
    toml = TOML.replace('"mmd" }', '"mmd", tolerance = 0.002, higher_is_better = true }')
    found = load(write(tmp_path, MOMENTS + "a,mmd,ours,0,0.001\nb,mmd,ours,-0.5,0\n", toml=toml))
    assert found.cells[["mean", "tolerance", "higher_is_better"]].values.tolist() == [
        [0, 0.002, True],
        [-0.5, 0.002, True],
    ]
    assert found.higher() == {("observational", "mmd")}
    box = load(write(tmp_path, BOX + "a,mmd,ours,-1,0,1\n"))
    assert (box.cells["median"].item(), box.higher()) == (0.0, frozenset())


def test_files_must_agree_on_the_direction(tmp_path):
    lower = load(write(tmp_path, BOX + "a,mmd,ours,1,2,3\n"))
    toml = TOML.replace('"mmd" }', '"mmd", higher_is_better = true }')
    higher = load(write(tmp_path, BOX + "b,mmd,ours,1,2,3\n", toml=toml))
    with pytest.raises(PublishedError, match=r"disagree on whether higher is better for \('observational', 'mmd'\)"):
        merge([lower, higher])


def test_numbers_of_authors_code_are_not_called_published():
    for shelf, origin in zip(SHELVES, ORIGINS, strict=True):
        there = {file.name[:-5] for file in files(shelf).iterdir() if file.name.endswith(".toml")} & set(names())
        assert there
        assert {load(name).origin for name in there} == {origin}


def test_several_files_as_one(tmp_path):
    dcm = load("dcm_figures")
    with pytest.raises(PublishedError, match="dcm_figures and paper differ in protocol or scale"):
        merge([dcm, load(write(tmp_path, BOX + "a,mmd,ours,1,2,3\n"))])
    same = TOML.replace('"standard"', '"paper"').replace("EXTRA", "scale = 100")
    other = load(write(tmp_path, BOX + "a,mmd,ours,1,2,3\n", toml=same))
    both = merge([dcm, other])
    assert len(both.cells) == 145
    assert both.cite().endswith("A. Author, B. Author (2020). T. https://example.org")
    with pytest.raises(PublishedError, match=r"both give the cell \['toy/a'"):
        merge([other, other])


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(PublishedError, match=r"no published numbers 'nothing'; there are .*dcm_figures"):
        load("nothing")
    path = write(tmp_path, BOX)
    path.with_suffix(".csv").unlink()
    with pytest.raises(PublishedError, match=r"paper\.csv: cannot be read"):
        load(path)
