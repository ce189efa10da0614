"""Books of rights in SQL: a row a revision, its contents one canonical text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import any_of, insert_ignoring, is_postgresql
from buddy_adapters.sql.direct import direct_on
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import Id, Instant
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.kernel.ids import PartnerId, TitleId
from buddy_core.rights import RightsBooks, TitleRights, book_body, book_from_body

revisions_table = Table(
    "rights_revisions",
    metadata,
    Column("title_id", Id, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("recorded_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    CheckConstraint("revision >= 1", name="revision"),
    info=APPEND_ONLY,
)
partners_table = Table(
    "rights_partners",
    metadata,
    # Which titles a partner ever licensed: a licence is never taken out of a book.
    Column("partner_id", Id, primary_key=True),
    Column("title_id", Id, primary_key=True),
    Index("ix_rights_partners_title_id", "title_id"),
    info=APPEND_ONLY,
)


_NEWEST = """
SELECT newest.* FROM unnest($1::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
  SELECT title_id, revision, recorded_at, body FROM rights_revisions WHERE title_id = wanted.id
  ORDER BY revision DESC LIMIT 1) AS newest
"""
"""Read before every play: see `direct`. One look into the key a title, however long its history is."""


class SqlRightsBooks:
    """Every revision of every title's rights."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._direct = direct_on(connection)

    async def of_titles(
        self, titles: Sequence[TitleId], known_at: datetime | None = None
    ) -> dict[TitleId, TitleRights]:
        if not titles:
            return {}
        if known_at is None and is_postgresql(self._connection):
            rows = await self._direct.mapped(revisions_table, _NEWEST, sorted(set(titles)))
            return {book.title_id: book for book in map(rights_from_row, rows)}
        named = any_of(self._connection, revisions_table.c.title_id, sorted(set(titles)))
        last = select(
            revisions_table.c.title_id, func.max(revisions_table.c.revision).label("revision")
        ).where(named)
        if known_at is not None:
            last = last.where(revisions_table.c.recorded_at <= known_at)
        newest = last.group_by(revisions_table.c.title_id).subquery()
        query = select(revisions_table).join(
            newest,
            and_(
                revisions_table.c.title_id == newest.c.title_id,
                revisions_table.c.revision == newest.c.revision,
            ),
        )
        found = await self._connection.execute(query)
        return {book.title_id: book for book in map(rights_from_row, found.mappings())}

    async def of_partner(self, partner: PartnerId) -> list[TitleRights]:
        theirs = select(partners_table.c.title_id).where(partners_table.c.partner_id == partner)
        titles = [TitleId(title) for title in (await self._connection.execute(theirs)).scalars()]
        return [book for _, book in sorted((await self.of_titles(titles)).items())]

    async def history(self, title: TitleId) -> list[TitleRights]:
        query = select(revisions_table).where(revisions_table.c.title_id == title)
        found = await self._connection.execute(query.order_by(revisions_table.c.revision))
        return [rights_from_row(row) for row in found.mappings()]

    async def append(self, rights: TitleRights) -> None:
        if not await insert_ignoring(self._connection, revisions_table, [rights_to_row(rights)]):
            raise Contention("rights")
        rows = list(_partner_rows([rights]))
        if rows:
            await insert_ignoring(self._connection, partners_table, rows)


def _partner_rows(books: Iterable[TitleRights]) -> Iterable[dict[str, Any]]:
    for book in books:
        for partner in sorted({licence.partner_id for licence in book.licences}):
            yield {"partner_id": partner, "title_id": book.title_id}


def rights_to_row(rights: TitleRights) -> dict[str, Any]:
    """Return the row of a revision."""
    return {
        "title_id": rights.title_id,
        "revision": rights.revision,
        "recorded_at": rights.recorded_at,
        "body": book_body(rights).decode(),
    }


def rights_from_row(row: Mapping[Any, Any]) -> TitleRights:
    """Return the revision of a row.

    Raises:
        InvalidValue: the body is not canonical, or not what the other columns say.
    """
    found = _book(row["body"])
    told = (row["title_id"], row["revision"], row["recorded_at"])
    if (found.title_id, found.revision, found.recorded_at) != told:
        raise InvalidValue("rights", f"of title {row['title_id']} are not those of their row")
    return found


@lru_cache(maxsize=4096)
def _book(body: str) -> TitleRights:
    """Read a body; a revision never changes, and most are read many times."""
    return book_from_body(body.encode())


def _conforms(connection: AsyncConnection) -> RightsBooks:
    """Hold the class here to its port; read by the type checker alone."""
    return SqlRightsBooks(connection)
