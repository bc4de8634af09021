"""One's own table: formats, types, and complaints that name file, line and column."""

from __future__ import annotations

import sys

import pandas as pd
import pytest
from scmbench.datasets import ValuesError
from scmbench.datasets.files.tables import OwnTable, read_table, table_columns


@pytest.fixture
def write(tmp_path):
    def write(text, name="own.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8"))
        return path

    return write


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x,y,who\n1.5,2,a\n-3e1,4,b\n", "own.csv"),
        ("x;y;who\n1.5;2;a\n-3e1;4;b\n", "own.csv"),
        ("x\ty\twho\r\n1.5\t2\ta\r\n-3e1\t4\tb\r\n", "own.tsv"),
        ('\ufeff"x", y ,who\n1.5, 2,"a,b"\n\n-30,"4",c\n', "own.txt"),
    ],
)
def test_text_in_several_hands(write, text, name):
    frame = read_table(write(text, name), ["y", "x"])
    assert frame.to_dict("list") == {"y": [2, 4], "x": [1.5, -30.0]}
    assert [str(t) for t in frame.dtypes] == ["int64", "float64"]


def test_whole_numbers_are_real_where_one_says_so(write):
    assert read_table(write("x\n1\n2\n"), ["x"], real=True)["x"].dtype == "float64"


@pytest.mark.parametrize(
    ("entries", "dtype", "labels"),
    [
        (["low", "high", "low"], "category", ["high", "low"]),
        (["yes", "no", "yes"], "category", ["no", "yes"]),
        (["b"], "category", ["b"]),
        (["True", "FALSE", "true"], "bool", None),
    ],
)
def test_words_are_categories_and_truth_values_booleans(write, entries, dtype, labels):
    column = read_table(write("x\n" + "\n".join(entries)), ["x"], real=True)["x"]
    assert column.dtype == dtype
    if labels:
        assert column.cat.categories.tolist() == labels
        assert not column.cat.ordered
        assert column.tolist() == entries
    else:
        assert column.tolist() == [True, False, True]


def test_words_may_be_missing_where_gaps_are_allowed(write):
    frame = read_table(write("x,y\nlow,true\nNA,\n"), ["x", "y"], gaps=True)
    assert frame["x"].isna().tolist() == frame["y"].isna().tolist() == [False, True]


def test_a_vector_node_takes_its_numbered_columns(write):
    frame = read_table(write("v[0],v[1],w\n1.0,2.0,3\n"), ["v"])
    assert list(frame) == ["v[0]", "v[1]"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x,y\n1,2\n3\n", r"own\.csv, line 3: 1 entries; the header has 2"),
        ("x,y\n1,2\n3,4,5\n", r"own\.csv, line 3: 3 entries"),
        ('x,y\n1,"a\nb"\n3,4\n', r"own\.csv, line 3, column 'y': 'a\\nb' is no finite number"),
        ("x,y\n1,2\n3,\n", r"own\.csv, line 3, column 'y': it is empty"),
        ("x,y\n1,2\n3,NA\n3,NA\n", r"own\.csv, line 3, column 'y': 'NA' is no finite number \(2 such rows\)"),
        ("x,y\n1,inf\n3,4\n", r"line 2, column 'y': 'inf' is no finite number"),
        ("x,y\n1,1_000\n3,4.5\n", r"line 2, column 'y': '1_000' is no number: underscores"),
        ("x,y\n1,low\n3,4\n", r"line 2, column 'y': 'low' is no finite number"),
        ("x,y\n1,low\n3,none\n", r"line 3, column 'y': 'none' stands for a missing entry; if it is a category"),
        ("x,z\n1,2\n", r"own\.csv has no column 'y', which the graph has; its columns are \['x', 'z'\]"),
        ("x,y,y\n1,2,3\n", r"own\.csv has the column 'y' 2 times"),
        ("x,y\n", r"own\.csv has columns and no rows"),
        ("", r"own\.csv, line 1: no header"),
    ],
)
def test_what_is_wrong_is_told(write, text, complaint):
    with pytest.raises(ValuesError, match=complaint):
        read_table(write(text), ["x", "y"])


@pytest.mark.parametrize(
    ("entries", "cause"),
    [
        (["0,125", "1.5"], "'0,125' has a decimal comma, and '1.5' in line 3, column 'X', has a decimal point"),
        (["1,234", "2,500"], "'1,234' has a decimal comma, or separates thousands?"),
        (["1,234,567.5"], "thousands separators"),
        (["1.234.567,5"], "separators of thousands and a decimal comma"),
        (["1 234", "2"], "thousands separators"),
        (["1'234"], "thousands separators"),
        (["50%", "0.1 %"], "'50%' is no number (2 such rows): a percentage"),
        (["2020-01-01"], "a date"),
        (["31.12.2020"], "a date"),
        (["12:30"], "a time"),
        (["$5"], "an amount"),
        (["5 mg"], "a number with its unit"),
        (["low", "50%"], "line 3, column 'X': '50%' is no number"),
        (["NA", "low"], "line 2, column 'X': 'NA' stands for a missing entry"),
        (["-inf"], "'-inf' is no"),
    ],
)
def test_what_is_no_number_is_told_for_what_it_may_be(write, entries, cause):
    text = "X;Y\n" + "".join(f"{entry};1\n" for entry in entries)
    with pytest.raises(ValuesError) as refused:
        read_table(write(text), ["X", "Y"])
    assert cause in str(refused.value)


def test_the_nodes_settle_what_separates(write):
    frame = read_table(write("Age, years;BP, mmHg\n50;120\n"), ["Age, years", "BP, mmHg"])
    assert frame.to_dict("list") == {"Age, years": [50], "BP, mmHg": [120]}
    for between, told in (("|", "'|' between columns"), (" ", "blanks between columns")):
        with pytest.raises(ValuesError, match=told.replace("|", r"\|")):
            read_table(write(f"x{between}y\n1{between}2\n"), ["x", "y"])
    with pytest.raises(ValuesError, match="line 1: '# made by hand' looks like a comment"):
        read_table(write("# made by hand\nx,y\n1,2\n"), ["x"])


def test_a_unit_in_a_name_is_no_vector(write):
    with pytest.raises(ValuesError, match="no column 'dose'"):
        read_table(write("dose[mg]\n1\n"), ["dose"])
    assert list(read_table(write("dose [mg],v[0],v[1]\n1,2,3\n"), ["v", "dose [mg]"])) == ["v[0]", "v[1]", "dose [mg]"]


def test_gaps_where_they_are_allowed_and_the_other_columns(write):
    table = OwnTable.read(write("id,x,y,note\n007,1,,a\n08,2,NA,\n"), ["x", "y", "z"])
    frame = table.values(gaps=True)
    assert list(frame) == ["x", "y"]
    assert frame["x"].tolist() == [1, 2]
    assert frame["y"].isna().all()
    assert table.others().to_dict("list") == {"id": ["007", "08"], "note": ["a", ""]}
    assert table_columns(table.path) == ["id", "x", "y", "note"]


def test_columns_outside_the_graph_may_hold_anything(write):
    assert read_table(write("x,note\n1,\n2,NA\n"), ["x"])["x"].tolist() == [1, 2]


def test_missing_and_binary_files_are_told(tmp_path):
    with pytest.raises(ValuesError, match="there is no such file"):
        read_table(tmp_path / "own.csv", ["x"])
    with pytest.raises(ValuesError, match=r"cannot be read: .*Is a directory"):
        read_table(tmp_path, ["x"])
    (tmp_path / "own.csv").write_bytes(b"x\n\xff\n")
    with pytest.raises(ValuesError, match="cannot be read"):
        read_table(tmp_path / "own.csv", ["x"])


class TestParquet:
    def test_types_are_kept(self, tmp_path):
        frame = pd.DataFrame({"x": [1.5, 2.5], "y": pd.array([1, 2], dtype="Int32"), "who": ["a", "b"]})
        frame.to_parquet(tmp_path / "own.parquet")
        again = read_table(tmp_path / "own.parquet", ["x", "y"])
        assert again.to_dict("list") == {"x": [1.5, 2.5], "y": [1, 2]}
        assert [str(t) for t in again.dtypes] == ["float64", "int64"]
        stages = pd.Categorical(["lo", "hi"], categories=["lo", "mid", "hi"], ordered=True)
        frame.assign(y=[True, False], z=stages).to_parquet(tmp_path / "own.parquet")
        labelled = read_table(tmp_path / "own.parquet", ["who", "y", "z"])
        assert [str(t) for t in labelled.dtypes] == ["category", "bool", "category"]
        assert labelled["z"].dtype == stages.dtype

    @pytest.mark.parametrize(
        ("column", "complaint"),
        [
            (["1", "2"], r"own\.parquet, column 'x': it holds numbers as text"),
            (["a", None], r"own\.parquet, row 1, column 'x': it is empty"),
            ([True, None], r"own\.parquet, row 1, column 'x': it is empty"),
            (pd.to_datetime(["2020-01-01"]), r"own\.parquet, column 'x': it is datetime64.*: write its dates"),
            ([1.0, None], r"own\.parquet, row 1, column 'x': no finite number"),
        ],
    )
    def test_what_is_wrong_is_told(self, tmp_path, column, complaint):
        pd.DataFrame({"x": column}).to_parquet(tmp_path / "own.parquet")
        with pytest.raises(ValuesError, match=complaint):
            read_table(tmp_path / "own.parquet", ["x"])

    def test_a_file_of_another_kind_is_told(self, tmp_path):
        (tmp_path / "own.parquet").write_text("x\n1\n")
        with pytest.raises(ValuesError, match=r"own\.parquet is not Parquet"):
            read_table(tmp_path / "own.parquet", ["x"])
        with pytest.raises(ValuesError, match="there is no such file"):
            read_table(tmp_path / "other.parquet", ["x"])

    def test_without_pyarrow_the_extra_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(ValuesError, match=r"pip install 'scmbench\[parquet\]'"):
            read_table(tmp_path / "own.parquet", ["x"])
