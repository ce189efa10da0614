"""Breakage: what expires lot by lot, and what of a sale may be recognised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from buddy_core.tokens import (
    BadBreakage,
    BadTokenAmount,
    Breakage,
    BreakageKind,
    BreakageRecord,
    breakage,
    expired_by_lot,
)

MINOR = st.integers(0, 10**18)


def records(*rows: tuple[str, str, int]) -> list[BreakageRecord]:
    """Return records from lot, kind and amount."""
    return [BreakageRecord(lot_id, kind, amount) for lot_id, kind, amount in rows]


def test_what_expires_is_planned_less_released_plus_reopened() -> None:
    """Each lot has its own sum, whatever the order of its records."""
    found = records(("a", "release", 5), ("a", "plan", 10), ("b", "plan", 7), ("a", "reopen", 2))
    assert found[0].kind is BreakageKind.RELEASE
    assert expired_by_lot(found) == {"a": 7, "b": 7}
    assert expired_by_lot([]) == {}


def test_records_of_a_lot_add_up() -> None:
    """Two plans are one larger plan; a lot that was wholly released loses nothing."""
    assert expired_by_lot(records(("a", "plan", 4), ("a", "plan", 5))) == {"a": 9}
    assert expired_by_lot(records(("a", "plan", 5), ("a", "release", 2), ("a", "release", 3))) == {"a": 0}


@pytest.mark.parametrize(
    "rows",
    [
        [("a", "plan", 5), ("a", "release", 6)],
        [("a", "release", 1)],
        [("a", "plan", 5), ("a", "reopen", 1)],
        [("a", "plan", 5), ("b", "plan", 9), ("a", "release", 4), ("a", "reopen", 5)],
    ],
)
def test_records_that_cannot_be_are_refused(rows: list[tuple[str, str, int]]) -> None:
    """Nothing is released that was not planned, nor reopened that was not released; the lot is named."""
    with pytest.raises(BadBreakage, match="lot a"):
        expired_by_lot(records(*rows))


@pytest.mark.parametrize("amount", [0, -1, 1.0, True])
def test_a_record_s_amount_is_positive(amount: int) -> None:
    """The kind gives the sign, so no amount is zero or below."""
    with pytest.raises(BadTokenAmount):
        expired_by_lot(records(("a", "plan", amount)))


@pytest.mark.parametrize(
    ("sold", "redeemed", "expected", "wanted"),
    [
        (10_000, 9_600, None, Breakage(400, 0, 9_600)),
        (10_000, 4_250, 1_500, Breakage(5_750, 750, 5_000)),
        (10_000, 8_500, 1_500, Breakage(1_500, 1_500, 10_000)),
        (10_000, 0, 1_500, Breakage(10_000, 0, 0)),
        (10_000, 9_000, 1_500, Breakage(1_000, 1_000, 10_000)),
        (5, 1, 1, Breakage(4, 0, 1)),
        (9, 4, 1, Breakage(5, 1, 5)),
        (10_000, 4_250, 0, Breakage(5_750, 0, 4_250)),
        (0, 0, None, Breakage(0, 0, 0)),
        (0, 0, 0, Breakage(0, 0, 0)),
    ],
)
def test_breakage_is_recognised_in_proportion(
    sold: int, redeemed: int, expected: int | None, wanted: Breakage
) -> None:
    """Half up, nothing without an expectation, and never more than is unused."""
    assert breakage(sold, redeemed, expected) == wanted


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ((100, 101), "redeemed is 101"),
        ((100, 0, 101), "expected_unredeemed is 101"),
        ((100, 0, 100), "nothing was expected"),
        ((-1, 0), "sold is -1"),
        ((100, -1), "redeemed is -1"),
        ((100, 1, -1), "expected_unredeemed is -1"),
        ((100.0, 1), "sold is 100.0"),
        ((100, True), "redeemed is True"),
        (("100", 1), "sold is '100'"),
    ],
)
def test_figures_that_cannot_be_are_refused(figures: tuple[Any, ...], words: str) -> None:
    """More redeemed or expected than sold, nothing to be in proportion to, and what is no whole number."""
    with pytest.raises(BadBreakage, match=words):
        breakage(*figures)


@given(MINOR, MINOR, st.none() | MINOR, MINOR)
def test_revenue_never_falls_nor_exceeds_the_sale(
    sold: int, redeemed: int, expected: int | None, more: int
) -> None:
    """Revenue is redeemed and recognised, at most all that was sold, and grows with redemption alone."""
    assume(redeemed <= redeemed + more <= sold)
    assume(expected is None or expected < sold)
    first, later = breakage(sold, redeemed, expected), breakage(sold, redeemed + more, expected)
    assert first.revenue == redeemed + first.recognised <= sold
    assert first.unused == sold - redeemed >= first.recognised
    assert later.revenue >= first.revenue
    if expected is not None and redeemed == sold - expected:
        assert first.revenue == sold
