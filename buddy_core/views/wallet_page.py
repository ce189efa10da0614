"""Fills the wallet page from the ledger: live balances, expiry, and a history that adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from attrs import frozen

from buddy_core.ads import RewardRules
from buddy_core.catalog import CatalogTx, Title
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import LotId, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import (
    BONUS,
    PAID,
    WALLET,
    Entries,
    Entry,
    Lot,
    Operation,
    Wallet,
    Wallets,
    balance,
    is_expired,
    is_live,
    spent_on,
)
from buddy_core.views.addresses import title_url
from buddy_core.views.visitor import Visitor
from buddy_core.views.wallet import Expiring, LotPiece, TokenKind, WalletLine, WalletPage

LINES = 30
"""Lines of history a page."""
_LOOK_BACK = 500
"""How many older entries are read to say of which lots a line's tokens were."""

_SPENT = spent_on(TitleId(UUID(int=0))).partition(":")[0] + ":"
_RULES: Mapping[Operation, str] = {Operation.EARN: "ads", Operation.SPEND: "costs"}


class WalletPageTx(CatalogTx, Protocol):
    """What the wallet page reads."""

    @property
    def wallets(self) -> Wallets: ...

    @property
    def entries(self) -> Entries: ...

    @property
    def reward_rules(self) -> RewardRules: ...


@frozen
class _Line:
    """An entry, and the sum of the wallet's postings up to it."""

    entry: Entry
    balance_after: int


async def wallet_page(
    visitor: Visitor, before: int | None = None, *, uow: UnitOfWork[WalletPageTx], clock: Clock
) -> WalletPage:
    """Return the wallet with its newest lines, or those before the line with number `before`.

    The history adds up to every token the ledger holds; tokens that have expired and
    were not yet taken out are told apart as `expired`. Balances at the top are live.
    """
    at = clock.now()
    async with uow.read() as tx:
        wallet = (await tx.wallets.load([visitor.account_id]))[visitor.account_id]
        # The newest entries are read again on older pages: the running balance is counted back from today's.
        newer = 0 if before is None else max(0, wallet.sequence + 1 - before)
        limit = newer + LINES + _LOOK_BACK
        entries = await tx.entries.of_account(visitor.account_id, before=None, limit=limit)
        lines = _running(entries, sum(item.remaining for item in wallet.lots))[newer : newer + LINES]
        spent_for = {title_id for line in lines if (title_id := _title_of(line.entry)) is not None}
        titles = await tx.titles.get(sorted(spent_for))
        rule = await tx.reward_rules.in_force(at)
    lots = {lot.id: lot for entry in entries for lot in entry.lots}
    lots |= {item.lot.id: item.lot for item in wallet.lots}
    tokens = balance(wallet, at)
    has_older = bool(lines) and lines[-1].entry.sequence > 1
    return WalletPage(
        bonus=tokens.get(BONUS, 0),
        paid=tokens.get(PAID, 0),
        expiring=_expiring(wallet, at),
        lines=tuple(_shown(line, lots, titles) for line in lines),
        is_frozen=wallet.is_frozen,
        older_url=f"/wallet?before={lines[-1].entry.sequence}" if has_older else None,
        earn_tokens=rule.tokens,
        expired=sum(item.remaining for item in wallet.lots if is_expired(item.lot, at)),
    )


def _running(entries: Sequence[Entry], total: int) -> list[_Line]:
    """Give each entry, newest first, the balance after it, counted back from the present total."""
    lines = []
    for entry in entries:
        lines.append(_Line(entry, total))
        total -= _moved(entry)
    return lines


def _moved(entry: Entry) -> int:
    return sum(posting.amount for posting in entry.postings if posting.account == WALLET)


def _expiring(wallet: Wallet, at: datetime) -> tuple[Expiring, ...]:
    """Return what ends when; lots of one kind that end together are one line."""
    ends: Counter[tuple[datetime, str]] = Counter()
    for item in wallet.lots:
        if is_live(item.lot, at) and item.lot.expires_at is not None:
            ends[item.lot.expires_at, item.lot.kind] += item.remaining
    return tuple(Expiring(cast(TokenKind, kind), tokens, end) for (end, kind), tokens in sorted(ends.items()))


def _shown(line: _Line, lots: Mapping[LotId, Lot], titles: Mapping[TitleId, Title]) -> WalletLine:
    entry = line.entry
    title_id = _title_of(entry)
    title = titles.get(title_id) if title_id else None
    rule = _RULES.get(entry.operation)
    return WalletLine(
        at=entry.effective_at,
        operation=_operation(entry),
        tokens=_moved(entry),
        balance_after=line.balance_after,
        # Found by its number in the account, and proven by the hash; the entry's own id stays inside.
        reference=f"{entry.sequence}-{entry.hash.hex()[:8]}",
        title=title.name if title else None,
        title_url=title_url(title) if title else None,
        rule_version=f"{rule}-{entry.rule_version}" if rule and entry.rule_version is not None else None,
        lots=tuple(_pieces(entry, lots)),
    )


def _pieces(entry: Entry, lots: Mapping[LotId, Lot]) -> list[LotPiece]:
    """Say which lots a line fell on; one whose opening is further back than was read is left out."""
    pieces = []
    for posting in entry.postings:
        lot = lots.get(posting.lot_id) if posting.lot_id else None
        if posting.account == WALLET and lot is not None:
            kind = cast(TokenKind, str(posting.kind))
            pieces.append(LotPiece(kind, posting.amount, lot.effective_from, lot.expires_at))
    return pieces


def _operation(entry: Entry) -> str:
    """Return the word for what happened; an earning is a reward or a gift by its source."""
    if entry.operation is Operation.EARN:
        return "reward" if entry.source.startswith("ads.") else "grant"
    return "void" if entry.operation is Operation.REVERSE else entry.operation.value


def _title_of(entry: Entry) -> TitleId | None:
    for posting in entry.postings:
        if posting.account.startswith(_SPENT):
            return TitleId(UUID(posting.account.removeprefix(_SPENT)))
    return None
