"""Gather the facts of one viewer and one title, ask the rules, and price what would open it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

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
from buddy_core.pricing import PricingTx, Quote, TokenCosts, quote
from buddy_core.rights import Licence, RightsTx, licences_for

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

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


@frozen
class Question:
    """May this account watch this title in this country?"""

    account: AccountId
    title: Title
    country: str | None


async def may_watch_in(
    tx: MayWatchTx, account: AccountId, titles: list[Title], country: str | None, at: datetime
) -> list[Answer]:
    """Answer for each title in one go; a page of many asks as often as a page of one."""
    return await answers_in(tx, [Question(account, title, country) for title in titles], at)


async def answers_in(tx: MayWatchTx, questions: Sequence[Question], at: datetime) -> list[Answer]:
    """Answer each question, of whichever accounts; many ask the store as often as one."""
    ids = sorted({question.title.id for question in questions})
    licences = _by(lambda licence: licence.title_id, await tx.licences.of_titles(ids))
    accounts = sorted({question.account for question in questions})
    grants = _by(lambda grant: (grant.account_id, grant.title_id), await tx.grants.of_accounts(accounts, ids))
    costs = await tx.token_costs.in_force(at)
    return [
        _answer(
            question,
            licences.get(question.title.id, []),
            grants.get((question.account, question.title.id), []),
            costs,
            at,
        )
        for question in questions
    ]


def _answer(
    question: Question, licences: Sequence[Licence], grants: Sequence[Grant], costs: TokenCosts, at: datetime
) -> Answer:
    title = question.title
    place = question.country if question.country in COUNTRIES else None
    is_licensed = place is not None and bool(licences_for(licences, place, at))
    has_cost = title.id in costs.by_title or title.type in costs.by_type
    facts = TitleFacts(title.id, title.is_published(at), is_licensed, ("tokens",) if has_cost else ())
    decision = decide(ViewerFacts(place, grants), facts, _no_earlier_than(grants, at))
    opens = isinstance(decision, Denied) and "tokens" in decision.unlockable_by
    return Answer(title, decision, quote(title.id, title.type, costs) if opens else None)


def _by(key: Callable[[T], K], items: Iterable[T]) -> dict[K, list[T]]:
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def _no_earlier_than(grants: Sequence[Grant], at: datetime) -> datetime:
    """Return `at`, or the instant of a grant that another host's clock put a moment ahead of it."""
    return max((grant.granted_at for grant in grants if at < grant.granted_at <= at + MAX_SKEW), default=at)
