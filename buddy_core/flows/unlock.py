"""Unlock a title with tokens: spend, grant and royalty fact in one commit, or nothing at all."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.access import Actor, Resource, require
from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.entitlements import TOKEN_UNLOCK, Allowed, Denied, Grant, GrantStatus, grant_in
from buddy_core.flows.lock_wallet import lock_wallet_in
from buddy_core.flows.may_watch import MayWatchTx, may_watch_in
from buddy_core.flows.sources import UNLOCK
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import AccountId, EntryId, GrantId, IdSource, TitleId
from buddy_core.kernel.outcomes import unwrap
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.playback import PlaybackDenied
from buddy_core.pricing import Quote, check_seen
from buddy_core.royalty import RoyaltyTx, TokenSpend
from buddy_core.tax import SellerRoutes, SellingEntity, seller_for
from buddy_core.tokens import SpendTokens, Spent, TokensTx, balance, spend_in


class UnlockTx(MayWatchTx, TokensTx, AccountsTx, RoyaltyTx, Protocol):
    """What an unlock needs of a transaction."""


@frozen
class UnlockTitle:
    """Unlock a title at the cost that was shown; `country` comes from the host, never the client."""

    account_id: AccountId
    title_id: TitleId
    seen_tokens: int
    seen_version: int
    country: str | None
    idempotency_key: str


@frozen
class Unlocked:
    """The title is open. `tokens_spent` is 0 when it had been opened before."""

    grant_id: GrantId
    entry_id: EntryId
    tokens_spent: int
    tokens_left: int


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
        PlaybackDenied: tokens do not open this title here.
        TitleNotFound, AccountNotFound, IdempotencyMismatch.
    """
    require(actor, "title:unlock", Resource(account_id=command.account_id))
    seen = [command.title_id, command.seen_tokens, command.seen_version]
    return await once(
        uow,
        request_key(f"unlock:{command.account_id}", command.idempotency_key, seen),
        clock,
        lambda tx, at: unlock_in(tx, command, at, ids, routes),
        encode=canonical_bytes,
        decode=_from_bytes,
        lock=lambda tx: lock_wallet_in(tx, command.account_id),
    )


async def unlock_in(
    tx: UnlockTx, command: UnlockTitle, at: datetime, ids: IdSource, routes: SellerRoutes
) -> Unlocked:
    """Decide and write an unlock inside a transaction that holds the account's wallet."""
    account = (await resolve_in(tx, command.account_id)).id
    title = (await tx.titles.get([command.title_id])).get(command.title_id)
    if title is None:
        raise TitleNotFound("title", "unlocked")
    seller = seller_for(command.country, routes)
    answer = (await may_watch_in(tx, account, [title], command.country, at))[0]
    if isinstance(answer.decision, Allowed):
        return await _already_open(tx, account, answer.decision, title, at)
    if answer.offer is None:
        raise denied(answer.decision)
    check_seen(answer.offer, command.seen_tokens, command.seen_version)
    await tx.statements.hold_months_open(seller.id, at)
    grant_id = GrantId(ids.uuid7())
    spend = _spend(command, account, title, answer.offer, seller, grant_id)
    spent = unwrap((await spend_in(tx, [spend], at, ids))[0])
    await tx.token_spends.add(_facts(spent, spend, at))
    await grant_in(tx, [_grant(grant_id, account, title, spent.entry_id, at)], at, ids)
    return Unlocked(grant_id, spent.entry_id, answer.offer.tokens, spent.left)


def denied(decision: Denied) -> PlaybackDenied:
    """Return the error that tells a viewer of a decision against them."""
    return PlaybackDenied(decision.reason, decision.unlockable_by)


async def _already_open(
    tx: UnlockTx, account: AccountId, decision: Allowed, title: Title, at: datetime
) -> Unlocked:
    grants = await tx.grants.of_account(account, [title.id])
    grant = next(grant for grant in grants if grant.id == decision.via)
    wallet = (await tx.wallets.load([account]))[account]
    return Unlocked(grant.id, grant.entry_id, 0, sum(balance(wallet, at).values()))


def _spend(
    command: UnlockTitle,
    account: AccountId,
    title: Title,
    offer: Quote,
    seller: SellingEntity,
    grant_id: GrantId,
) -> SpendTokens:
    assert command.country is not None, "seller_for has refused an unknown country"
    return SpendTokens(
        account_id=account,
        title_id=title.id,
        title_scopes=title.scopes,
        amount=offer.tokens,
        source=UNLOCK,
        source_ref=str(grant_id),
        idempotency_key=command.idempotency_key,
        country=command.country,
        entity=seller.id,
        currency=seller.currency,
        rule_version=offer.rule_version,
    )


def _grant(grant_id: GrantId, account: AccountId, title: Title, entry: EntryId, at: datetime) -> Grant:
    return Grant(
        id=grant_id,
        origin_id=grant_id,
        account_id=account,
        title_id=title.id,
        kind=TOKEN_UNLOCK,
        status=GrantStatus.ACTIVE,
        granted_at=at,
        recorded_at=at,
        ends_at=None,
        entry_id=entry,
    )


def _facts(spent: Spent, spend: SpendTokens, at: datetime) -> list[TokenSpend]:
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
            at=at,
        )
        for part in spent.parts
    ]


def _from_bytes(raw: bytes) -> Unlocked:
    stored = json.loads(raw)
    return Unlocked(
        GrantId(UUID(stored["grant_id"])),
        EntryId(UUID(stored["entry_id"])),
        stored["tokens_spent"],
        stored["tokens_left"],
    )
