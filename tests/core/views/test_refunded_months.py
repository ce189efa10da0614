"""What a producer's page makes of refunds: unlocks are counted less those that were taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from attrs import evolve

from buddy_core.kernel import EntryId, LicenceId, PartnerId
from buddy_core.rights import WORLDWIDE, Licence
from buddy_core.royalty import TokenSpend
from buddy_core.views.producer import count_unlocks
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
