"""A month of sales and token spends becomes statements: pure functions, no store, no network, no clock."""

import json
from datetime import UTC, datetime
from fractions import Fraction

from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.periods import month
from buddy_core.royalty import (
    Deal,
    Facts,
    Model,
    Month,
    Paid,
    Sale,
    Terms,
    TokenUse,
    state_period,
    statement_bodies,
)

OCTOBER = Month("2026-10", EntityId("thaja"), "Asia/Dubai", month("2026-10", "Asia/Dubai"))
FILM, EPISODE = "film/t9k2", "episode/hr36"
UNIT = Fraction(6, 5)
"""Cents a bought token: USD 0.012."""


def spend(day: int, title: str, tokens: int) -> TokenUse:
    """Return a spend in the US on a day of October, with the worth that was stamped on it."""
    at = datetime(2026, 10, day, tzinfo=UTC)
    return TokenUse(f"spend-{day}", title, "US", "paid", tokens, 1, "USD", UNIT * tokens, at)


def deal(title: str, holder: str, rental: str, tokens: str) -> Deal:
    """Return a worldwide deal of a holder who owns all of a title."""
    rates = {Model.RENTAL: Fraction(rental), Model.TOKENS: Fraction(tokens)}
    return Deal(f"deal-{holder}", title, holder, rates)


rental = Sale(
    "rental-1", Model.RENTAL, FILM, "US", "USD", Paid(gross=499, fee=24), datetime(2026, 10, 3, tzinfo=UTC)
)
facts = Facts(sales=(rental,), tokens=(spend(2, FILM, 10), spend(9, EPISODE, 3)))
terms = Terms((deal(FILM, "mgld", "3/5", "3/5"), deal(EPISODE, "blue", "1/2", "1/3")))

result = state_period(OCTOBER, terms, facts)
for body in statement_bodies(OCTOBER, result).values():
    print(json.dumps(json.loads(body), indent=1))
[found] = result.reconciliations
print(f"in: {found.gross} sold, {found.stamped} of tokens, {found.rounding} of rounding")
print(f"out: {found.fees} in fees, {found.holders} to holders, {found.platform} to the platform")
print(f"left over: {found.residual}")
