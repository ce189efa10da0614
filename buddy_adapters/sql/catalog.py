"""Titles and producers in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import among, insert_ignoring, is_postgresql, locked
from buddy_adapters.sql.direct import direct_on, text_of
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import CanonicalJson, Id, Instant, json_from_text
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import PartnerId, TitleId

producers_table = Table(
    "catalog_producers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("short_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("short_id"),
)

titles_table = Table(
    "catalog_titles",
    metadata,
    Column("id", Id, primary_key=True),
    Column("short_id", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("synopsis", Text, nullable=False),
    Column("producer_id", Id, nullable=False),
    Column("maturity", Text, nullable=False),
    Column("languages", CanonicalJson, nullable=False),
    Column("year", Integer, nullable=False),
    Column("duration_s", Integer, nullable=False),
    Column("published_at", Instant),
    Column("media_key", Text),
    Column("art_key", Text),
    Column("parent_id", Id),
    Column("number", Integer),
    UniqueConstraint("type", "short_id", name="uq_titles_type_short_id"),
    UniqueConstraint("type", "slug", name="uq_titles_type_slug"),
    CheckConstraint("type IN ('film', 'short', 'series', 'episode')", name="type"),
    CheckConstraint("duration_s >= 0", name="duration_s"),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("parent_id <> id", name="parent_id"),
    CheckConstraint("type <> 'series' OR media_key IS NULL", name="series_has_no_media"),
)


_BY_ID = f"{text_of(select(titles_table))} WHERE id = ANY($1::uuid[])"
"""Read before every play: see `direct`."""


class SqlTitles:
    """Titles, each short id and each slug once in its type."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._direct = direct_on(connection)

    async def add(self, title: Title) -> None:
        if not await insert_ignoring(self._connection, titles_table, [title_to_row(title)]):
            raise Contention("title")

    async def get(self, ids: Sequence[TitleId]) -> dict[TitleId, Title]:
        if is_postgresql(self._connection):
            rows = await self._direct.mapped(titles_table, _BY_ID, list(ids))
            read = ({**row, "languages": json_from_text(row["languages"])} for row in rows)
            return {row["id"]: title_from_row(row) for row in read}
        found = await self._connection.execute(select(titles_table).where(titles_table.c.id.in_(ids)))
        return {row["id"]: title_from_row(row) for row in found.mappings()}

    async def lock(self, ids: Sequence[TitleId]) -> dict[TitleId, Title]:
        query = select(titles_table).where(titles_table.c.id.in_(ids)).order_by(titles_table.c.id)
        found = await self._connection.execute(locked(self._connection, query))
        return {row["id"]: title_from_row(row) for row in found.mappings()}

    async def find(self, type: TitleType, short_id: str) -> Title | None:
        query = select(titles_table).where(
            titles_table.c.type == type.value, titles_table.c.short_id == short_id
        )
        row = (await self._connection.execute(query)).mappings().one_or_none()
        return None if row is None else title_from_row(row)

    async def named(self, names: Collection[tuple[TitleType, str]]) -> dict[tuple[TitleType, str], Title]:
        types = {type.value for type, _ in names}
        short_ids = {short_id for _, short_id in names}
        query = select(titles_table).where(
            titles_table.c.type.in_(sorted(types)),
            among(self._connection, titles_table.c.short_id, sorted(short_ids)),
        )
        titles = [title_from_row(row) for row in (await self._connection.execute(query)).mappings()]
        # A short id of one type may be another title's in another.
        wanted = frozenset(names)
        return {name: title for title in titles if (name := (title.type, title.short_id)) in wanted}

    async def all(self) -> list[Title]:
        found = await self._connection.execute(select(titles_table))
        # Sorted here, because databases put letters in the order of their own locale.
        return sorted((title_from_row(row) for row in found.mappings()), key=_in_order)

    async def slugs(self, type: TitleType, prefix: str) -> set[str]:
        # No LIKE: SQLite's ignores case.
        begins = func.substr(titles_table.c.slug, 1, len(prefix)) == prefix
        found = await self._connection.execute(
            select(titles_table.c.slug).where(titles_table.c.type == type.value, begins)
        )
        return set(found.scalars())


class SqlProducers:
    """Producers, each short id once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, producer: Producer) -> None:
        if not await insert_ignoring(self._connection, producers_table, [producer_to_row(producer)]):
            raise Contention("producer")

    async def get(self, ids: Sequence[PartnerId]) -> dict[PartnerId, Producer]:
        found = await self._connection.execute(select(producers_table).where(producers_table.c.id.in_(ids)))
        return {row["id"]: producer_from_row(row) for row in found.mappings()}

    async def all(self) -> list[Producer]:
        found = await self._connection.execute(select(producers_table))
        return sorted(
            (producer_from_row(row) for row in found.mappings()), key=lambda item: (item.name, item.id)
        )


def _in_order(title: Title) -> tuple[str, str, int, str, TitleId]:
    return (title.type.value, str(title.parent_id or ""), title.number or 0, title.name, title.id)


def title_to_row(title: Title) -> dict[str, Any]:
    """Return the row of a title."""
    return {
        "id": title.id,
        "short_id": title.short_id,
        "slug": title.slug,
        "type": title.type.value,
        "name": title.name,
        "synopsis": title.synopsis,
        "producer_id": title.producer_id,
        "maturity": title.maturity,
        "languages": title.languages,
        "year": title.year,
        "duration_s": title.duration_s,
        "published_at": title.published_at,
        "media_key": title.media_key,
        "art_key": title.art_key,
        "parent_id": title.parent_id,
        "number": title.number,
    }


def title_from_row(row: Mapping[Any, Any]) -> Title:
    """Return the title of a row."""
    return Title(
        id=row["id"],
        short_id=row["short_id"],
        slug=row["slug"],
        type=TitleType(row["type"]),
        name=row["name"],
        synopsis=row["synopsis"],
        producer_id=row["producer_id"],
        maturity=row["maturity"],
        languages=tuple(row["languages"]),
        year=row["year"],
        duration_s=row["duration_s"],
        published_at=row["published_at"],
        media_key=row["media_key"],
        art_key=row["art_key"],
        parent_id=row["parent_id"],
        number=row["number"],
    )


def producer_to_row(producer: Producer) -> dict[str, Any]:
    """Return the row of a producer."""
    return {"id": producer.id, "short_id": producer.short_id, "name": producer.name}


def producer_from_row(row: Mapping[Any, Any]) -> Producer:
    """Return the producer of a row."""
    return Producer(row["id"], row["short_id"], row["name"])
