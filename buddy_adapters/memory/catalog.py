"""Titles and producers in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.kernel import Contention, PartnerId, TitleId

TITLES: TableName[TitleId, Title] = TableName("titles")
SHORT_IDS: TableName[tuple[TitleType, str], TitleId] = TableName("title_short_ids")
SLUGS: TableName[tuple[TitleType, str], TitleId] = TableName("title_slugs")
PRODUCERS: TableName[PartnerId, Producer] = TableName("producers")
PRODUCER_SHORT_IDS: TableName[str, PartnerId] = TableName("producer_short_ids")


class MemoryTitles:
    """Titles by id, and by short id and slug in their type."""

    def __init__(self, tables: Tables) -> None:
        self._titles, self._short_ids, self._slugs = tables[TITLES], tables[SHORT_IDS], tables[SLUGS]

    async def add(self, title: Title) -> None:
        if not self._short_ids.add((title.type, title.short_id), title.id):
            raise Contention("short id")
        if not self._slugs.add((title.type, title.slug), title.id):
            raise Contention("slug")
        if not self._titles.add(title.id, title):
            raise Contention("title")

    async def get(self, ids: Sequence[TitleId]) -> dict[TitleId, Title]:
        return self._titles.found(ids)

    async def lock(self, ids: Sequence[TitleId]) -> dict[TitleId, Title]:
        return self._titles.found(ids)

    async def find(self, type: TitleType, short_id: str) -> Title | None:
        title_id = self._short_ids.get((type, short_id))
        return None if title_id is None else self._titles.get(title_id)

    async def named(self, names: Collection[tuple[TitleType, str]]) -> dict[tuple[TitleType, str], Title]:
        ids = {name: title_id for name in names if (title_id := self._short_ids.get(name)) is not None}
        found = self._titles.found(list(ids.values()))
        return {name: found[title_id] for name, title_id in ids.items()}

    async def all(self) -> list[Title]:
        return sorted(self._titles.rows(), key=_shelf)

    async def slugs(self, type: TitleType, prefix: str) -> set[str]:
        return {slug for of_type, slug in self._slugs if of_type is type and slug.startswith(prefix)}


class MemoryProducers:
    """Producers by id and by short id."""

    def __init__(self, tables: Tables) -> None:
        self._producers, self._short_ids = tables[PRODUCERS], tables[PRODUCER_SHORT_IDS]

    async def add(self, producer: Producer) -> None:
        if not self._short_ids.add(producer.short_id, producer.id):
            raise Contention("short id")
        if not self._producers.add(producer.id, producer):
            raise Contention("producer")

    async def get(self, ids: Sequence[PartnerId]) -> dict[PartnerId, Producer]:
        return self._producers.found(ids)

    async def all(self) -> list[Producer]:
        return sorted(self._producers.rows(), key=lambda producer: (producer.name, producer.id))


def _shelf(title: Title) -> tuple[str, str, int, str]:
    """Return what titles are ordered by; what has no parent or no number comes first."""
    return title.type, str(title.parent_id or ""), -1 if title.number is None else title.number, title.name
