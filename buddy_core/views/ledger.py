"""A wallet and its history as plain values, for those who ask for data rather than a page."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.catalog import CatalogTx, Title
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import AccountId, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import WALLET, Entry, TokensTx, balance, is_expired, spent_on

_SPENT_ON = spent_on(TitleId(UUID(int=0))).removesuffix(str(UUID(int=0)))


class LedgerTx(TokensTx, AccountsTx, CatalogTx, Protocol):
    """What a wallet's history reads."""


@frozen
class LotLeft:
    """Tokens that came together, and when they end."""

    kind: str
    tokens: int
    expires_at: datetime | None


@frozen
class WalletState:
    """What an account can spend now, by kind; `lots` are in the order in which they came."""

    tokens: dict[str, int]
    is_frozen: bool
    lots: tuple[LotLeft, ...]


@frozen
class LedgerLine:
    """One entry: the signed tokens by kind, and what they were for."""

    number: int
    at: datetime
    operation: str
    tokens: dict[str, int]
    source: str
    rule_version: int | None
    title: Title | None


@frozen
class LedgerPage:
    """Entries, newest first; `next_before` asks for those before them."""

    lines: tuple[LedgerLine, ...]
    next_before: int | None


async def wallet_state(account: AccountId, *, uow: UnitOfWork[LedgerTx], clock: Clock) -> WalletState:
    """Return what an account can spend now."""
    async with uow.read() as tx:
        at = clock.now()
        owner = (await resolve_in(tx, account)).id
        wallet = (await tx.wallets.load([owner]))[owner]
        lots = [item for item in wallet.lots if not is_expired(item.lot, at)]
        lots.sort(key=lambda item: (item.lot.created_at, item.lot.id))
        return WalletState(
            {str(kind): tokens for kind, tokens in balance(wallet, at).items()},
            wallet.is_frozen,
            tuple(LotLeft(item.lot.kind, item.remaining, item.lot.expires_at) for item in lots),
        )


async def ledger_page(
    account: AccountId, before: int | None, limit: int, *, uow: UnitOfWork[LedgerTx]
) -> LedgerPage:
    """Return a page of an account's entries, newest first."""
    async with uow.read() as tx:
        owner = (await resolve_in(tx, account)).id
        entries = await tx.entries.of_account(owner, before=before, limit=limit + 1)
        shown = entries[:limit]
        wanted = {title_id for entry in shown if (title_id := _title_of(entry)) is not None}
        titles = await tx.titles.get(sorted(wanted))
        lines = tuple(_line(entry, titles) for entry in shown)
        return LedgerPage(lines, shown[-1].sequence if len(entries) > limit else None)


def _title_of(entry: Entry) -> TitleId | None:
    for posting in entry.postings:
        if posting.account.startswith(_SPENT_ON):
            return TitleId(UUID(posting.account.removeprefix(_SPENT_ON)))
    return None


def _line(entry: Entry, titles: dict[TitleId, Title]) -> LedgerLine:
    tokens: Counter[str] = Counter()
    for posting in entry.postings:
        if posting.account == WALLET:
            tokens[posting.kind] += posting.amount
    title_id = _title_of(entry)
    return LedgerLine(
        number=entry.sequence,
        at=entry.effective_at,
        operation=entry.operation,
        tokens=dict(tokens),
        # The source of a merge or a freeze is another account or a person; only its kind is told.
        source=entry.source if entry.source in ("ads.reward", "unlock", "merge") else "staff",
        rule_version=entry.rule_version,
        title=titles.get(title_id) if title_id else None,
    )
