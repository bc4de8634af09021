"""Numbers of the pages on results are what the committed runs give, and none of them is without a source."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import claims as checker

PAGE = "page.md"

NO_RUN = {"docs/images.md"}
"""Pages whose suites have no committed run yet: what they say comes from elsewhere."""


@pytest.mark.parametrize("page", checker.PAGES)
def test_every_number_is_what_the_committed_run_gives(page):
    found = list(checker.claims(page, (checker.ROOT / page).read_text(encoding="utf-8")))
    assert bool(found) == (page not in NO_RUN)
    wrong = [claim.wrong() for claim in found if claim.wrong()]
    assert wrong == [], "\n" + "\n".join(wrong) + "\npython docs/claims.py --write writes recomputed numbers"


def told(text):
    return [(claim.text, claim.wrong()) for claim in checker.claims(PAGE, text)]


def test_a_marker_speaks_of_the_numbers_before_it():
    assert told("It is 1.5<!-- n: 3 / 2 --> and −4 to +70 %<!-- n: [-4.4, 70] -->.") == [
        ("1.5", ""),
        ("−4", ""),
        ("+70", ""),
    ]
    assert told("| a | 1,234 | 0.30 |\n\n<!-- n: [1234.4, 0.3] -->\n") == [("1,234", ""), ("0.30", "")]


def test_a_number_that_moved_is_told_with_what_it_is_now():
    ((_, wrong),) = told("line\nIt is 0.68<!-- n: 0.703 -->.")
    assert wrong == "page.md:2: 0.68 is 0.70 now (0.703 by 0.703)"
    assert told("It is 3<!-- n: -3 -->.")[0][1].startswith("page.md:1: 3 is −3 now")


def test_a_number_without_a_marker_is_refused():
    ((_, wrong),) = told("DCM is 13 times better.")
    assert "page.md:1: 13 has no source: write <!-- n: QUERY -->" in wrong
    assert [text for text, _ in told("5<!-- n: 5 --> and then 6")] == ["5", "6"]
    assert told("| x | 2 |\n")[0][1]


@pytest.mark.parametrize(
    "text",
    [
        "the 95 % interval",
        "Chao et al. (2024)",
        "`x = 3`",
        "```sh\nrun 3\n```\n",
        r"\(x = 3\)",
        "[a link](page-3.md)",
        "x2 = f(x1)",
        "×10⁻²",
        "It was 17.\n<!-- elsewhere: a test -->",
        '--8<-- "docs/3.md"',
    ],
)
def test_what_is_no_result_needs_no_marker(text):
    assert told(text) == []


def test_elsewhere_speaks_of_its_own_paragraph_alone():
    assert [text for text, _ in told("It is 16.\n\nIt was 17.\n<!-- elsewhere: a test -->\n\nIt is 18.")] == [
        "16",
        "18",
    ]
    assert [text for text, _ in told("* It is 16.\n* It was 17.\n  <!-- elsewhere: a test -->\n")] == ["16"]


@pytest.mark.parametrize(
    ("text", "why"), [("3<!-- n: 1 / 0 -->", "1 / 0: division"), ("3<!-- n: [1, 2] -->", "gives 2 numbers, 1 ")]
)
def test_a_marker_that_cannot_be_checked_is_named(text, why):
    with pytest.raises(ValueError, match=rf"page\.md:1: .*{why}"):
        list(checker.claims(PAGE, text))


def test_recomputed_numbers_keep_their_style():
    claim = checker.Claim(PAGE, 1, "+1,234.5", (0, 0), "q", 2345.678)
    assert claim.written() == "+2,345.7"
