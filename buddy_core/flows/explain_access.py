"""Why somebody may or may not watch, now or then: for staff, with what was known then kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import evolve, field, frozen

from buddy_core.access import Actor, ApprovalsTx, Change, record_in, require
from buddy_core.accounts import Account, AccountNotFound, AccountsTx, resolve_in
from buddy_core.catalog import CatalogTx, Title, TitleNotFound
from buddy_core.entitlements import (
    Context,
    Decision,
    Denied,
    EntitlementsTx,
    Fact,
    Grant,
    GrantChange,
    GrantUse,
    Holding,
    TitleFacts,
    Trace,
    Viewer,
    explain,
    holdings_of,
)
from buddy_core.flows.may_watch import Answer, Holdings, Known, begun_by, in_force_in, priced
from buddy_core.flows.title_facts import title_facts
from buddy_core.kernel.clock import Clock, utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import PricingTx
from buddy_core.rights import RightsTx

PERMISSION = "entitlement:read"


class ExplainTx(CatalogTx, RightsTx, EntitlementsTx, PricingTx, AccountsTx, ApprovalsTx, Protocol):
    """What an explanation needs of a transaction."""


def _utc_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


@frozen
class AskWhy:
    """Could this account watch this title from there, at `at` (None: now)?

    With `known_at` only what had been recorded by then counts: it is what the service
    answered, or would have; a guest who joined later was still a guest. Without it all that
    is known today counts, so that what was put on record later, such as a licence that had
    been forgotten, shows.
    """

    account_id: AccountId
    title_id: TitleId
    context: Context
    at: datetime | None = field(default=None, converter=_utc_or_none)
    known_at: datetime | None = field(default=None, converter=_utc_or_none)


@frozen
class Why:
    """The decision with everything that led to it, and the grants of the account that were looked at.

    As to the viewer, only ways that have a price are named as what would open it; the others are
    among the facts of the trace.
    """

    title: Title
    trace: Trace
    grants: tuple[Grant, ...]
    changes: tuple[GrantChange, ...]
    uses: tuple[GrantUse, ...]
    known_at: datetime | None

    @property
    def decision(self) -> Decision:
        return self.trace.decision


@frozen
class Held:
    """Every grant of an account, with what happened to it."""

    grants: tuple[Grant, ...]
    changes: tuple[GrantChange, ...]
    uses: tuple[GrantUse, ...]
    seen_at: datetime
    """When it was looked at."""

    @property
    def holdings(self) -> list[Holding]:
        """Each grant as the decision sees it, in its place."""
        return holdings_of(self.grants, self.changes, self.uses)


async def explain_access(
    actor: Actor, question: AskWhy, *, correlation_id: str, uow: UnitOfWork[ExplainTx], clock: Clock
) -> Why:
    """Answer with the full trace; that staff looked is recorded.

    Raises:
        NotPermitted, AccountNotFound, TitleNotFound.
        InvalidValue: what was known then is asked for a time that is still to come.
    """
    require(actor, PERMISSION)

    async def work(tx: ExplainTx) -> Why:
        now = clock.now()
        if question.known_at is not None and question.known_at > now:
            raise InvalidValue("known_at", "is still to come; what will be known then nobody can tell")
        account = await _asked_in(tx, question)
        title = (await tx.titles.get([question.title_id])).get(question.title_id)
        if title is None:
            raise TitleNotFound("title", "explained")
        why = await explained_in(tx, account.id, title, question, now)
        after = {"title": f"{title.type}/{title.short_id}", "at": why.trace.at, "known_at": question.known_at}
        change = Change("entitlement.read", str(account.id), None, after, correlation_id)
        await record_in(tx, actor, change, now)
        return why

    return await retried(uow, work)


async def explained_in(
    tx: ExplainTx, account: AccountId, title: Title, question: AskWhy, now: datetime
) -> Why:
    """Decide from recorded facts as of an instant, inside a transaction."""
    books = await tx.rights.of_titles([title.id], question.known_at)
    held = await held_in(tx, account, now)
    holdings: Sequence[Holding] = holdings_of(held.grants, held.changes, held.uses, question.known_at)
    if question.at is None and question.known_at is None:
        holdings = begun_by(holdings, now)
    facts = title_facts(title, books.get(title.id))
    trace = explain(Viewer(holdings), facts, question.context, question.at or now)
    trace = await _as_offered_in(tx, trace, title, facts, holdings)
    return Why(title, trace, held.grants, held.changes, held.uses, question.known_at)


async def _as_offered_in(
    tx: PricingTx, trace: Trace, title: Title, facts: TitleFacts, holdings: Sequence[Holding]
) -> Trace:
    """Return the trace with the ways that had a price then: what the viewer is told would open it."""
    decision = trace.decision
    if not isinstance(decision, Denied) or not decision.unlockable_by:
        return trace
    known = Known(title, facts, Holdings(plans=[item for item in holdings if item.of is None]))
    costs, prices = await in_force_in(tx, trace.at)
    answer = priced(Answer(title, decision, ()), known, trace.context, costs, prices, trace.at).decision
    assert isinstance(answer, Denied), "a price opens nothing"
    unpriced = [way for way in decision.unlockable_by if way not in answer.unlockable_by]
    if not unpriced:
        return trace
    told = Fact("without a price", f"{', '.join(unpriced)}; so not offered")
    return evolve(trace, decision=answer, facts=(*trace.facts, told))


async def _asked_in(tx: ExplainTx, question: AskWhy) -> Account:
    """Return whose holdings are meant: of a guest who has joined since `known_at`, the guest's."""
    known_at = question.known_at
    if known_at is None:
        return await resolve_in(tx, question.account_id)
    asked = question.account_id
    while True:
        account = await tx.accounts.get(asked)
        if account is None:
            raise AccountNotFound(asked)
        if account.merged_into is None or account.merged_at is None or known_at < account.merged_at:
            return account
        asked = account.merged_into


async def held_in(tx: EntitlementsTx, account: AccountId, at: datetime) -> Held:
    """Return every grant of an account, ended ones too, with what happened to each."""
    grants = await tx.grants.of_account(account)
    changes = await tx.grants.changes_of(sorted(item.id for item in grants))
    uses = await tx.grants.uses(sorted({item.origin_id for item in grants}))
    return Held(tuple(grants), tuple(changes), tuple(uses), at)


async def list_access(
    actor: Actor, account_id: AccountId, *, correlation_id: str, uow: UnitOfWork[ExplainTx], clock: Clock
) -> Held:
    """Return what an account holds and held; that staff looked is recorded.

    Raises:
        NotPermitted, AccountNotFound.
    """
    require(actor, PERMISSION)

    async def work(tx: ExplainTx) -> Held:
        account = await resolve_in(tx, account_id)
        at = clock.now()
        change = Change("entitlement.read", str(account.id), None, {"title": None}, correlation_id)
        await record_in(tx, actor, change, at)
        return await held_in(tx, account.id, at)

    return await retried(uow, work)
