"""Which lots can be spent at an instant, and what a spend takes from each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Protocol

from attrs import frozen

from buddy_core.tokens.errors import InsufficientTokens
from buddy_core.tokens.model import Lot, OpenHold, OpenLot, TokenKind, Wallet
from buddy_core.tokens.rules.ordering import LEDGER_POLICY, DrawPolicy, draw_order

_LOT = attrgetter("lot")


@frozen
class Draw:
    """Tokens taken from one lot."""

    lot: Lot
    amount: int


class Stock(Protocol):
    """Lots and holds that are open: a wallet, or one as it stood at some other time."""

    @property
    def lots(self) -> tuple[OpenLot, ...]: ...

    @property
    def holds(self) -> tuple[OpenHold, ...]: ...


def is_live(lot: Lot, at: datetime) -> bool:
    """Tell whether a lot can be spent at `at`: from its start, up to but not at its expiry."""
    return lot.effective_from <= at and not is_expired(lot, at)


def is_expired(lot: Lot, at: datetime) -> bool:
    """Tell whether a lot has expired at `at`; the instant of expiry itself counts as expired."""
    return lot.expires_at is not None and lot.expires_at <= at


def balance(wallet: Stock, at: datetime) -> dict[TokenKind, int]:
    """Return the spendable tokens of each kind at `at`, swept or not; what lapsed holds had is free."""
    totals: dict[TokenKind, int] = {}
    for item in open_lots(wallet, at):
        if is_live(item.lot, at):
            totals[item.lot.kind] = totals.get(item.lot.kind, 0) + item.remaining
    return totals


def open_lots(wallet: Stock, at: datetime) -> tuple[OpenLot, ...]:
    """Return the wallet's lots as they are once the holds that have lapsed by `at` gave theirs back."""
    lots = wallet.lots
    for item in wallet.holds:
        if item.has_lapsed(at):
            lots = restored(lots, (Draw(held.lot, held.amount) for held in item.lots))
    return lots


def draw(
    wallet: Wallet,
    amount: int,
    scopes: tuple[str, ...],
    at: datetime,
    policy: DrawPolicy = LEDGER_POLICY,
) -> list[Draw]:
    """Return what a spend of `amount` takes from which lots, in the policy's order.

    A lot with scopes is drawn only for a title that answers to one of `scopes`.

    Raises:
        InsufficientTokens: the live lots that fit hold less.
    """
    lots = [item for item in wallet.lots if is_live(item.lot, at) and fits(item.lot, scopes)]
    if len(lots) > 1:
        lots = draw_order(lots, policy, _LOT)
    available = sum([item.remaining for item in lots])
    if available < amount:
        raise InsufficientTokens(amount, available)
    draws, left = [], amount
    for item in lots:
        if not left:
            break
        taken = min(left, item.remaining)
        draws.append(Draw(item.lot, taken))
        left -= taken
    return draws


def reduced(lots: Sequence[OpenLot], draws: Iterable[Draw]) -> tuple[OpenLot, ...]:
    """Return the lots with what `draws` took gone from them."""
    taken = {draw.lot.id: draw.amount for draw in draws}
    return tuple(
        [
            OpenLot(item.lot, item.remaining - taken[item.lot.id]) if item.lot.id in taken else item
            for item in lots
        ]
    )


def restored(lots: Sequence[OpenLot], draws: Iterable[Draw]) -> tuple[OpenLot, ...]:
    """Return the lots with what `draws` had taken back in them; a lot that was used up is there again."""
    left = {item.lot.id: item for item in lots}
    for draw in draws:
        before = left.get(draw.lot.id)
        left[draw.lot.id] = OpenLot(draw.lot, draw.amount + (before.remaining if before else 0))
    return tuple(left.values())


def fits(lot: Lot, scopes: tuple[str, ...]) -> bool:
    """Tell whether a lot may be spent on a title that answers to `scopes`."""
    return not lot.scopes or not set(lot.scopes).isdisjoint(scopes)
