"""Transactions in memory: one writer at a time, readers on what was committed when they began."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from buddy_adapters.memory.access import (
    MemoryApprovals,
    MemoryAssignments,
    MemoryAuditBooks,
    MemoryAuditLog,
    MemoryCustomRoles,
)
from buddy_adapters.memory.accounts import MemoryAccounts
from buddy_adapters.memory.ads import MemoryRewardCounters, MemoryRewardRules, MemoryRewards
from buddy_adapters.memory.catalog import MemoryProducers, MemoryTitles
from buddy_adapters.memory.entitlements import MemoryGrantBooks, MemoryGrants
from buddy_adapters.memory.flags import MemoryFlags
from buddy_adapters.memory.lot_movements import MemoryLotMovements
from buddy_adapters.memory.outbox import MemoryOutbox, MemoryOutboxQueue, MemoryReceipts
from buddy_adapters.memory.owed import MemoryOwedRows, MemoryTitleGrants
from buddy_adapters.memory.playback import MemoryPositions, MemorySessions
from buddy_adapters.memory.pricing import MemoryCostTables, MemoryPriceBooks
from buddy_adapters.memory.promotions import MemoryPromotionBooks, MemoryPromotionClaims, MemoryPromotions
from buddy_adapters.memory.rights import MemoryRightsBooks
from buddy_adapters.memory.royalty import (
    MemoryInputs,
    MemoryRoyaltyBooks,
    MemoryStatements,
    MemoryTokenSpends,
)
from buddy_adapters.memory.sessions import (
    MemoryLockouts,
    MemoryLoginSessions,
    MemoryRefreshTokens,
    MemorySecondFactors,
)
from buddy_adapters.memory.shortids import MemoryShortIdBooks, MemoryShortIds
from buddy_adapters.memory.tables import Tables
from buddy_adapters.memory.tokens import MemoryEntries, MemoryLedgerBooks, MemoryValueVersions, MemoryWallets
from buddy_adapters.workings import PlainWorkings
from buddy_core.access import Approvals, Assignments, AuditBooks, AuditLog, CustomRoles
from buddy_core.accounts import Accounts
from buddy_core.ads import RewardCounters, RewardRules, Rewards
from buddy_core.catalog import Producers, Titles
from buddy_core.entitlements import GrantBooks, Grants
from buddy_core.flags import Flags
from buddy_core.kernel import Outbox, OutboxQueue, Receipts, UnitOfWork
from buddy_core.playback import Positions, Sessions
from buddy_core.pricing import CostTables, PriceBooks
from buddy_core.promotions import PromotionBooks, PromotionClaims, Promotions
from buddy_core.rights import OwedRows, RightsBooks
from buddy_core.royalty import Inputs, RoyaltyBooks, Statements, TokenSpends, Workings
from buddy_core.sessions import Lockouts, LoginSessions, RefreshTokens, SecondFactors, SessionsTx
from buddy_core.shortids import ShortIdBooks, ShortIds
from buddy_core.tokens import Entries, LedgerBooks, LotMovements, ValueVersions, Wallets

if TYPE_CHECKING:
    from buddy_core import flows


class MemoryTx:
    """One transaction: every port that steps ask for, over the same tables."""

    def __init__(self, tables: Tables, workings: Workings | None = None) -> None:
        self.workings: Workings = workings or PlainWorkings()
        self.receipts: Receipts = MemoryReceipts(tables)
        self.outbox: Outbox = MemoryOutbox(tables)
        self.outbox_queue: OutboxQueue = MemoryOutboxQueue(tables)
        self.wallets: Wallets = MemoryWallets(tables)
        self.entries: Entries = MemoryEntries(tables)
        self.token_values: ValueVersions = MemoryValueVersions(tables)
        self.ledger_books: LedgerBooks = MemoryLedgerBooks(tables)
        self.lot_movements: LotMovements = MemoryLotMovements(tables)
        self.grants: Grants = MemoryGrants(tables)
        self.grant_books: GrantBooks = MemoryGrantBooks(tables)
        self.token_spends: TokenSpends = MemoryTokenSpends(tables)
        self.statements: Statements = MemoryStatements(tables)
        self.royalty_inputs: Inputs = MemoryInputs(tables)
        self.royalty_books: RoyaltyBooks = MemoryRoyaltyBooks(tables)
        self.accounts: Accounts = MemoryAccounts(tables)
        self.titles: Titles = MemoryTitles(tables)
        self.producers: Producers = MemoryProducers(tables)
        self.rights: RightsBooks = MemoryRightsBooks(tables)
        self.owed: OwedRows = MemoryOwedRows(tables)
        self.title_grants = MemoryTitleGrants(tables)
        self.token_costs: CostTables = MemoryCostTables(tables)
        self.price_books: PriceBooks = MemoryPriceBooks(tables)
        self.rewards: Rewards = MemoryRewards(tables)
        self.reward_rules: RewardRules = MemoryRewardRules(tables)
        self.reward_counters: RewardCounters = MemoryRewardCounters(tables)
        self.promotions: Promotions = MemoryPromotions(tables)
        self.promotion_claims: PromotionClaims = MemoryPromotionClaims(tables)
        self.promotion_books: PromotionBooks = MemoryPromotionBooks(tables)
        self.sessions: Sessions = MemorySessions(tables)
        self.positions: Positions = MemoryPositions(tables)
        self.login_sessions: LoginSessions = MemoryLoginSessions(tables)
        self.refresh_tokens: RefreshTokens = MemoryRefreshTokens(tables)
        self.lockouts: Lockouts = MemoryLockouts(tables)
        self.second_factors: SecondFactors = MemorySecondFactors(tables)
        self.assignments: Assignments = MemoryAssignments(tables)
        self.custom_roles: CustomRoles = MemoryCustomRoles(tables)
        self.approvals: Approvals = MemoryApprovals(tables)
        self.audit: AuditLog = MemoryAuditLog(tables)
        self.audit_books: AuditBooks = MemoryAuditBooks(tables)
        self.flags: Flags = MemoryFlags(tables)
        self.shortids: ShortIds = MemoryShortIds(tables)
        self.shortid_books: ShortIdBooks = MemoryShortIdBooks(tables)


class MemoryUnitOfWork:
    """A whole store in memory, for tests, examples and one event loop.

    Writers stand in line, so that locks have nothing to do; a transaction that
    fails is undone row by row. Do not open one transaction inside another.
    """

    def __init__(self, workings: Workings | None = None) -> None:
        self._tables = Tables()
        self._workings = workings or PlainWorkings()
        self._writer = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTx]:
        """Open a transaction that may write, once every earlier writer has ended."""
        async with self._writer:
            try:
                yield MemoryTx(self._tables, self._workings)
            except BaseException:
                self._tables.rollback()
                raise
            self._tables.commit()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[MemoryTx]:
        """Open a transaction on what is committed now; it waits for nobody and refuses writes."""
        yield MemoryTx(self._tables.snapshot(), self._workings)


def _conforms() -> tuple[
    UnitOfWork[flows.CatalogueTx],
    UnitOfWork[flows.ClaimTx],
    UnitOfWork[flows.MergeTx],
    UnitOfWork[flows.PlayTx],
    UnitOfWork[flows.RewardTx],
    UnitOfWork[flows.StaffTx],
    UnitOfWork[flows.TakedownTx],
    UnitOfWork[flows.UnlockTx],
    UnitOfWork[flows.VerifyTx],
    UnitOfWork[SessionsTx],
]:
    """Hold the transaction to what each flow needs; read by the type checker alone."""
    uow = MemoryUnitOfWork()
    return uow, uow, uow, uow, uow, uow, uow, uow, uow, uow
