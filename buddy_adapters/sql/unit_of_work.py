"""Transactions on SQL, and the one object that has every storage port of Buddy as an attribute."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from buddy_adapters.sql.access import (
    SqlApprovals,
    SqlAssignments,
    SqlAuditBooks,
    SqlAuditLog,
    SqlCustomRoles,
)
from buddy_adapters.sql.accounts import SqlAccounts
from buddy_adapters.sql.ads import SqlRewardCounters, SqlRewardRules, SqlRewards
from buddy_adapters.sql.catalog import SqlProducers, SqlTitles
from buddy_adapters.sql.dialect import driver_errors
from buddy_adapters.sql.engine import reader, writer
from buddy_adapters.sql.entitlements import SqlGrantBooks, SqlGrants
from buddy_adapters.sql.flags import SqlFlags
from buddy_adapters.sql.kept import Kept
from buddy_adapters.sql.ledger_books import SqlLedgerBooks
from buddy_adapters.sql.lot_movements import SqlLotMovements
from buddy_adapters.sql.outbox import SqlOutbox, SqlOutboxQueue, SqlReceipts
from buddy_adapters.sql.owed import SqlOwedRows, SqlTitleGrants
from buddy_adapters.sql.playback import SqlPositions, SqlSessions
from buddy_adapters.sql.pricing import SqlCostTables, SqlPriceBooks
from buddy_adapters.sql.promotions import SqlPromotionBooks, SqlPromotionClaims, SqlPromotions
from buddy_adapters.sql.rights import SqlRightsBooks
from buddy_adapters.sql.royalty import (
    ClosedMonths,
    SqlInputs,
    SqlRoyaltyBooks,
    SqlStatements,
    SqlTokenSpends,
)
from buddy_adapters.sql.sessions import (
    SqlLockouts,
    SqlLoginSessions,
    SqlRefreshTokens,
    SqlSecondFactors,
)
from buddy_adapters.sql.shortids import SqlShortIdBooks, SqlShortIds
from buddy_adapters.sql.tokens import SqlEntries, SqlValueVersions, SqlWallets
from buddy_adapters.sql.writes import Writes
from buddy_adapters.workings import PlainWorkings

if TYPE_CHECKING:
    from buddy_core import flows
    from buddy_core.access import Assignments
    from buddy_core.flags import Flags
    from buddy_core.kernel import OutboxQueue, UnitOfWork
    from buddy_core.royalty import Workings
    from buddy_core.sessions import SessionsTx


class SqlTx:
    """Every storage port, on the connection of one transaction."""

    def __init__(
        self, connection: AsyncConnection, kept: Kept | None = None, workings: Workings | None = None
    ) -> None:
        kept = kept or Kept()
        self.workings: Workings = workings or PlainWorkings()
        held_open: ClosedMonths = {}
        self.connection = connection
        self.writes = Writes(connection)
        self.receipts = SqlReceipts(connection, self.writes)
        self.outbox = SqlOutbox(self.writes)
        self.outbox_queue = SqlOutboxQueue(connection, self.writes)
        self.wallets = SqlWallets(connection, self.writes, kept)
        self.entries = SqlEntries(connection, self.writes)
        self.token_values = SqlValueVersions(connection, self.writes.direct, kept, self.wallets)
        self.ledger_books = SqlLedgerBooks(connection)
        self.lot_movements = SqlLotMovements(connection)
        self.grants = SqlGrants(connection, self.writes)
        self.token_spends = SqlTokenSpends(connection, self.writes, held_open)
        self.statements = SqlStatements(connection, held_open)
        self.royalty_inputs = SqlInputs(connection)
        self.grant_books = SqlGrantBooks(connection)
        self.royalty_books = SqlRoyaltyBooks(connection)
        self.audit_books = SqlAuditBooks(connection)
        self.accounts = SqlAccounts(connection)
        self.titles = SqlTitles(connection)
        self.producers = SqlProducers(connection)
        self.rights = SqlRightsBooks(connection)
        self.owed = SqlOwedRows(connection)
        self.title_grants = SqlTitleGrants(connection, self.writes)
        self.token_costs = SqlCostTables(connection)
        self.price_books = SqlPriceBooks(connection)
        self.rewards = SqlRewards(connection)
        self.reward_rules = SqlRewardRules(connection)
        self.reward_counters = SqlRewardCounters(connection)
        self.promotions = SqlPromotions(connection)
        self.promotion_claims = SqlPromotionClaims(connection)
        self.promotion_books = SqlPromotionBooks(connection)
        self.sessions = SqlSessions(connection)
        self.positions = SqlPositions(connection)
        self.login_sessions = SqlLoginSessions(connection)
        self.refresh_tokens = SqlRefreshTokens(connection)
        self.lockouts = SqlLockouts(connection)
        self.second_factors = SqlSecondFactors(connection)
        self.assignments = SqlAssignments(connection)
        self.custom_roles = SqlCustomRoles(connection)
        self.approvals = SqlApprovals(connection)
        self.audit = SqlAuditLog(connection)
        self.flags = SqlFlags(connection)
        self.shortids = SqlShortIds(connection)
        self.shortid_books = SqlShortIdBooks(connection)


class SqlUnitOfWork:
    """Transactions on one engine of `make_engine`.

    `begin` and `read` raise Contention where another writer won, InvalidValue
    where the database cannot hold a value, and Unavailable where it is gone or
    not migrated. A driver's error that gets out of them is a mistake of ours.
    """

    def __init__(self, engine: AsyncEngine, workings: Workings | None = None) -> None:
        self._workings = workings or PlainWorkings()
        self._writer = writer(engine)
        self._reader = reader(engine)
        self._kept = Kept()
        # SQLite has one writer at a time. Those of one process stand in line here, first come first served;
        # the database's own line is a lottery, in which one can lose for half a minute.
        self._line = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    def begin(self) -> AbstractAsyncContextManager[SqlTx]:
        """Open a transaction that may write; a clean exit commits, an exception rolls back."""
        return _transaction(self._writer, self._line, self._kept, self._workings)

    def read(self) -> AbstractAsyncContextManager[SqlTx]:
        """Open a transaction that only reads, on one consistent snapshot."""
        return _transaction(self._reader, None, self._kept, self._workings)


@asynccontextmanager
async def _transaction(
    engine: AsyncEngine, line: asyncio.Lock | None, kept: Kept, workings: Workings
) -> AsyncIterator[SqlTx]:
    with driver_errors():
        async with line or nullcontext(), engine.begin() as connection:
            tx = SqlTx(connection, kept, workings)
            yield tx
            await tx.writes.flush()


def _conforms(
    engine: AsyncEngine,
) -> tuple[
    UnitOfWork[flows.CatalogueTx],
    UnitOfWork[flows.ClaimTx],
    UnitOfWork[flows.MergeTx],
    UnitOfWork[flows.PlayTx],
    UnitOfWork[flows.RewardTx],
    UnitOfWork[flows.StaffTx],
    UnitOfWork[flows.TakedownTx],
    UnitOfWork[flows.UnlockTx],
    UnitOfWork[flows.VerifyTx],
    UnitOfWork[_OtherTx],
    UnitOfWork[SessionsTx],
]:
    """Hold the transaction to what each flow needs; read by the type checker alone."""
    uow = SqlUnitOfWork(engine)
    return uow, uow, uow, uow, uow, uow, uow, uow, uow, uow, uow


class _OtherTx(Protocol):
    """What is used of a transaction outside the flows."""

    @property
    def outbox_queue(self) -> OutboxQueue: ...
    @property
    def assignments(self) -> Assignments: ...
    @property
    def flags(self) -> Flags: ...
