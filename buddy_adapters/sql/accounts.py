"""Accounts and credentials in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import any_of, insert_ignoring, insert_rows, integrity_as, locked
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import Id, Instant
from buddy_core.accounts import Account, AccountType, Credential, EmailTaken
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId

accounts_table = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("type", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("email", Text),
    Column("merged_into", Id, ForeignKey("accounts.id")),
    Column("merged_at", Instant),
    UniqueConstraint("email"),
    CheckConstraint("type IN ('guest', 'registered')", name="type"),
    CheckConstraint("type <> 'guest' OR email IS NULL", name="guest_has_no_email"),
    CheckConstraint("merged_into IS NULL OR (type = 'guest' AND merged_into <> id)", name="guest_merges"),
    CheckConstraint("(merged_into IS NULL) = (merged_at IS NULL)", name="merged_at"),
    Index("ix_accounts_merged_into", "merged_into"),
)

credentials_table = Table(
    "account_credentials",
    metadata,
    Column("account_id", Id, ForeignKey("accounts.id"), primary_key=True),
    Column("password_hash", Text, nullable=False),
    CheckConstraint("length(password_hash) > 0", name="password_hash"),
)


class SqlAccounts:
    """Accounts, each address once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, account: Account, credential: Credential | None = None) -> None:
        if not await insert_ignoring(self._connection, accounts_table, [account_to_row(account)]):
            raise EmailTaken if await self._has(account.email) else Contention("account")
        if credential is not None:
            await insert_rows(self._connection, credentials_table, [credential_to_row(credential)])

    async def get(self, account: AccountId) -> Account | None:
        found = await self._connection.execute(select(accounts_table).where(accounts_table.c.id == account))
        row = found.mappings().one_or_none()
        return None if row is None else account_from_row(row)

    async def get_all(self, accounts: Collection[AccountId]) -> dict[AccountId, Account]:
        query = select(accounts_table).where(any_of(self._connection, accounts_table.c.id, accounts))
        found = await self._connection.execute(query)
        return {row["id"]: account_from_row(row) for row in found.mappings()}

    async def lock(self, accounts: Sequence[AccountId]) -> dict[AccountId, Account]:
        query = select(accounts_table).where(accounts_table.c.id.in_(accounts)).order_by(accounts_table.c.id)
        found = await self._connection.execute(locked(self._connection, query))
        return {row["id"]: account_from_row(row) for row in found.mappings()}

    async def by_email(self, email: str) -> tuple[Account, Credential] | None:
        query = select(accounts_table, credentials_table.c.account_id, credentials_table.c.password_hash)
        found = await self._connection.execute(
            query.join_from(accounts_table, credentials_table).where(accounts_table.c.email == email)
        )
        row = found.mappings().one_or_none()
        return None if row is None else (account_from_row(row), credential_from_row(row))

    async def search(self, email: str, *, after: AccountId | None, limit: int) -> list[Account]:
        query = select(accounts_table).where(
            accounts_table.c.type == AccountType.REGISTERED.value,
            accounts_table.c.email.startswith(email.casefold(), autoescape=True),
        )
        if after is not None:
            query = query.where(accounts_table.c.id < after)
        query = query.order_by(accounts_table.c.id.desc()).limit(limit)
        return [account_from_row(row) for row in (await self._connection.execute(query)).mappings()]

    async def guests_of(self, member: AccountId) -> list[AccountId]:
        query = select(accounts_table.c.id).where(accounts_table.c.merged_into == member)
        return [
            AccountId(found)
            for found in (await self._connection.execute(query.order_by(accounts_table.c.id))).scalars()
        ]

    async def mark_merged(self, guest: AccountId, member: AccountId, at: datetime) -> None:
        statement = update(accounts_table).where(
            accounts_table.c.id == guest, accounts_table.c.merged_into.is_(None)
        )
        with integrity_as(lambda: Contention("account")):
            done = await self._connection.execute(statement.values(merged_into=member, merged_at=at))
        if done.rowcount != 1:
            raise Contention("account")

    async def _has(self, email: str | None) -> bool:
        if email is None:
            return False
        found = await self._connection.execute(
            select(accounts_table.c.id).where(accounts_table.c.email == email)
        )
        return found.first() is not None


def account_to_row(account: Account) -> dict[str, Any]:
    """Return the row of an account."""
    return {
        "id": account.id,
        "type": account.type.value,
        "created_at": account.created_at,
        "email": account.email,
        "merged_into": account.merged_into,
        "merged_at": account.merged_at,
    }


def account_from_row(row: Mapping[Any, Any]) -> Account:
    """Return the account of a row."""
    return Account(
        id=row["id"],
        type=AccountType(row["type"]),
        created_at=row["created_at"],
        email=row["email"],
        merged_into=row["merged_into"],
        merged_at=row["merged_at"],
    )


def credential_to_row(credential: Credential) -> dict[str, Any]:
    """Return the row of a credential."""
    return {"account_id": credential.account_id, "password_hash": credential.password_hash}


def credential_from_row(row: Mapping[Any, Any]) -> Credential:
    """Return the credential of a row."""
    return Credential(row["account_id"], row["password_hash"])
