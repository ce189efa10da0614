"""Versions of the token costs in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Integer, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_rows, integrity_as
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import CanonicalJson, Instant
from buddy_core.kernel.errors import Contention, NotFound
from buddy_core.kernel.ids import TitleId
from buddy_core.pricing import TokenCosts

token_costs = Table(
    "token_costs",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("effective_from", Instant, nullable=False),
    Column("by_type", CanonicalJson, nullable=False),
    Column("by_title", CanonicalJson, nullable=False),
    CheckConstraint("version >= 1", name="version"),
)
