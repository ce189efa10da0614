"""Licences in SQL; the share is two columns, so that it stays exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import CanonicalJson, Id, Instant
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.kernel.ids import PartnerId, TitleId
from buddy_core.rights import Licence

licences_table = Table(
    "rights_licences",
    metadata,
    Column("id", Id, primary_key=True),
    Column("title_id", Id, nullable=False, index=True),
    Column("partner_id", Id, nullable=False, index=True),
    Column("share_numerator", BigInteger, nullable=False),
    Column("share_denominator", BigInteger, nullable=False),
    Column("territories", CanonicalJson, nullable=False),
    Column("excluded", CanonicalJson, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    CheckConstraint(
        "share_denominator > 0 AND share_numerator BETWEEN 0 AND share_denominator", name="share"
    ),
    CheckConstraint("ends_at > starts_at", name="ends_at"),
    info=APPEND_ONLY,
)


class SqlLicences:
    """Licences by title and by partner."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of_titles(self, titles: Sequence[TitleId]) -> list[Licence]:
        return await self._load(select(licences_table).where(licences_table.c.title_id.in_(titles)))

    async def of_partner(self, partner: PartnerId) -> list[Licence]:
        return await self._load(select(licences_table).where(licences_table.c.partner_id == partner))

    async def add(self, licence: Licence) -> None:
        if not await insert_ignoring(self._connection, licences_table, [licence_to_row(licence)]):
            raise Contention("licence")

    async def _load(self, query: Select[Any]) -> list[Licence]:
        found = await self._connection.execute(query.order_by(licences_table.c.id))
        return [licence_from_row(row) for row in found.mappings()]


def licence_to_row(licence: Licence) -> dict[str, Any]:
    """Return the row of a licence."""
    return {
        "id": licence.id,
        "title_id": licence.title_id,
        "partner_id": licence.partner_id,
        "share_numerator": licence.share.numerator,
        "share_denominator": licence.share.denominator,
        "territories": licence.territories,
        "excluded": licence.excluded,
        "starts_at": licence.starts_at,
        "ends_at": licence.ends_at,
    }


def licence_from_row(row: Mapping[Any, Any]) -> Licence:
    """Return the licence of a row.

    Raises:
        InvalidValue: the share is not in lowest terms, so it is not what was written.
    """
    share = Fraction(row["share_numerator"], row["share_denominator"])
    if share.denominator != row["share_denominator"]:
        raise InvalidValue("share", f"of licence {row['id']} is not in lowest terms")
    return Licence(
        id=row["id"],
        title_id=row["title_id"],
        partner_id=row["partner_id"],
        share=share,
        territories=tuple(row["territories"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        excluded=tuple(row["excluded"]),
    )
