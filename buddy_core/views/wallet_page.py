"""Fills the wallet page from the ledger: live balances, expiry, and a history that adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Protocol

from attrs import evolve

from buddy_core.ads import RewardRules
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import (
    BONUS,
    PAID,
    Operation,
    StatementPlace,
    balance,
    expiring_soon,
    is_expired,
    newest_place,
    on_hold,
    open_lots,
)
from buddy_core.views.addresses import title_url
from buddy_core.views.visitor import Visitor
from buddy_core.views.wallet import CorrectedLine, Expiring, LotPiece, WalletLine, WalletPage
from buddy_core.views.wallet_lines import Corrected, LedgerLine, LinePiece, WalletLinesTx, ledger_page_in

LINES = 30
"""Lines of history a page."""
SOON = timedelta(days=14)
CSV_URL = "/v1/wallet/statement.csv"

_RULES: Mapping[str, str] = {Operation.EARN.value: "ads", Operation.SPEND.value: "costs"}


class WalletPageTx(WalletLinesTx, Protocol):
    """What the wallet page reads."""

    @property
    def reward_rules(self) -> RewardRules: ...


async def wallet_page(
    visitor: Visitor,
    place: StatementPlace | None = None,
    *,
    uow: UnitOfWork[WalletPageTx],
    clock: Clock,
) -> WalletPage:
    """Return the wallet with its newest lines, or those below `place`.

    The history adds up to every token the ledger holds; tokens that have expired and
    were not yet taken out are told apart as `expired`. Balances at the top are live.

    Raises:
        BadStatementPlace: no page of this wallet ended there.
    """
    at = clock.now()
    async with uow.read() as tx:
        wallet = (await tx.wallets.load([visitor.account_id]))[visitor.account_id]
        history = await ledger_page_in(tx, visitor.account_id, place or newest_place(wallet), LINES)
        rule = await tx.reward_rules.in_force(at)
    tokens = balance(wallet, at)
    shown = {line.number for line in history.lines}
    ends = tuple(
        Expiring(item.kind, item.tokens, item.expires_at) for item in expiring_soon(wallet, at, timedelta.max)
    )
    return WalletPage(
        bonus=tokens.get(BONUS, 0),
        paid=tokens.get(PAID, 0),
        others={str(kind): count for kind, count in sorted(tokens.items()) if kind not in (BONUS, PAID)},
        expiring=ends,
        lines=tuple(_shown(line, shown) for line in history.lines),
        is_frozen=wallet.is_frozen,
        older=history.next,
        earn_tokens=rule.tokens,
        expired=sum(item.remaining for item in open_lots(wallet, at) if is_expired(item.lot, at)),
        held=sum(on_hold(wallet, at).values()),
        soon=sum(item.tokens for item in ends if item.expires_at - at <= SOON),
        soon_days=SOON.days,
        csv_url=CSV_URL if wallet.sequence else None,
    )


def _shown(line: LedgerLine, shown: Collection[int]) -> WalletLine:
    rule = _RULES.get(line.operation)
    return WalletLine(
        at=line.at,
        operation=operation_of(line.operation, line.source),
        tokens=sum(line.tokens.values()),
        balance_after=sum(line.after.values()),
        reference=line.reference,
        title=line.title.name if line.title else None,
        title_url=title_url(line.title) if line.title else None,
        rule_version=f"{rule}-{line.rule_version}" if rule and line.rule_version is not None else None,
        lots=_pieces(line.lots),
        number=line.number,
        held=sum(line.held.values()),
        cause=f"{line.operation}.{line.source}",
        kinds_after=line.after if len(line.after) > 1 else {},
        corrects=_corrects(line.corrects, shown) if line.corrects else None,
        hold_until=line.hold_until,
        expired=line.expired,
        uncollectable=line.uncollectable,
        withdrawn=line.withdrawn,
    )


def operation_of(operation: str, source: str) -> str:
    """Return the word for what happened; an earning is a reward or a gift by its source."""
    if operation == Operation.EARN.value:
        return "reward" if source.startswith("ads.") else "grant"
    return operation


def _pieces(pieces: tuple[LinePiece, ...]) -> tuple[LotPiece, ...]:
    """Return the lots of a line; those that look alike are one."""
    sums: Counter[LotPiece] = Counter()
    for item in pieces:
        starts = item.effective_from if item.effective_from > item.created_at else None
        sums[LotPiece(item.kind, 0, item.created_at, item.expires_at, starts)] += item.tokens
    return tuple(evolve(piece, tokens=tokens) for piece, tokens in sums.items())


def _corrects(found: Corrected, shown: Collection[int]) -> CorrectedLine:
    return CorrectedLine(
        operation_of(found.operation, found.source),
        found.at,
        found.reference,
        found.number,
        f"#line-{found.number}" if found.number in shown else None,
    )
