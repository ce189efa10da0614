"""Stating a month of a hundred thousand spends, exact to the last minor unit."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from uuid import UUID

from benchmarks.harness import Contest, line
from buddy_core.kernel.ids import EntityId, EntryId, LicenceId, PartnerId, TitleId
from buddy_core.kernel.periods import month
from buddy_core.royalty import Month, TokenSpend, TokenTerms, state_month

SPENDS = 100_000
TITLES = 50
PARTNERS = 5


@line("royalty.state_month", unit="spends/s", yardstick="sum of the same fractions", goal=0, rounds=3)
def stated() -> Contest:
    """100,000 spends on 50 titles of 5 partners, stated; against adding up their values in one sum."""
    wanted = Month("2026-10", EntityId("newtact"), "Asia/Kolkata", month("2026-10", "Asia/Kolkata"))
    start = wanted.period.start
    terms = [
        TokenTerms(
            licence_id=LicenceId(UUID(int=1000 + number)),
            title_id=TitleId(UUID(int=number)),
            holder=PartnerId(UUID(int=2000 + number % PARTNERS)),
            share=Fraction(60, 100),
            territories=("*",),
            excluded=(),
            starts_at=start - timedelta(days=300),
            ends_at=None,
        )
        for number in range(TITLES)
    ]
    spends = [
        TokenSpend(
            entry_id=EntryId(UUID(int=10_000 + number)),
            kind="bonus" if number % 3 else "paid",
            tokens=1 + number % 10,
            version=1 + number % 2,
            currency="INR",
            value=Fraction(1 + number % 10, 3),
            title_id=TitleId(UUID(int=number % TITLES)),
            entity=wanted.entity,
            country="IN",
            at=start + timedelta(seconds=number),
        )
        for number in range(SPENDS)
    ]

    def run() -> int:
        statements = state_month(wanted, spends, terms)
        assert len(statements) == PARTNERS + 1
        return SPENDS

    def total() -> int:
        assert sum((spend.value for spend in spends), Fraction(0)) > 0
        return SPENDS

    return Contest(run, total)
