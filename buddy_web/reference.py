"""The numbers a new installation starts with: sellers, token values, costs, prices and the reward rule.

They are data: the sellers' table is read at start, the rest is written to the
database once by `buddy seed` and changed there by adding versions.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from buddy_adapters.sql.unit_of_work import SqlTx
from buddy_core.ads import RewardRule
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import NotFound
from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import PriceBook, PriceRule, TokenCosts, price_rule
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.tokens import BONUS, PAID, BreakagePolicies, TokenKind, ValueVersion

NEWTACT = SellingEntity(EntityId("newtact"), "Newtact Lab (OPC) Pvt Ltd", "IN", "Asia/Kolkata", "INR")
THAJA = SellingEntity(EntityId("thaja"), "Thaja FZE LLC", "AE", "Asia/Dubai", "USD")
SELLER_ROUTES = SellerRoutes((NEWTACT, THAJA), {"IN": NEWTACT.id}, THAJA.id)

BREAKAGE_POLICIES = BreakagePolicies()
"""How breakage of each currency's tokens is recognised, by date; without any only when they expire.

Add a version from a month to come: one from the past would change months that were reported.
"""

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""From when the first versions count."""

TOKEN_VALUES: dict[TokenKind, dict[str, Fraction]] = {
    BONUS: {"INR": Fraction(50), "USD": Fraction(3, 5)},
    PAID: {"INR": Fraction(100), "USD": Fraction(6, 5)},
}
"""Minor units a token: INR 0.50 and 1.00, USD 0.006 and 0.012."""

TOKEN_COSTS = TokenCosts(1, FIRST_DAY, {"short": 1, "episode": 2, "film": 10})

_CURRENCIES = {"*": "USD", "AE": "AED", "AU": "AUD", "GB": "GBP", "IN": "INR", "NZ": "NZD", "PG": "PGK"}
"""In which currency each territory pays."""
_ONCE: dict[tuple[str, str | None], tuple[int, int, int, int, int, int, int]] = {
    # Minor units by territory, in the order of `_CURRENCIES`.
    ("rental", "film"): (399, 1499, 599, 349, 4900, 699, 1299),
    ("rental", "episode"): (99, 399, 149, 89, 900, 179, 349),
    ("rental", "short"): (49, 199, 79, 49, 500, 99, 199),
    ("watch_once", "film"): (299, 1099, 449, 249, 2900, 499, 999),
    ("est", "film"): (999, 3699, 1499, 799, 19900, 1699, 3499),
    ("est", "episode"): (199, 799, 299, 179, 1900, 349, 699),
    ("est", "short"): (149, 549, 229, 119, 1500, 249, 499),
    ("pvod", "film"): (1499, 5499, 2299, 1299, 29900, 2499, 4999),
    ("ppv", None): (499, 1899, 799, 449, 9900, 899, 1799),
    ("festival_pass", None): (699, 2599, 999, 599, 14900, 1199, 2399),
    ("edition", None): (4999, 18499, 7499, 3999, 99900, 8299, 16999),
}
"""What is paid for once, by kind and type of title."""
_PLANS = (
    ("standard", "P1M", "IN", 29900),
    ("standard", "P3M", "IN", 79900),
    ("standard", "P1Y", "IN", 299900),
    ("basic", "P1M", "*", 900),
    ("standard", "P1M", "*", 1400),
    ("premium", "P1M", "*", 1900),
)
"""Tier, billing period, territory and minor units; who pays in another currency is offered no plan yet."""


def _price_rules() -> list[PriceRule]:
    found = []
    for (kind, title_type), amounts in _ONCE.items():
        for (place, currency), minor in zip(_CURRENCIES.items(), amounts, strict=True):
            where = "world" if place == "*" else place.lower()
            name = "-".join(filter(None, (kind.replace("_", "-"), title_type, where)))
            hours = 48 if kind in ("rental", "pvod") else None
            found.append(price_rule(name, kind, place, currency, minor, title_type=title_type, hours=hours))
    for tier, period, place, minor in _PLANS:
        where = "world" if place == "*" else place.lower()
        name = f"{tier}-{period.lower()}-{where}"
        currency = _CURRENCIES[place]
        found.append(price_rule(name, "subscription", place, currency, minor, tier=tier, period=period))
    return found


PRICES = PriceBook(1, FIRST_DAY, _price_rules(), _CURRENCIES)
"""Example prices; an operator puts their own in their place with `buddy prices set`."""

REWARD_RULE = RewardRule(
    version=1,
    effective_from=FIRST_DAY,
    tokens=1,
    token_kind=BONUS,
    tokens_live_for=timedelta(days=90),
    account_daily=10,
    device_daily=20,
    ip_daily=30,
    guest_life=20,
    nonce_lives_for=timedelta(minutes=15),
)

PRODUCER_SHARE = Fraction(60, 100)
"""The share that a new licence starts from."""


async def seed_reference(*, uow: UnitOfWork[SqlTx], clock: Clock) -> None:
    """Write the first versions of values, costs, prices and reward rule where there are none yet."""
    async with uow.begin() as tx:
        at = clock.now()
        for kind, values in TOKEN_VALUES.items():
            if not await tx.token_values.of_kind(kind):
                await tx.token_values.add(
                    ValueVersion(kind, 1, FIRST_DAY, values, recorded_at=at, recorded_by="system")
                )
        try:
            await tx.token_costs.in_force(at)
        except NotFound:
            await tx.token_costs.add(TOKEN_COSTS)
        try:
            await tx.price_books.in_force(at)
        except NotFound:
            await tx.price_books.add(PRICES)
        try:
            await tx.reward_rules.in_force(at)
        except NotFound:
            await tx.reward_rules.add(REWARD_RULE)
