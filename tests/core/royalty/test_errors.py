"""What the royalty's errors say: what is wrong, of what, and what to do instead."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from buddy_core.kernel.errors import BuddyError
from buddy_core.royalty import (
    AlreadyPublished,
    BadInput,
    BadPercent,
    BeingWorkedOut,
    ClosedOutOfOrder,
    FactsPending,
    InputDiffers,
    InputNotFound,
    NothingToClose,
    OwnReview,
    PassedOver,
    PeriodAlreadyClosed,
    PeriodNotFinished,
    Problem,
    ReviewOutdated,
    StatementDiffers,
    TermsChanged,
    TermsProblems,
)
from buddy_core.royalty.errors import decimal_text, listed

MANY = tuple(f"p{number}" for number in range(1, 23))
SPELT = "; ".join(MANY[:20])
ENDS = datetime(2026, 10, 31, 18, 30, tzinfo=UTC)
HERE = Problem("sales.csv", 3, "gross", "is nothing", "write an amount")

SAID: list[tuple[BuddyError, str]] = [
    (TermsProblems(("a", "b")), "The period cannot be calculated: a; b"),
    (TermsProblems(MANY), f"The period cannot be calculated: {SPELT}; and 2 more"),
    (
        BeingWorkedOut("2026-10", "newtact", 5),
        "2026-10 of newtact is being worked out. Try again in 5 s: nothing is lost meanwhile.",
    ),
    (
        PeriodNotFinished("newtact", "2026-10", ENDS),
        "2026-10 ends for newtact at 2026-10-31T18:30:00+00:00; it can be closed from then on.",
    ),
    (
        PeriodAlreadyClosed("newtact", "2026-10"),
        "2026-10 of newtact is closed; what comes later belongs to a later month.",
    ),
    (
        ClosedOutOfOrder("newtact", "2026-11", "2026-10"),
        "2026-10 of newtact is not closed yet; close it before 2026-11.",
    ),
    (
        PassedOver("newtact", "2026-09", "2026-10"),
        "The books of newtact begin with 2026-10; 2026-09 is before that.",
    ),
    (
        NothingToClose("newtact", "2016-10", "2026-10"),
        "Nothing has come for newtact in 2016-10 or before. The first is 2026-10: close that one.",
    ),
    (
        NothingToClose("newtact", "2026-10", ""),
        "Nothing has come for newtact in 2026-10 or before. Bring its facts in first, {} where there are "
        "none.",
    ),
    (
        AlreadyPublished("newtact", "2026-10"),
        "2026-10 of newtact has been published already. There is nothing left to do.",
    ),
    (
        OwnReview("newtact", "2026-10"),
        "You reviewed these figures of 2026-10 of newtact yourself: somebody else publishes them. Where "
        "nobody else may, withdraw your own review first.",
    ),
    (
        InputDiffers("sales", "2026-10", "2026-11"),
        "sales was brought in before, for 2026-10. A name stands for one month: give the facts of 2026-11 a "
        "name of their own.",
    ),
    *[
        (
            InputDiffers("sales", "2026-10", wanted),
            "sales was brought in before for 2026-10, with other facts. Give what is new a name of its own; "
            "what was wrong is corrected by facts with the difference.",
        )
        for wanted in ("", "2026-10")
    ],
    (
        InputNotFound("file", "sales"),
        "There is no file sales here. The list of what there is has its exact name.",
    ),
    (
        TermsChanged("main", 1, 2),
        "The terms of main were set again since they were looked at; nothing was changed. Look at them as "
        "they are now, and set them again.",
    ),
    (
        ReviewOutdated("newtact", "2026-10"),
        "Facts or terms of 2026-10 of newtact have changed since it was reviewed; nothing was published. Let "
        "it be reviewed again as it is now.",
    ),
    (
        FactsPending("newtact", "2026-10", ("ads", "sales")),
        "2026-10 of newtact awaits ads; sales; bring the facts in under that name, or an empty file where "
        "there is nothing to tell.",
    ),
    (
        StatementDiffers("newtact", "2026-10", "asha", "INR"),
        "The stored INR statement of asha for 2026-10 is not what its facts give. Run `buddy verify`; "
        "nothing was changed.",
    ),
    (
        BadInput((HERE, Problem("watch.parquet", 0, "", "is empty", "give rows")), 2),
        "The input has 2 problem(s); nothing was counted.\nsales.csv, row 3, gross: is nothing; write an "
        "amount\nwatch.parquet: is empty; give rows",
    ),
    (
        BadInput((HERE,), 9),
        "The input has 9 problem(s); nothing was counted.\nsales.csv, row 3, gross: is nothing; write an "
        "amount\nand 8 more",
    ),
    (
        BadPercent("fee", Fraction(1, 8), None),
        "fee is 0.125 percent; write a percent 0 or more, such as 12.",
    ),
]


@pytest.mark.parametrize(("error", "said"), SAID)
def test_each_error_says_what_to_do(error: BuddyError, said: str) -> None:
    """Word for word."""
    assert error.message() == said


def test_no_more_is_counted_than_there_is() -> None:
    """Twenty are spelt out; of twenty none are more."""
    assert listed(MANY[:20]) == SPELT
    assert listed(MANY[:21]) == f"{SPELT}; and 1 more"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(-7), "-7"),
        (Fraction(1, 3), "1/3"),
        (Fraction(-1, 6), "-1/6"),
        (Fraction(1, 20), "0.05"),
        (Fraction(-1, 16), "-0.0625"),
        (Fraction(1, 125), "0.008"),
        (Fraction("33.33"), "33.33"),
        (Fraction(1001, 1000), "1.001"),
    ],
)
def test_a_number_is_written_as_an_accountant_does(value: Fraction, text: str) -> None:
    """With decimals where they end, as a fraction where they do not."""
    assert decimal_text(value) == text
