"""Gather the facts of one viewer and one title, ask the rules, and price what would open it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from attrs import evolve, field, frozen

from buddy_core.catalog import CatalogTx, Title, TitleType
from buddy_core.entitlements import (
    Allowed,
    Context,
    Decision,
    Denied,
    EntitlementsTx,
    Grant,
    Holding,
    Reason,
    TitleFacts,
    Viewer,
    decide,
    holdings_of,
)
from buddy_core.flows.title_facts import title_facts
from buddy_core.kernel.ids import AccountId, TitleId
from buddy_core.pricing import (
    Ask,
    NoPrices,
    NoTokenCosts,
    PriceBook,
    PricingTx,
    Quote,
    QuoteKind,
    TokenCosts,
    Way,
    quote_offers,
)
from buddy_core.rights import RightsTx

MAX_SKEW = timedelta(seconds=5)
"""How far one host's clock may be behind another's that has just granted something."""


class MayWatchTx(CatalogTx, RightsTx, EntitlementsTx, PricingTx, Protocol):
    """What the question needs of a transaction."""


@frozen
class Answer:
    """May this account watch this title here and now, and what would it cost if not."""

    title: Title
    decision: Decision
    offers: tuple[Quote, ...]
    """What would open it, at its price: in tokens, or in the money of the viewer's country."""

    @property
    def offer(self) -> Quote | None:
        """The cost in tokens, when tokens would open it."""
        return next((item for item in self.offers if item.kind is QuoteKind.TOKENS), None)

    @property
    def is_allowed(self) -> bool:
        return isinstance(self.decision, Allowed)

    @property
    def is_for_sale(self) -> bool:
        """Tell whether something that windows sell would open it."""
        return isinstance(self.decision, Denied) and bool(self.decision.unlockable_by)

    @property
    def is_of_parts(self) -> bool:
        """Tell whether the title is a series that is not licensed by itself: its episodes may be."""
        said = self.decision
        is_series = self.title.type is TitleType.SERIES
        return is_series and isinstance(said, Denied) and said.reason is Reason.NO_LICENCE


@frozen
class Question:
    """May this account watch this title, asked from there?"""

    account: AccountId
    title: Title
    context: Context


async def may_watch_in(
    tx: MayWatchTx, account: AccountId, titles: list[Title], context: Context, at: datetime
) -> list[Answer]:
    """Answer for each title in one go; a page of many asks as often as a page of one."""
    return await answers_in(tx, [Question(account, title, context) for title in titles], at)


async def answers_in(
    tx: MayWatchTx, questions: Sequence[Question], at: datetime, *, in_money: bool = True
) -> list[Answer]:
    """Answer each question, of whichever accounts; many ask the store as often as one.

    Without `in_money` the offers are those in tokens, and no book of prices is read.
    """
    if not questions:
        return []
    titles = {question.title.id: question.title for question in questions}
    books = await tx.rights.of_titles(sorted(titles))
    facts = {title.id: title_facts(title, books.get(title.id)) for title in titles.values()}
    named = {*titles, *(title.parent_id for title in titles.values() if title.parent_id is not None)}
    accounts = sorted({question.account for question in questions})
    held = await holdings_in(tx, await tx.grants.of_accounts(accounts, sorted(named)))
    asked = [
        Known(question.title, facts[question.title.id], held.get(question.account, Holdings()))
        for question in questions
    ]
    answers = [decided(known, question.context, at) for known, question in zip(asked, questions, strict=True)]
    if not any(answer.is_for_sale for answer in answers):
        return answers
    costs, prices = await in_force_in(tx, at, in_money=in_money)
    return [
        priced(answer, known, question.context, costs, prices, at)
        for answer, known, question in zip(answers, asked, questions, strict=True)
    ]


async def in_force_in(
    tx: PricingTx, at: datetime, *, in_money: bool = True
) -> tuple[TokenCosts | None, PriceBook | None]:
    """Return the costs and prices in force; a service without one of them offers nothing of its kind."""
    costs, prices = None, None
    with suppress(NoTokenCosts):
        costs = await tx.token_costs.in_force(at)
    if in_money:
        with suppress(NoPrices):
            prices = await tx.price_books.in_force(at)
    return costs, prices


@frozen
class Holdings:
    """What an account holds: of each title or series, and its plans."""

    by_title: Mapping[TitleId, Sequence[Holding]] = field(factory=dict)
    plans: Sequence[Holding] = ()

    def of(self, title: Title) -> list[Holding]:
        """Return what may open a title: held of it, of what it is part of, and plans."""
        parts = (title.id,) if title.parent_id is None else (title.id, title.parent_id)
        return [*self.plans, *(item for part in parts for item in self.by_title.get(part, ()))]


@frozen
class Known:
    """What is known of a title, and of what the one who asks holds."""

    title: Title
    facts: TitleFacts
    held: Holdings


async def holdings_in(tx: EntitlementsTx, grants: Sequence[Grant]) -> dict[AccountId, Holdings]:
    """Return what the accounts of these grants hold by them."""
    timed = sorted({grant.origin_id for grant in grants if grant.is_timed})
    uses = await tx.grants.uses(timed) if timed else []
    found: dict[AccountId, tuple[dict[TitleId, list[Holding]], list[Holding]]] = {}
    for grant, holding in zip(grants, holdings_of(grants, uses=uses), strict=True):
        by_title, plans = found.setdefault(grant.account_id, ({}, []))
        place = plans if holding.of is None else by_title.setdefault(holding.of, [])
        place.append(holding)
    return {account: Holdings(by_title, plans) for account, (by_title, plans) in found.items()}


def decided(known: Known, context: Context, at: datetime) -> Answer:
    """Return the decision; what it would cost is not asked yet."""
    mine = begun_by(known.held.of(known.title), at)
    return Answer(known.title, decide(Viewer(mine), known.facts, context, at), ())


def priced(
    answer: Answer,
    known: Known,
    context: Context,
    costs: TokenCosts | None,
    prices: PriceBook | None,
    at: datetime,
) -> Answer:
    """Return the answer with what opens the title, at its price; what has no price opens nothing."""
    decision = answer.decision
    if isinstance(decision, Allowed) or not decision.unlockable_by:
        return answer
    ask = Ask(
        title_id=answer.title.id,
        title_type=answer.title.type,
        ways=tuple(_ways(known.facts, context.country, at)),
        country=context.country,
        plans=frozenset(item.tier for item in known.held.plans if item.is_open_plan(at)),
    )
    offers = tuple(quote_offers(prices, costs, ask, at))
    named = {offer.kind for offer in offers}
    ways = tuple(way for way in decision.unlockable_by if way in named)
    return evolve(answer, decision=evolve(decision, unlockable_by=ways), offers=offers)


def _ways(facts: TitleFacts, country: str | None, at: datetime) -> Iterable[Way]:
    """Return what the windows that are open here and now sell."""
    for window in facts.windows:
        is_open = window.starts_at <= at and (window.ends_at is None or at < window.ends_at)
        if is_open and country in window.countries:
            for way in window.ways:
                yield Way(way, window.type, window.tiers)


def begun_by(holdings: Sequence[Holding], at: datetime) -> Sequence[Holding]:
    """Return the holdings as they stand at `at`, by the clock of this host, which may be behind another's.

    What had begun when it was put on record has begun, though the record is up to `MAX_SKEW` ahead
    of this clock: it was committed before it was read. What was to begin later begins when it does.
    """
    for item in holdings:
        if at < item.starts_at:
            return [_begun_by(item, at) for item in holdings]
    return holdings


def _begun_by(item: Holding, at: datetime) -> Holding:
    recorded_at = item.recorded_at
    if recorded_at is None or not at < item.starts_at <= recorded_at <= at + MAX_SKEW:
        return item
    return evolve(item, starts_at=at)
