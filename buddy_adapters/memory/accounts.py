"""Accounts in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from attrs import evolve

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.accounts import Account, AccountType, Credential, EmailTaken
from buddy_core.kernel import AccountId, Contention

ACCOUNTS: TableName[AccountId, Account] = TableName("accounts")
CREDENTIALS: TableName[AccountId, Credential] = TableName("credentials")
BY_EMAIL: TableName[str, AccountId] = TableName("accounts_by_email")


class MemoryAccounts:
    """Accounts by id and by e-mail address."""

    def __init__(self, tables: Tables) -> None:
        self._accounts, self._credentials = tables[ACCOUNTS], tables[CREDENTIALS]
        self._by_email = tables[BY_EMAIL]

    async def add(self, account: Account, credential: Credential | None = None) -> None:
        if account.email is not None and not self._by_email.add(account.email, account.id):
            raise EmailTaken
        if not self._accounts.add(account.id, account):
            raise Contention("account")
        if credential is not None:
            self._credentials.put(account.id, credential)

    async def get(self, account: AccountId) -> Account | None:
        return self._accounts.get(account)

    async def get_all(self, accounts: Collection[AccountId]) -> dict[AccountId, Account]:
        return self._accounts.found(accounts)

    async def lock(self, accounts: Sequence[AccountId]) -> dict[AccountId, Account]:
        return self._accounts.found(accounts)

    async def by_email(self, email: str) -> tuple[Account, Credential] | None:
        account_id = self._by_email.get(email)
        if account_id is None:
            return None
        account, credential = self._accounts.get(account_id), self._credentials.get(account_id)
        return None if account is None or credential is None else (account, credential)

    async def search(self, email: str, *, after: AccountId | None, limit: int) -> list[Account]:
        begin = email.casefold()
        found = [
            account
            for account in self._accounts.rows()
            if account.type is AccountType.REGISTERED
            and (account.email or "").startswith(begin)
            and (after is None or account.id < after)
        ]
        return sorted(found, key=lambda account: account.id, reverse=True)[:limit]

    async def guests_of(self, member: AccountId) -> list[AccountId]:
        return sorted(row.id for row in self._accounts.rows() if row.merged_into == member)

    async def mark_merged(self, guest: AccountId, member: AccountId, at: datetime) -> None:
        account = self._accounts.get(guest)
        if account is None or account.merged_into is not None:
            raise Contention("account")
        self._accounts.put(guest, evolve(account, merged_into=member, merged_at=at))
