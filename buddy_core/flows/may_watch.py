"""Gather the facts of one viewer and one title, ask the rules, and price what would open it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from buddy_core.catalog import CatalogTx, Title
from buddy_core.entitlements import (
    Allowed,
    Decision,
    Denied,
    EntitlementsTx,
    Grant,
    TitleFacts,
    ViewerFacts,
    decide,
)
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.ids import AccountId
from buddy_core.pricing import PricingTx, Quote, quote
from buddy_core.rights import RightsTx, licences_for

MAX_SKEW = timedelta(seconds=5)
"""How far one host's clock may be behind another's that has just granted something."""


class MayWatchTx(CatalogTx, RightsTx, EntitlementsTx, PricingTx, Protocol):
    """What the question needs of a transaction."""


@frozen
class Answer:
    """May this account watch this title here and now, and what would it cost if not."""

    title: Title
    decision: Decision
    offer: Quote | None
    """The cost in tokens, when tokens would open it."""

    @property
    def is_allowed(self) -> bool:
        return isinstance(self.decision, Allowed)


async def may_watch_in(
    tx: MayWatchTx, account: AccountId, titles: list[Title], country: str | None, at: datetime
) -> list[Answer]:
    """Answer for each title in one go; a page of many asks as often as a page of one."""
    ids = [title.id for title in titles]
    licences = await tx.licences.of_titles(ids)
    grants = await tx.grants.of_account(account, ids)
    costs = await tx.token_costs.in_force(at)
    place = country if country in COUNTRIES else None
    seen = _no_earlier_than(grants, at)
    answers = []
    for title in titles:
        is_licensed = place is not None and bool(
            licences_for((item for item in licences if item.title_id == title.id), place, at)
        )
        has_cost = title.id in costs.by_title or title.type in costs.by_type
        facts = TitleFacts(title.id, title.is_published(at), is_licensed, ("tokens",) if has_cost else ())
        decision = decide(
            ViewerFacts(place, [grant for grant in grants if grant.title_id == title.id]), facts, seen
        )
        opens = isinstance(decision, Denied) and "tokens" in decision.unlockable_by
        answers.append(Answer(title, decision, quote(title.id, title.type, costs) if opens else None))
    return answers


def _no_earlier_than(grants: Sequence[Grant], at: datetime) -> datetime:
    """Return `at`, or the instant of a grant that another host's clock put a moment ahead of it."""
    return max((grant.granted_at for grant in grants if at < grant.granted_at <= at + MAX_SKEW), default=at)
