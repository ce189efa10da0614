"""Fills the unlock sheet: what the viewer has, what it costs, what is left, and the ways there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from buddy_core.catalog import Title
from buddy_core.flows import Answer, MayWatchTx, may_watch_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import (
    BONUS,
    PAID,
    TokenKind,
    Wallet,
    WalletFrozen,
    Wallets,
    balance,
    draw_order,
    is_live,
)
from buddy_core.views.ad_offer import AdOfferTx, ad_offer_in, ways_to_tokens
from buddy_core.views.addresses import poster_url, unlock_url
from buddy_core.views.common import Denial, Way
from buddy_core.views.unlock import UnlockSheet
from buddy_core.views.visitor import Visitor
from buddy_core.views.ways import denial_of, ways_past


class UnlockSheetTx(MayWatchTx, AdOfferTx, Protocol):
    """What the sheet reads."""

    @property
    def wallets(self) -> Wallets: ...


@frozen
class _Draw:
    """What an unlock would take of each kind, and how much is missing."""

    uses: dict[TokenKind, int]
    short_by: int


async def unlock_sheet(
    title: Title, visitor: Visitor, idempotency_key: str, *, uow: UnitOfWork[UnlockSheetTx], clock: Clock
) -> UnlockSheet | None:
    """Return the offer to unlock a title, or None where it is open already.

    It shows what the unlock itself will do: the same lots, in the order in which it draws.
    """
    at = clock.now()
    async with uow.read() as tx:
        parents = await tx.titles.get([title.parent_id] if title.parent_id else [])
        answer = (await may_watch_in(tx, visitor.account_id, [title], visitor.context, at))[0]
        offer = await ad_offer_in(tx, visitor, at)
        wallet = (await tx.wallets.load([visitor.account_id]))[visitor.account_id]
    if answer.is_allowed:
        return None
    series = parents.get(title.parent_id) if title.parent_id else None
    cost = answer.offer.tokens if answer.offer else 0
    draw = _draw(wallet, title, cost, at)
    have = balance(wallet, at)
    back_to = unlock_url(title)
    to_tokens = ways_to_tokens(offer, visitor, back_to)
    every = ways_past(answer, to_tokens, is_guest=visitor.is_guest, back_to=back_to)
    ways = tuple(way for way in every if way.kind != "unlock")
    return UnlockSheet(
        short_id=title.short_id,
        slug=title.slug,
        type=title.type.value,
        title=title.name,
        cost=cost,
        rule_version=str(answer.offer.rule_version) if answer.offer else "",
        idempotency_key=idempotency_key,
        have_bonus=have.get(BONUS, 0),
        have_paid=have.get(PAID, 0),
        left_after=None if draw.short_by else sum(have.values()) - cost,
        short_by=draw.short_by,
        uses_bonus=draw.uses.get(BONUS, 0),
        uses_paid=draw.uses.get(PAID, 0),
        poster_url=poster_url(title),
        series_title=series.name if series else None,
        episode_number=title.number,
        ways=ways if draw.short_by else (),
        denial=_denial(answer, wallet, visitor, ways, at),
    )


def _draw(wallet: Wallet, title: Title, cost: int, at: datetime) -> _Draw:
    fits: Sequence[str] = title.scopes
    lots = [
        item
        for item in wallet.lots
        if is_live(item.lot, at) and (not item.lot.scopes or not set(item.lot.scopes).isdisjoint(fits))
    ]
    uses: Counter[TokenKind] = Counter()
    left = cost
    for item in draw_order(lots):
        taken = min(left, item.remaining)
        uses[item.lot.kind] += taken
        left -= taken
    return _Draw(dict(uses), left)


def _denial(
    answer: Answer, wallet: Wallet, visitor: Visitor, ways: tuple[Way, ...], at: datetime
) -> Denial | None:
    """Return what stands in the way besides tokens: that it cannot be had here, or a frozen wallet."""
    if answer.offer is None:
        return denial_of(answer, ways, at)
    if wallet.is_frozen:
        refused = WalletFrozen(visitor.account_id)
        return Denial(refused.code, refused.message(), at=at)
    return None
