"""Unlock a title with tokens: spend, grant and royalty fact in one commit, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.access import Actor, Resource, require
from buddy_core.accounts import Account, AccountNotFound, AccountsTx, resolve_each_in
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.entitlements import (
    TOKEN_UNLOCK,
    Allowed,
    Channel,
    Context,
    Denied,
    Grant,
    GrantStatus,
    Reason,
    grant_in,
)
from buddy_core.flows.lock_wallet import lock_wallets_in
from buddy_core.flows.may_watch import MayWatchTx, Question, answers_in
from buddy_core.flows.sources import UNLOCK
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.idempotency import RequestKey, once_each, request_key
from buddy_core.kernel.ids import AccountId, EntryId, GrantId, IdSource, TitleId
from buddy_core.kernel.outcomes import Done, Outcome, Refused, unwrap
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.playback import NoMedia, PlaybackDenied, TakenDown
from buddy_core.pricing import HONOUR, Quote, check_seen, quotes_lately
from buddy_core.royalty import RoyaltyTx, TokenSpend
from buddy_core.tax import SellerRoutes, SellingEntity, seller_for
from buddy_core.tokens import SpendTokens, Spent, TokensTx, balance, own_key, spend_in


class UnlockTx(MayWatchTx, TokensTx, AccountsTx, RoyaltyTx, Protocol):
    """What an unlock needs of a transaction."""


@frozen
class UnlockTitle:
    """Unlock a title at the cost that was shown; `country` comes from the host, never the client.

    A refusal names what else opens the title; on the app channel it does not.
    """

    account_id: AccountId
    title_id: TitleId
    seen_tokens: int
    seen_version: int
    country: str | None
    idempotency_key: str
    channel: Channel = Channel.WEB


@frozen
class Unlocked:
    """The title is open. `tokens_spent` is 0 when it was open before.

    `grant_id` is what opens it; a window that is free to watch where no grant does.
    `entry_id` is the ledger entry that paid for the grant, if tokens did.
    """

    grant_id: UUID
    entry_id: EntryId | None
    tokens_spent: int
    tokens_left: int


@frozen
class UnlockRequest:
    """Who asks, and what for."""

    actor: Actor
    command: UnlockTitle


async def unlock_title(
    actor: Actor,
    command: UnlockTitle,
    *,
    uow: UnitOfWork[UnlockTx],
    clock: Clock,
    ids: IdSource,
    routes: SellerRoutes,
) -> Unlocked:
    """Spend the tokens and open the title for ever; a title that is open costs nothing again.

    Raises:
        NotPermitted: it is not the actor's own wallet, or the actor only looks as its owner.
        PriceChanged: cost or rule are not those seen; nothing was spent.
        InsufficientTokens, WalletFrozen: the wallet says no.
        CountryUnknown: it cannot be told who sells.
        PlaybackDenied: tokens do not open this title here; it names what does.
        NoMedia: it is a series that is not sold by itself; its episodes may be.
        TitleNotFound, AccountNotFound, IdempotencyMismatch.
    """
    asked = [UnlockRequest(actor, command)]
    [outcome] = await unlock_titles(asked, uow=uow, clock=clock, ids=ids, routes=routes)
    return unwrap(outcome)


async def unlock_titles(
    asked: Sequence[UnlockRequest],
    *,
    uow: UnitOfWork[UnlockTx],
    clock: Clock,
    ids: IdSource,
    routes: SellerRoutes,
) -> list[Outcome[Unlocked]]:
    """Do many unlocks in one transaction, each once per its key; a refused one refuses alone.

    The outcome is as if they had come one after another: of two that open one title for one
    account the second finds it open.
    """
    answers: dict[int, Outcome[Unlocked]] = {}
    requests: dict[int, RequestKey] = {}
    for place, item in enumerate(asked):
        try:
            requests[place] = _request(item)
        except BuddyError as error:
            answers[place] = Refused(error)
    named = list(requests)
    commands = [asked[place].command for place in named]

    async def work(tx: UnlockTx, places: Sequence[int], at: datetime) -> list[Outcome[Unlocked]]:
        return await unlock_in(tx, [commands[place] for place in places], at, ids, routes)

    async def prepare(tx: UnlockTx, must_lock: bool) -> None:
        # Without the lock, a merge or a spend that comes first is found out when the wallet is written.
        if must_lock:
            await lock_wallets_in(tx, {command.account_id for command in commands})

    done = await once_each(
        uow,
        list(requests.values()),
        clock,
        work,
        encode=canonical_bytes,
        decode=lambda _, raw: _from_bytes(raw),
        prepare=prepare,
    )
    answers.update(zip(named, done, strict=True))
    return [answers[place] for place in range(len(asked))]


async def unlock_in(
    tx: UnlockTx, commands: Sequence[UnlockTitle], at: datetime, ids: IdSource, routes: SellerRoutes
) -> list[Outcome[Unlocked]]:
    """Decide and write unlocks inside a transaction; a refused one refuses alone."""
    owners = await resolve_each_in(tx, {command.account_id for command in commands})
    titles = await tx.titles.get(sorted({command.title_id for command in commands}))
    outcomes: dict[int, Outcome[Unlocked]] = {}
    todo: list[tuple[int, _Wish]] = []
    for place, command in enumerate(commands):
        try:
            todo.append((place, _wish(command, owners, titles, routes)))
        except BuddyError as error:
            outcomes[place] = Refused(error)
    while todo:
        # Of those with one account and title the first now: the others shall find what it opened.
        first = {(wish.account, wish.title.id): (place, wish) for place, wish in reversed(todo)}
        now = sorted(first.values(), key=lambda item: item[0])
        answers = await _open_in(tx, [wish for _, wish in now], at, ids)
        outcomes.update(zip([place for place, _ in now], answers, strict=True))
        todo = [item for item in todo if item[0] not in outcomes]
    return [outcomes[place] for place in range(len(commands))]


@frozen
class _Wish:
    """A command, once it is known whom and what it is about and who sells."""

    command: UnlockTitle
    account: AccountId
    title: Title
    seller: SellingEntity


def _wish(
    command: UnlockTitle,
    owners: Mapping[AccountId, Account],
    titles: Mapping[TitleId, Title],
    routes: SellerRoutes,
) -> _Wish:
    if command.account_id not in owners:
        raise AccountNotFound(command.account_id)
    if command.title_id not in titles:
        raise TitleNotFound("title", "unlocked")
    seller = seller_for(command.country, routes)
    return _Wish(command, owners[command.account_id].id, titles[command.title_id], seller)


async def _open_in(
    tx: UnlockTx, wishes: Sequence[_Wish], at: datetime, ids: IdSource
) -> list[Outcome[Unlocked]]:
    """Open titles, no two of them the same for one account."""
    questions = [Question(wish.account, wish.title, Context(wish.command.country)) for wish in wishes]
    outcomes: list[Outcome[Unlocked] | None] = []
    spends: list[SpendTokens] = []
    decided = await answers_in(tx, questions, at, in_money=False)
    shut = [place for place, answer in enumerate(decided) if not answer.is_allowed and answer.offer is None]
    # A refusal tells every way to the title, those in money too, as playing does.
    asked = [
        Question(wish.account, wish.title, Context(wish.command.country, wish.command.channel))
        for wish in (wishes[place] for place in shut)
    ]
    for place, told in zip(shut, await answers_in(tx, asked, at), strict=True):
        decided[place] = told
    for wish, answer in zip(wishes, decided, strict=True):
        try:
            if isinstance(answer.decision, Allowed):
                opened = await _already_open(tx, wish.account, answer.decision, wish.title, at)
                outcomes.append(Done(opened))
                continue
            if answer.is_of_parts:
                raise NoMedia
            if answer.offer is None:
                raise denied(answer.decision)
            offer = await _seen_in(tx, answer.offer, wish, at)
        except BuddyError as error:
            outcomes.append(Refused(error))
            continue
        outcomes.append(None)
        spends.append(_spend(wish, offer, GrantId(ids.uuid7())))
    for seller in sorted({spend.entity for spend in spends}):
        await tx.statements.hold_months_open(seller, at)
    made = iter(zip(spends, await spend_in(tx, spends, at, ids) if spends else [], strict=True))
    paid: list[tuple[SpendTokens, Spent]] = []
    answers: list[Outcome[Unlocked]] = []
    for outcome in outcomes:
        if outcome is not None:
            answers.append(outcome)
            continue
        spend, spent = next(made)
        if isinstance(spent, Refused):
            answers.append(spent)
            continue
        paid.append((spend, spent.value))
        grant_id = GrantId(UUID(spend.source_ref))
        answers.append(Done(Unlocked(grant_id, spent.value.entry_id, spend.amount, spent.value.left)))
    await tx.token_spends.add([fact for spend, spent in paid for fact in _facts(spent, spend)])
    await grant_in(tx, [_grant(spend, spent) for spend, spent in paid], at, ids)
    return answers


async def _seen_in(tx: UnlockTx, now: Quote, wish: _Wish, at: datetime) -> Quote:
    """Return the quote to charge by: that of now, or the one that was shown, while it holds.

    Raises:
        PriceChanged: cost and version are neither.
    """
    seen = (wish.command.seen_tokens, wish.command.seen_version)
    if seen == (now.tokens, now.rule_version):
        return now
    lately = await tx.token_costs.in_force_between(at - HONOUR, at)
    before = quotes_lately(wish.title.id, wish.title.type, lately, at)
    return check_seen(now, *seen, before, at)


def _request(asked: UnlockRequest) -> RequestKey:
    command = asked.command
    require(asked.actor, "title:unlock", Resource(account_id=command.account_id))
    seen = [command.title_id, command.seen_tokens, command.seen_version]
    return request_key(f"unlock:{command.account_id}", command.idempotency_key, seen)


def denied(decision: Denied) -> PlaybackDenied:
    """Return the error that tells a viewer of a decision against them."""
    error = TakenDown if decision.reason is Reason.TAKEN_DOWN else PlaybackDenied
    return error(decision.reason, decision.unlockable_by, decision.opens_at)


async def _already_open(
    tx: UnlockTx, account: AccountId, decision: Allowed, title: Title, at: datetime
) -> Unlocked:
    grants = await tx.grants.of_account(account, [title.id])
    grant = next((grant for grant in grants if grant.id == decision.via), None)
    wallet = (await tx.wallets.load([account]))[account]
    return Unlocked(decision.via, grant.entry_id if grant else None, 0, sum(balance(wallet, at).values()))


def _spend(wish: _Wish, offer: Quote, grant_id: GrantId) -> SpendTokens:
    command = wish.command
    assert command.country is not None, "seller_for has refused an unknown country"
    return SpendTokens(
        account_id=wish.account,
        title_id=wish.title.id,
        title_scopes=wish.title.scopes,
        amount=offer.tokens,
        source=UNLOCK,
        source_ref=str(grant_id),
        # As the receipt is found: the same key means another thing elsewhere.
        idempotency_key=own_key(UNLOCK, str(command.account_id), command.idempotency_key),
        country=command.country,
        entity=wish.seller.id,
        currency=wish.seller.currency,
        rule_version=offer.rule_version,
    )


def _grant(spend: SpendTokens, spent: Spent) -> Grant:
    grant_id = GrantId(UUID(spend.source_ref))
    return Grant(
        id=grant_id,
        origin_id=grant_id,
        account_id=spend.account_id,
        title_id=spend.title_id,
        kind=TOKEN_UNLOCK,
        status=GrantStatus.ACTIVE,
        granted_at=spent.at,
        recorded_at=spent.at,
        ends_at=None,
        entry_id=spent.entry_id,
    )


def _facts(spent: Spent, spend: SpendTokens) -> list[TokenSpend]:
    return [
        TokenSpend(
            entry_id=spent.entry_id,
            kind=part.kind,
            tokens=part.amount,
            version=part.version,
            currency=spend.currency,
            value=part.value,
            title_id=spend.title_id,
            entity=spend.entity,
            country=spend.country,
            at=spent.at,
        )
        for part in spent.parts
    ]


def _from_bytes(raw: bytes) -> Unlocked:
    stored = json.loads(raw)
    return Unlocked(
        UUID(stored["grant_id"]),
        None if stored["entry_id"] is None else EntryId(UUID(stored["entry_id"])),
        stored["tokens_spent"],
        stored["tokens_left"],
    )
