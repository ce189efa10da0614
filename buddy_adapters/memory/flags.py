"""Feature flags in memory."""

from __future__ import annotations

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.flags import DEFAULTS, UnknownFlag

FLAGS: TableName[str, bool] = TableName("flags")


class MemoryFlags:
    """Flags that somebody has set, over the defaults."""

    def __init__(self, tables: Tables) -> None:
        self._flags = tables[FLAGS]

    async def is_on(self, name: str) -> bool:
        return (await self.all())[_known(name)]

    async def set(self, name: str, is_on: bool) -> None:
        self._flags.put(_known(name), is_on)

    async def all(self) -> dict[str, bool]:
        return {**DEFAULTS, **self._flags.found(DEFAULTS)}


def _known(name: str) -> str:
    if name not in DEFAULTS:
        raise UnknownFlag(name)
    return name
