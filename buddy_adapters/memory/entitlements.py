"""Grants in memory."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.entitlements import (
    TOKEN_UNLOCK,
    Grant,
    GrantChange,
    GrantRecords,
    GrantStatus,
    GrantUse,
    UseKind,
)
from buddy_core.kernel import AccountId, Contention, GrantId, TitleId

GRANTS: TableName[GrantId, Grant] = TableName("grants")
CHANGES: TableName[GrantId, GrantChange] = TableName("grant_changes")
OF_ACCOUNT: TableName[AccountId, tuple[GrantId, ...]] = TableName("grants_of_account")
USES: TableName[tuple[GrantId, UseKind], GrantUse] = TableName("grant_uses")
ACTIVE_UNLOCKS: TableName[tuple[AccountId, TitleId | None], GrantId] = TableName("active_unlocks")


class MemoryGrants:
    """Grants by account, with the one active token unlock that an account may have of a title."""

    def __init__(self, tables: Tables) -> None:
        self._grants, self._changes = tables[GRANTS], tables[CHANGES]
        self._of_account, self._unlocks = tables[OF_ACCOUNT], tables[ACTIVE_UNLOCKS]
        self._uses = tables[USES]

    async def of_account(self, account: AccountId, titles: Sequence[TitleId] | None = None) -> list[Grant]:
        mine = self._grants.found(self._of_account.get(account) or ()).values()
        wanted = [grant for grant in mine if titles is None or grant.title_id in titles]
        return sorted(wanted, key=lambda grant: (grant.granted_at, grant.id))

    async def of_accounts(self, accounts: Sequence[AccountId], titles: Sequence[TitleId]) -> list[Grant]:
        found = [
            grant
            for account in set(accounts)
            for grant in await self.of_account(account)
            if grant.title_id is None or grant.title_id in titles
        ]
        return sorted(found, key=lambda grant: (grant.granted_at, grant.id))

    async def add(self, grants: Sequence[Grant]) -> None:
        for grant in grants:
            key = (grant.account_id, grant.title_id)
            if _is_active_unlock(grant) and not self._unlocks.add(key, grant.id):
                raise Contention("unlock")
            if not self._grants.add(grant.id, grant):
                raise Contention("grant")
            mine = self._of_account.get(grant.account_id) or ()
            self._of_account.put(grant.account_id, (*mine, grant.id))

    async def change(self, changes: Sequence[GrantChange]) -> None:
        for change in changes:
            before = self._grants.get(change.grant_id)
            # A grant changes once.
            if before is None or before.status is not GrantStatus.ACTIVE:
                raise Contention("grant")
            after = evolve(before, status=change.status)
            if _is_active_unlock(before) and not _is_active_unlock(after):
                self._unlocks.drop((before.account_id, before.title_id))
            self._grants.put(after.id, after)
            self._changes.put(after.id, change)

    async def changes_of(self, grants: Sequence[GrantId]) -> list[GrantChange]:
        return list(self._changes.found(grants).values())

    async def uses(self, origins: Sequence[GrantId]) -> list[GrantUse]:
        keys = [(origin, kind) for origin in origins for kind in UseKind]
        return list(self._uses.found(keys).values())

    async def use(self, use: GrantUse) -> bool:
        return self._uses.add((use.origin_id, use.kind), use)


class MemoryGrantBooks:
    """Grants and their changes as they lie here."""

    def __init__(self, tables: Tables) -> None:
        self._grants, self._changes, self._uses = tables[GRANTS], tables[CHANGES], tables[USES]

    async def all(self) -> GrantRecords:
        grants = sorted(self._grants.rows(), key=lambda grant: grant.id)
        changes = list(self._changes.found(grant.id for grant in grants).values())
        uses = sorted(self._uses.rows(), key=lambda use: (use.origin_id, use.kind))
        return GrantRecords(grants, changes, uses)


def _is_active_unlock(grant: Grant) -> bool:
    return grant.kind == TOKEN_UNLOCK and grant.status is GrantStatus.ACTIVE
