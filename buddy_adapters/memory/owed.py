"""What takedowns left owed, and grants by title, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from buddy_adapters.memory.entitlements import GRANTS
from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.entitlements import Grant
from buddy_core.kernel.ids import GrantId, TakedownId, TitleId
from buddy_core.rights import Owed

OWED: TableName[GrantId, Owed] = TableName("rights_owed")


class MemoryOwedRows:
    """Rows by origin."""

    def __init__(self, tables: Tables) -> None:
        self._owed = tables[OWED]

    async def add(self, rows: Sequence[Owed]) -> int:
        return sum(self._owed.add(row.origin_id, row) for row in rows)

    async def known(self, origins: Sequence[GrantId]) -> set[GrantId]:
        return set(self._owed.found(origins))

    async def of_takedown(self, takedown: TakedownId, *, after: GrantId | None, limit: int) -> list[Owed]:
        mine = [row for row in self._owed.rows() if row.takedown_id == takedown]
        later = [row for row in mine if after is None or row.origin_id > after]
        return sorted(later, key=lambda row: row.origin_id)[:limit]


class MemoryTitleGrants:
    """Grants by what they are of."""

    def __init__(self, tables: Tables) -> None:
        self._grants = tables[GRANTS]

    async def of_titles(self, titles: Sequence[TitleId], *, after: GrantId | None, limit: int) -> list[Grant]:
        mine = [grant for grant in self._grants.rows() if grant.title_id in titles]
        later = [grant for grant in mine if after is None or grant.id > after]
        return sorted(later, key=lambda grant: grant.id)[:limit]
