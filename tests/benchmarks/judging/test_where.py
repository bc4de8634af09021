"""Conditions on worlds: what Python would say, and nothing that Python would run."""

from __future__ import annotations

import pytest
from scmbench.benchmarks.judging.where import Lacking, Where, WhereError

WORLD = {"n": 10, "noise": "heavy", "degree": 2.5, "image": False, "name": "drawn/10/2/gp/heavy"}


@pytest.mark.parametrize(
    "text",
    [
        "n >= 10 and noise == 'heavy'",
        "n > 10 or degree > 2",
        "not (n < 10)",
        "5 < n <= 10",
        "5 < n < 8 or n != 10 or noise != 'heavy'",
        "noise in ('heavy', 'additive')",
        "noise not in ['additive']",
        "'gp' in name",
        "n > -1",
        "image",
        "image == False",
        "  n == 10\n",
        "n == 10 or nose == 'long'",
    ],
)
def test_conditions_mean_what_they_mean_in_python(text):
    assert Where(text)(WORLD) is bool(eval(text.strip(), {}, dict(WORLD)))


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("__import__('os').system('true')", "__import__"),
        ("n.bit_length", "n.bit_length"),
        ("n ** 9 ** 9 > 1", "n ** 9 ** 9"),
        ("n + 1 == 11", "n + 1"),
        ("[x for x in name]", "[x for x in name]"),
        ("(lambda: 1)()", "lambda"),
        ("name[0] == 'd'", "name[0]"),
        ("f'{n}' == '10'", "f'{n}'"),
        ("n if n else n", "n if n else n"),
        ("(m := 3) == 3", "m := 3"),
        ("n is 10", "n is 10"),
        ("3 in 4", "4"),
        ("n == None", "None"),
        ("n == b'x'", "b'x'"),
        ("~n == 1", "~n"),
        ("n >=", "n >="),
        ("n = 10", "n = 10"),
        ("", "''"),
        ("import os", "import os"),
        ("n\0 == 1", "cannot be read"),
        ("(" * 500 + "n" + ")" * 400, "cannot be read"),
    ],
)
def test_what_is_no_condition_is_named_in_one_line(text, culprit):
    with pytest.raises(WhereError) as error:
        Where(text)
    assert culprit in str(error.value)
    assert "\n" not in str(error.value)


def test_a_deep_condition_is_one_all_the_same():
    assert Where("not " * 240 + "n")(WORLD) is True


def test_too_long_a_condition_is_not_read():
    with pytest.raises(WhereError, match="at most 1,000"):
        Where("n == 1 or " * 200 + "n == 2")


def test_numbers_and_texts_have_no_order():
    with pytest.raises(WhereError, match="compares 10 with 'a'"):
        Where("n >= 'a'")(WORLD)
    with pytest.raises(WhereError, match="compares 'x' with 10"):
        Where("'x' in n")(WORLD)
    assert Where("n == 'a'")(WORLD) is False


def test_an_attribute_that_decides_and_is_not_there_is_told():
    with pytest.raises(Lacking, match="nose"):
        Where("n == 10 and nose == 'long'")(WORLD)
    assert Where("n == 9 and nose == 'long'")(WORLD) is False
    assert Where("n == 9 or not nose == 'long'").names == {"n", "nose"}
