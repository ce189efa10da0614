"""Sign-in sessions, refresh tokens, counted tries and second factors in SQL; no secret lies here in clear."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    UniqueConstraint,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring, locked
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import CanonicalJson, Hash, Id, Instant
from buddy_core.kernel.canonical import instant_from_text
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId, LoginSessionId
from buddy_core.sessions import (
    Attempts,
    EndReason,
    Lockouts,
    LoginSession,
    LoginSessions,
    RefreshToken,
    RefreshTokens,
    SecondFactor,
    SecondFactors,
)

sessions_table = Table(
    "sessions_logins",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Id, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("renew_by", Instant),
    Column("label", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("second_factor_at", Instant),
    Column("impersonator", Id),
    Column("parent_id", Text, ForeignKey("sessions_logins.id")),
    Column("reason", Text, nullable=False),
    Column("ends_at", Instant),
    Column("ended_at", Instant),
    Column("end_reason", Text),
    # The earlier of renew_by and ends_at, so that one index finds what is over.
    Column("over_at", Instant, nullable=False),
    CheckConstraint("generation >= 1", name="generation"),
    CheckConstraint("last_used_at >= started_at", name="last_used_at"),
    CheckConstraint("ends_at > started_at", name="ends_at"),
    CheckConstraint("ended_at >= started_at", name="ended_at"),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
    CheckConstraint(
        "end_reason IN ('signed_out', 'revoked', 'reused', 'expired', 'impersonation_ended', 'suspended')",
        name="end_reason",
    ),
    CheckConstraint("(impersonator IS NULL) = (parent_id IS NULL)", name="parent_id"),
    CheckConstraint("(impersonator IS NULL) = (ends_at IS NULL)", name="impersonator"),
    CheckConstraint("(impersonator IS NULL) = (renew_by IS NOT NULL)", name="renew_by"),
    CheckConstraint("impersonator IS NULL OR (impersonator <> account_id AND reason <> '')", name="reason"),
    CheckConstraint("over_at = coalesce(renew_by, ends_at)", name="over_at"),
    Index("ix_sessions_logins_account_id_last_used_at", "account_id", "last_used_at"),
)
Index(
    "ix_sessions_logins_open",
    sessions_table.c.over_at,
    postgresql_where=sessions_table.c.ended_at.is_(None),
    sqlite_where=sessions_table.c.ended_at.is_(None),
)

tokens_table = Table(
    "sessions_refresh_tokens",
    metadata,
    Column("hash", Hash, primary_key=True),
    Column("session_id", Text, ForeignKey("sessions_logins.id"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    UniqueConstraint("session_id", "generation"),
    CheckConstraint("length(hash) = 32", name="hash"),
    CheckConstraint("generation >= 1", name="generation"),
    CheckConstraint("expires_at > issued_at", name="expires_at"),
    Index("ix_sessions_refresh_tokens_expires_at", "expires_at"),
)

lockouts_table = Table(
    "sessions_lockouts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", CanonicalJson, nullable=False),
    Column("locked_until", Instant),
    # The newest of the failures; none means that there is nothing to remember.
    Column("last_at", Instant),
    CheckConstraint("length(key) BETWEEN 1 AND 200", name="key"),
    CheckConstraint("locked_until > last_at", name="locked_until"),
    CheckConstraint("(last_at IS NULL) = (failures = '[]')", name="last_at"),
    Index("ix_sessions_lockouts_last_at", "last_at"),
)

factors_table = Table(
    "sessions_second_factors",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("last_step", BigInteger),
    CheckConstraint("length(sealed_secret) > 0", name="sealed_secret"),
    CheckConstraint("confirmed_at >= created_at", name="confirmed_at"),
    CheckConstraint("(confirmed_at IS NULL) = (last_step IS NULL)", name="last_step"),
)


class SqlLoginSessions:
    """Sign-in sessions by id."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, session: LoginSession) -> None:
        if not await insert_ignoring(self._connection, sessions_table, [session_to_row(session)], ["id"]):
            raise Contention("sign-in session")

    async def get(self, session: LoginSessionId) -> LoginSession | None:
        return await self._one(select(sessions_table).where(sessions_table.c.id == session))

    async def lock(self, session: LoginSessionId) -> LoginSession | None:
        query = select(sessions_table).where(sessions_table.c.id == session)
        return await self._one(locked(self._connection, query))

    async def lock_open(self, account: AccountId) -> list[LoginSession]:
        query = select(sessions_table).where(
            sessions_table.c.account_id == account, sessions_table.c.ended_at.is_(None)
        )
        return await self._all(locked(self._connection, query.order_by(sessions_table.c.id)))

    async def lock_over(self, at: datetime, limit: int) -> list[LoginSession]:
        over = select(sessions_table).where(
            sessions_table.c.over_at <= at, sessions_table.c.ended_at.is_(None)
        )
        first = over.order_by(sessions_table.c.id).limit(limit)
        return await self._all(locked(self._connection, first))

    async def save(self, session: LoginSession) -> None:
        statement = update(sessions_table).where(sessions_table.c.id == session.id)
        if (await self._connection.execute(statement.values(session_to_row(session)))).rowcount != 1:
            raise Contention("sign-in session")

    async def of_account(self, account: AccountId, limit: int) -> list[LoginSession]:
        query = select(sessions_table).where(sessions_table.c.account_id == account)
        ordered = query.order_by(
            sessions_table.c.ended_at.is_not(None),
            sessions_table.c.last_used_at.desc(),
            sessions_table.c.id.desc(),
        )
        return await self._all(ordered.limit(limit))

    async def _one(self, query: Select[Any]) -> LoginSession | None:
        row = (await self._connection.execute(query)).mappings().one_or_none()
        return None if row is None else session_from_row(row)

    async def _all(self, query: Select[Any]) -> list[LoginSession]:
        return [session_from_row(row) for row in (await self._connection.execute(query)).mappings()]


class SqlRefreshTokens:
    """Refresh tokens by hash, each used once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, token: RefreshToken) -> None:
        if not await insert_ignoring(self._connection, tokens_table, [token_to_row(token)]):
            raise Contention("refresh token")

    async def lock(self, token_hash: bytes) -> RefreshToken | None:
        query = select(tokens_table).where(tokens_table.c.hash == token_hash)
        found = await self._connection.execute(locked(self._connection, query))
        row = found.mappings().one_or_none()
        return None if row is None else token_from_row(row)

    async def mark_used(self, token_hash: bytes, at: datetime) -> None:
        unused = update(tokens_table).where(
            tokens_table.c.hash == token_hash, tokens_table.c.used_at.is_(None)
        )
        if (await self._connection.execute(unused.values(used_at=at))).rowcount != 1:
            raise Contention("refresh token")

    async def sweep(self, at: datetime) -> int:
        expired = delete(tokens_table).where(tokens_table.c.expires_at <= at)
        return (await self._connection.execute(expired)).rowcount


class SqlLockouts:
    """Counted tries by key; the row is made before it is locked, so that new keys wait in line too."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self, key: str) -> Attempts:
        await insert_ignoring(self._connection, lockouts_table, [attempts_to_row(Attempts(key))], ["key"])
        query = select(lockouts_table).where(lockouts_table.c.key == key)
        found = await self._connection.execute(locked(self._connection, query))
        row = found.mappings().one_or_none()
        if row is None:
            # A sweep removed it between the two statements.
            raise Contention("tries")
        return attempts_from_row(row)

    async def save(self, attempts: Attempts) -> None:
        statement = update(lockouts_table).where(lockouts_table.c.key == attempts.key)
        if (await self._connection.execute(statement.values(attempts_to_row(attempts)))).rowcount != 1:
            raise Contention("tries")

    async def clear(self, key: str) -> None:
        # The row stays, for a caller who waits for its lock would find nothing; a sweep takes it.
        statement = update(lockouts_table).where(lockouts_table.c.key == key)
        await self._connection.execute(statement.values(failures=[], locked_until=None, last_at=None))

    async def sweep(self, before: datetime) -> int:
        last_at = lockouts_table.c.last_at
        quiet = delete(lockouts_table).where(or_(last_at.is_(None), last_at <= before))
        return (await self._connection.execute(quiet)).rowcount


class SqlSecondFactors:
    """Second factors by account, with their secrets sealed."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, factor: SecondFactor) -> None:
        if not await insert_ignoring(self._connection, factors_table, [factor_to_row(factor)]):
            raise Contention("second factor")

    async def get(self, account: AccountId) -> SecondFactor | None:
        return await self._one(select(factors_table).where(factors_table.c.account_id == account))

    async def lock(self, account: AccountId) -> SecondFactor | None:
        query = select(factors_table).where(factors_table.c.account_id == account)
        return await self._one(locked(self._connection, query))

    async def save(self, factor: SecondFactor) -> None:
        statement = update(factors_table).where(factors_table.c.account_id == factor.account_id)
        if (await self._connection.execute(statement.values(factor_to_row(factor)))).rowcount != 1:
            raise Contention("second factor")

    async def remove(self, account: AccountId) -> None:
        await self._connection.execute(delete(factors_table).where(factors_table.c.account_id == account))

    async def _one(self, query: Select[Any]) -> SecondFactor | None:
        row = (await self._connection.execute(query)).mappings().one_or_none()
        return None if row is None else factor_from_row(row)


def session_to_row(session: LoginSession) -> dict[str, Any]:
    """Return the row of a session."""
    return {
        "id": session.id,
        "account_id": session.account_id,
        "started_at": session.started_at,
        "last_used_at": session.last_used_at,
        "renew_by": session.renew_by,
        "label": session.label,
        "generation": session.generation,
        "second_factor_at": session.second_factor_at,
        "impersonator": session.impersonator,
        "parent_id": session.parent_id,
        "reason": session.reason,
        "ends_at": session.ends_at,
        "ended_at": session.ended_at,
        "end_reason": None if session.end_reason is None else session.end_reason.value,
        "over_at": session.over_at,
    }


def session_from_row(row: Mapping[Any, Any]) -> LoginSession:
    """Return the session of a row."""
    return LoginSession(
        id=row["id"],
        account_id=row["account_id"],
        started_at=row["started_at"],
        last_used_at=row["last_used_at"],
        renew_by=row["renew_by"],
        label=row["label"],
        generation=row["generation"],
        second_factor_at=row["second_factor_at"],
        impersonator=row["impersonator"],
        parent_id=row["parent_id"],
        reason=row["reason"],
        ends_at=row["ends_at"],
        ended_at=row["ended_at"],
        end_reason=None if row["end_reason"] is None else EndReason(row["end_reason"]),
    )


def token_to_row(token: RefreshToken) -> dict[str, Any]:
    """Return the row of a refresh token."""
    return {
        "hash": token.hash,
        "session_id": token.session_id,
        "generation": token.generation,
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
    }


def token_from_row(row: Mapping[Any, Any]) -> RefreshToken:
    """Return the refresh token of a row."""
    return RefreshToken(
        row["hash"], row["session_id"], row["generation"], row["issued_at"], row["expires_at"], row["used_at"]
    )


def attempts_to_row(attempts: Attempts) -> dict[str, Any]:
    """Return the row of a key's tries."""
    return {
        "key": attempts.key,
        "failures": attempts.failures,
        "locked_until": attempts.locked_until,
        "last_at": max(attempts.failures, default=None),
    }


def attempts_from_row(row: Mapping[Any, Any]) -> Attempts:
    """Return the tries of a row."""
    return Attempts(row["key"], tuple(map(instant_from_text, row["failures"])), row["locked_until"])


def factor_to_row(factor: SecondFactor) -> dict[str, Any]:
    """Return the row of a second factor."""
    return {
        "account_id": factor.account_id,
        "sealed_secret": factor.sealed_secret,
        "created_at": factor.created_at,
        "confirmed_at": factor.confirmed_at,
        "last_step": factor.last_step,
    }


def factor_from_row(row: Mapping[Any, Any]) -> SecondFactor:
    """Return the second factor of a row."""
    return SecondFactor(
        row["account_id"], row["sealed_secret"], row["created_at"], row["confirmed_at"], row["last_step"]
    )


def _conforms(
    connection: AsyncConnection,
) -> tuple[LoginSessions, RefreshTokens, Lockouts, SecondFactors]:
    """Hold every class here to its port; read by the type checker alone."""
    return (
        SqlLoginSessions(connection),
        SqlRefreshTokens(connection),
        SqlLockouts(connection),
        SqlSecondFactors(connection),
    )
