"""Every title has a book of rights; licences move into it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_adapters.sql.types import CanonicalJson, Id, Instant
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.ids import derived_uuid

revision = "0009"
down_revision = "0008"

_LICENCES = sa.table(
    "rights_licences",
    sa.column("id", Id()),
    sa.column("title_id", Id()),
    sa.column("partner_id", Id()),
    sa.column("share_numerator", sa.BigInteger()),
    sa.column("share_denominator", sa.BigInteger()),
    sa.column("territories", CanonicalJson()),
    sa.column("excluded", CanonicalJson()),
    sa.column("starts_at", Instant()),
    sa.column("ends_at", Instant()),
)


def upgrade() -> None:
    """Write each title's licences as the first revision of its book, with a TVOD window worldwide.

    Tokens unlocked what was licensed; the window keeps it so. A licence owned the whole, as
    far as anybody said: where several held at once, their parts are the same.
    """
    revisions = op.create_table(
        "rights_revisions",
        sa.Column("title_id", Id(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_rights_revisions_revision")),
        sa.PrimaryKeyConstraint("title_id", "revision", name="pk_rights_revisions"),
    )
    partners = op.create_table(
        "rights_partners",
        sa.Column("partner_id", Id(), nullable=False),
        sa.Column("title_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("partner_id", "title_id", name="pk_rights_partners"),
    )
    op.create_index("ix_rights_partners_title_id", "rights_partners", ["title_id"])
    op.create_table(
        "rights_owed",
        sa.Column("takedown_id", Id(), nullable=False),
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("grant_id", Id(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("title_id", Id(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("country", sa.String(2)),
        sa.Column("tokens", sa.Integer()),
        sa.Column("entry_id", Id()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.CheckConstraint("tokens >= 0", name=op.f("ck_rights_owed_tokens")),
        sa.PrimaryKeyConstraint("takedown_id", "origin_id", name="pk_rights_owed"),
    )
    op.create_index("ix_rights_owed_account_id", "rights_owed", ["account_id"])
    bind = op.get_bind()
    rows = bind.execute(sa.select(_LICENCES).order_by(_LICENCES.c.title_id, _LICENCES.c.id)).mappings().all()
    by_title: dict[Any, list[Any]] = {}
    for row in rows:
        by_title.setdefault(row["title_id"], []).append(row)
    if by_title:
        bind.execute(revisions.insert(), [_revision(title, found) for title, found in by_title.items()])
        pairs = {(row["partner_id"], row["title_id"]) for row in rows}
        bind.execute(partners.insert(), [{"partner_id": a, "title_id": b} for a, b in sorted(pairs)])
    op.drop_table("rights_licences")
    kept = ["rights_revisions", "rights_partners", "rights_owed"]
    for statement in append_only_statements(bind.dialect.name, kept):
        op.execute(statement)


def _revision(title: Any, licences: list[Any]) -> dict[str, Any]:
    start = min(row["starts_at"] for row in licences)
    body = {
        "form": 1,
        "title_id": title,
        "revision": 1,
        "recorded_at": start,
        "recorded_by": "system",
        "reason": "moved from the table of licences",
        "licences": [_licence(row, _owners(row, licences)) for row in licences],
        "windows": [_window(title, start)],
        "ratings": [],
        "takedowns": [],
    }
    text = canonical_bytes(body).decode()
    return {"title_id": title, "revision": 1, "recorded_at": start, "body": text}


def _licence(row: Any, owners: int) -> dict[str, Any]:
    return {
        "id": row["id"],
        "partner_id": row["partner_id"],
        "share": [row["share_numerator"], row["share_denominator"]],
        "ownership": [1, owners],
        "territories": _codes(row["territories"], row["excluded"]),
        "starts_at": row["starts_at"],
        "ends_at": row["ends_at"],
        "is_exclusive": False,
        "assets": ["feature", "trailer", "subtitles", "dub", "downloads"],
        "has_tail": True,
    }


def _owners(row: Any, licences: Iterable[Any]) -> int:
    """Count the licences of the same territories and time: they own the title together."""

    def terms(item: Any) -> str:
        return json.dumps(
            [*item["territories"], "-", *item["excluded"], str(item["starts_at"]), str(item["ends_at"])]
        )

    return sum(terms(item) == terms(row) for item in licences)


def _window(title: Any, start: Any) -> dict[str, Any]:
    return {
        "id": derived_uuid("window", title, "tvod"),
        "type": "tvod",
        "territories": _codes(["*"], []),
        "starts_at": start,
        "ends_at": None,
        "tiers": [],
        "is_free": False,
        "sells_tokens": None,
        "free": {"max_height": 720, "ads": True, "downloads": False, "streams": 2},
    }


def _codes(included: Iterable[str], excluded: Iterable[str]) -> dict[str, Any]:
    return {"included": sorted(set(included)), "excluded": sorted(set(excluded))}
