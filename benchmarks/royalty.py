"""Stating a month: a hundred thousand spends, and a hundred thousand titles of three holders each."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from time import perf_counter

from benchmarks.harness import Contest, line
from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.periods import month
from buddy_core.royalty import (
    Account,
    Band,
    Deal,
    Facts,
    Model,
    Month,
    Paid,
    Sale,
    Terms,
    Tiers,
    TokenUse,
    state_period,
)

SPENDS = 100_000
TITLES = 50
PARTNERS = 5


@line("royalty.spends", unit="spends/s", yardstick="sum of the same fractions", goal=0, rounds=3)
def spent() -> Contest:
    """100,000 spends on 50 titles of 5 partners, stated; against adding up their values in one sum."""
    wanted = Month("2026-10", EntityId("newtact"), "Asia/Kolkata", month("2026-10", "Asia/Kolkata"))
    start = wanted.period.start
    share = {Model.TOKENS: Fraction(60, 100)}
    deals = tuple(
        Deal(f"d{number}", f"t{number}", f"h{number % PARTNERS}", share) for number in range(TITLES)
    )
    spends = tuple(
        TokenUse(
            f"e{number}",
            f"t{number % TITLES}",
            "IN",
            "bonus" if number % 3 else "paid",
            1 + number % 10,
            1 + number % 2,
            "INR",
            Fraction(1 + number % 10, 3),
            start + timedelta(seconds=number),
        )
        for number in range(SPENDS)
    )
    terms, facts = Terms(deals), Facts(tokens=spends)

    def run() -> int:
        result = state_period(wanted, terms, facts)
        assert len(result.statements) == PARTNERS
        return SPENDS

    def total() -> int:
        assert sum((spend.value for spend in spends), Fraction(0)) > 0
        return SPENDS

    return Contest(run, total)


HELD = 100_000
HOLDERS = 5_000
BANDS = (Band(0, 50, Fraction(1, 10)), Band(50, 100, Fraction(3, 20)), Band(100, None, Fraction(1, 5)))
PARTS = (Fraction(1, 2), Fraction(3, 10), Fraction(1, 5))


@line("royalty.tiers", unit="ms", yardstick="1 s of wall time", goal=10, better="lower", rounds=3)
def settled() -> Contest:
    """100,000 titles of three holders each, with tiers and advances, from facts to payable."""
    wanted = Month("2026-10", EntityId("newtact"), "Asia/Kolkata", month("2026-10", "Asia/Kolkata"))
    tiers = Tiers(BANDS)
    deals, sales = [], []
    for number in range(HELD):
        for place, part in enumerate(PARTS):
            holder = (number * 3 + place) % HOLDERS
            deals.append(
                Deal(
                    f"d{number}-{place}",
                    f"t{number}",
                    f"h{holder}",
                    {Model.RENTAL: tiers},
                    part,
                    account=f"a{holder}",
                )
            )
        paid = Paid(1_000 + number % 977, 100, 0, 0, 30)
        at = wanted.period.start + timedelta(seconds=number)
        sales.append(
            Sale(f"s{number}", Model.RENTAL, f"t{number}", "IN", "INR", paid, at, units=number % 200)
        )
    accounts = tuple(Account(f"a{holder}", f"h{holder}", "INR", advance=10_000) for holder in range(HOLDERS))
    terms, facts = Terms(tuple(deals), accounts), Facts(sales=tuple(sales))

    def run() -> int:
        result = state_period(wanted, terms, facts)
        assert all(found.residual == 0 for found in result.reconciliations)
        return 1

    def second() -> int:
        until = perf_counter() + 1
        while perf_counter() < until:
            pass
        return 1

    return Contest(run, second)
