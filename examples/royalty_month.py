"""A month of token spends becomes statements: pure functions, no store, no network, no clock."""

import json
from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID

from buddy_core.kernel.ids import EntityId, EntryId, LicenceId, PartnerId, TitleId
from buddy_core.kernel.periods import month
from buddy_core.royalty import Month, PublicNames, TokenSpend, TokenTerms, state_month, statement_body

SELLER = EntityId("thaja")
MARIGOLD, BLUE_LANTERN = PartnerId(UUID(int=1)), PartnerId(UUID(int=2))
FILM, EPISODE, SHORT = TitleId(UUID(int=11)), TitleId(UUID(int=12)), TitleId(UUID(int=13))
OCTOBER = Month("2026-10", SELLER, "Asia/Dubai", month("2026-10", "Asia/Dubai"))
UNIT = {"bonus": Fraction(3, 5), "paid": Fraction(6, 5)}
"""Cents a token: USD 0.006 and 0.012, version 1 of each kind."""


def spend(number: int, title: TitleId, kind: str, tokens: int) -> TokenSpend:
    """Return a spend in the US on the given day of October."""
    at = datetime(2026, 10, number, tzinfo=UTC)
    value = UNIT[kind] * tokens
    return TokenSpend(EntryId(UUID(int=100 + number)), kind, tokens, 1, "USD", value, title, SELLER, "US", at)


def terms(number: int, title: TitleId, holder: PartnerId, share: Fraction) -> TokenTerms:
    """Return a worldwide share of a title from the start of the year on."""
    starts_at = datetime(2026, 1, 1, tzinfo=UTC)
    return TokenTerms(LicenceId(UUID(int=number)), title, holder, share, ("*",), (), starts_at, None)


SPENDS = [
    spend(2, FILM, "bonus", 9),
    spend(5, FILM, "paid", 10),
    spend(9, EPISODE, "bonus", 2),
    spend(9, EPISODE, "paid", 1),
    spend(21, SHORT, "bonus", 1),
]
TERMS = [
    terms(21, FILM, MARIGOLD, Fraction(3, 5)),
    terms(22, EPISODE, BLUE_LANTERN, Fraction(1, 3)),
    terms(23, SHORT, BLUE_LANTERN, Fraction(1, 3)),
]
NAMES = PublicNames(
    {FILM: "film/t9k2", EPISODE: "episode/hr36", SHORT: "short/m4qx"},
    {str(MARIGOLD): "mgld", str(BLUE_LANTERN): "blue"},
)

for statement in state_month(OCTOBER, SPENDS, TERMS):
    print(json.dumps(json.loads(statement_body(statement, NAMES)), indent=1))
    if statement.reconciliation is not None:
        found = statement.reconciliation
        print(f"all value {found.value} cents, rounded {found.rounded}, rounding {found.rounding}")
        print(f"{found.rounded} = {found.holders} to holders + {found.platform} to the platform")
