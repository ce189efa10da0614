"""Books of rights in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import Contention, PartnerId, TitleId
from buddy_core.rights import TitleRights

REVISIONS: TableName[TitleId, tuple[TitleRights, ...]] = TableName("rights_revisions")


class MemoryRightsBooks:
    """The revisions of each title, in order."""

    def __init__(self, tables: Tables) -> None:
        self._revisions = tables[REVISIONS]

    async def of_titles(
        self, titles: Sequence[TitleId], known_at: datetime | None = None
    ) -> dict[TitleId, TitleRights]:
        known = {
            title: [item for item in all_ if known_at is None or item.recorded_at <= known_at]
            for title, all_ in self._revisions.found(titles).items()
        }
        return {title: items[-1] for title, items in known.items() if items}

    async def of_partner(self, partner: PartnerId) -> list[TitleRights]:
        last = [self._revisions.found([title])[title][-1] for title in sorted(self._revisions)]
        return [item for item in last if any(licence.partner_id == partner for licence in item.licences)]

    async def history(self, title: TitleId) -> list[TitleRights]:
        return list(self._revisions.get(title) or ())

    async def append(self, rights: TitleRights) -> None:
        before = self._revisions.get(rights.title_id) or ()
        if rights.revision != len(before) + 1:
            raise Contention("rights")
        self._revisions.put(rights.title_id, (*before, rights))
