"""Short ids in SQL: the key and counter of each type, and who holds which id."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
   
    Table,
    Text,
    UniqueConstraint,
)

from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import Id, Instant
from buddy_core.shortids import MAX_LENGTH, MIN_LENGTH, capacity

_CAPACITIES = " ".join(f"WHEN {length} THEN {capacity(length)}" for length in range(MIN_LENGTH, MAX_LENGTH + 1))

spaces = Table(
    "shortid_spaces",
    metadata,
    Column("type", Text, primary_key=True),
    # Key and counter belong together: a backup of one without the other would repeat ids.
    Column("key", LargeBinary, nullable=False),
    Column("length", Integer, nullable=False),
    Column("counter", BigInteger, nullable=False),
    CheckConstraint("length(key) = 32", name="key"),
    CheckConstraint(f"length BETWEEN {MIN_LENGTH} AND {MAX_LENGTH}", name="length"),
    CheckConstraint(f"counter BETWEEN 0 AND CASE length {_CAPACITIES} END", name="counter"),
)

shortids = Table(
    "shortids",
    metadata,
    Column("type", Text, primary_key=True),
    Column("folded", Text, primary_key=True),
    Column("short_id", Text, nullable=False),
    Column("target", Id, nullable=False),
    Column("origin", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("counter", BigInteger),
    Column("published_at", Instant),
    UniqueConstraint("target"),
    CheckConstraint(f"length(short_id) BETWEEN {MIN_LENGTH} AND {MAX_LENGTH}", name="short_id"),
    CheckConstraint(
        "folded = replace(replace(replace(short_id, 'o', '0'), 'l', '1'), 'i', '1')", name="folded"
    ),
    CheckConstraint("origin IN ('generated', 'manual')", name="origin"),
    CheckConstraint("(origin = 'generated') = (counter IS NOT NULL)", name="counter_of_generated"),
    CheckConstraint("counter >= 0", name="counter"),
)
