"""What a producer's pages make of refunds: counts, shares and bars below zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from attrs import evolve

from buddy_core.kernel import EntryId, LicenceId, Money, PartnerId
from buddy_core.rights import WORLDWIDE, Licence
from buddy_core.royalty import TokenSpend
from buddy_core.views import ModelFigure
from buddy_core.views.producer import count_unlocks
from buddy_core.views.stated import StatedLine, share_of
from buddy_web.charts import shares
from tests.contracts.cases import NEWTACT, title, uid

DAY = datetime(2026, 10, 5, tzinfo=UTC)
OCTOBER_ONLY = Licence(
    id=LicenceId(uid(1)),
    title_id=title(1),
    partner_id=PartnerId(uid(2)),
    share=Fraction(1, 2),
    territories=(WORLDWIDE,),
    starts_at=DAY,
    ends_at=DAY + timedelta(days=20),
)


def fact(number: int, kind: str = "bonus", **changes: Any) -> TokenSpend:
    """Return the fact of an unlock in October."""
    values: dict[str, Any] = {
        "entry_id": EntryId(uid(number)),
        "kind": kind,
        "tokens": 2,
        "version": 1,
        "currency": "INR",
        "value": Fraction(100),
        "title_id": title(1),
        "entity": NEWTACT,
        "country": "IN",
        "at": DAY,
    }
    return TokenSpend(**{**values, **changes})


def back(spend: TokenSpend, number: int) -> TokenSpend:
    """Return the fact that takes one back a month later, when the licence is over."""
    return evolve(
        spend,
        entry_id=EntryId(uid(number)),
        tokens=-spend.tokens,
        value=-spend.value,
        at=DAY + timedelta(days=31),
        spent_at=spend.at,
    )


def test_refunds_are_taken_off_the_unlocks() -> None:
    """An unlock of two kinds counts once; its refund takes one off, by the licence of the spend's day."""
    both = [fact(1), fact(1, "paid")]
    assert count_unlocks([*both, fact(2)], [OCTOBER_ONLY]) == {title(1): 2}
    refunds = [back(item, 9) for item in both]
    assert count_unlocks([*both, fact(2), *refunds], [OCTOBER_ONLY]) == {title(1): 1}
    assert count_unlocks(refunds, [OCTOBER_ONLY]) == {title(1): -1}


def test_the_share_is_told_whatever_nets_out() -> None:
    """Lines above and below zero give the share that they have in common."""
    line = StatedLine("film/a", "bonus", 1, 2, Fraction(50), Fraction(100), Fraction(3, 5), Fraction(60))
    taken = evolve(line, tokens=-2, value=Fraction(-100), amount=Fraction(-60), refund_of="2026-09")
    assert share_of([line, taken]) == Fraction(3, 5)
    assert share_of([taken]) == Fraction(3, 5)
    assert share_of([]) is None


def test_a_bar_has_no_part_below_zero() -> None:
    """What a kind of token owes is left out of the bar; the others fill it."""
    models = [
        ModelFigure("token_bonus", Money(-30, "INR"), -3),
        ModelFigure("token_paid", Money(90, "INR"), 9),
    ]
    [only] = shares(models)
    assert (only.x, only.width, only.share) == (0, 1000, Fraction(1))
