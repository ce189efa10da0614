"""The numbers a new installation starts with: sellers, token values, costs and the reward rule.

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
from buddy_core.pricing import TokenCosts
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
    """Write the first versions of values, costs and reward rule where there are none yet."""
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
            await tx.reward_rules.in_force(at)
        except NotFound:
            await tx.reward_rules.add(REWARD_RULE)
