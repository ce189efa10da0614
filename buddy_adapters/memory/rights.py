"""Licences in memory."""

from __future__ import annotations

from collections.abc import Sequence

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import Contention, LicenceId, PartnerId, TitleId
from buddy_core.rights import Licence

LICENCES: TableName[LicenceId, Licence] = TableName("licences")


class MemoryLicences:
    """Licences by id; looked through, for there are few."""

    def __init__(self, tables: Tables) -> None:
        self._licences = tables[LICENCES]

    async def of_titles(self, titles: Sequence[TitleId]) -> list[Licence]:
        return [licence for licence in self._in_order() if licence.title_id in titles]

    async def of_partner(self, partner: PartnerId) -> list[Licence]:
        return [licence for licence in self._in_order() if licence.partner_id == partner]

    async def add(self, licence: Licence) -> None:
        if not self._licences.add(licence.id, licence):
            raise Contention("licence")

    def _in_order(self) -> list[Licence]:
        return sorted(self._licences.rows(), key=lambda licence: licence.id)
