"""The first schema: every table of Buddy, and the triggers on those that are only added to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_adapters.sql.types import CanonicalJson, Id, Instant

revision = "0001"
down_revision = None

APPEND_ONLY = (
    "access_audit",
    "ads_callbacks",
    "ads_reward_rules",
    "entitlement_grant_changes",
    "pricing_token_costs",
    "receipts",
    "rights_licences",
    "royalty_periods",
    "royalty_statements",
    "royalty_token_spends",
    "token_entries",
    "token_holds",
    "token_lots",
    "token_postings",
    "token_value_versions",
)


def upgrade() -> None:
    """Create all tables, then make the append-only ones refuse changes."""
    _create_access_assignments()
    _create_access_audit()
    _create_ads_counters()
    _create_ads_reward_rules()
    _create_ads_rewards()
    _create_catalog_producers()
    _create_catalog_titles()
    _create_entitlement_grant_changes()
    _create_entitlement_grants()
    _create_flags()
    _create_outbox()
    _create_playback_positions()
    _create_playback_sessions()
    _create_pricing_token_costs()
    _create_receipts()
    _create_rights_licences()
    _create_royalty_periods()
    _create_royalty_statements()
    _create_royalty_token_spends()
    _create_shortid_spaces()
    _create_shortids()
    _create_token_entries()
    _create_token_holds()
    _create_token_lot_balances()
    _create_token_lots()
    _create_token_postings()
    _create_token_value_versions()
    _create_token_wallets()
    _create_accounts()
    _create_account_credentials()
    _create_ads_callbacks()
    for statement in append_only_statements(op.get_bind().dialect.name, APPEND_ONLY):
        op.execute(statement)


def _create_access_assignments() -> None:
    op.create_table(
        "access_assignments",
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("partner_id", Id(), nullable=True),
        sa.CheckConstraint("length(role) > 0", name=op.f("ck_access_assignments_role")),
    )
    op.create_index(
        "uq_access_assignments_account_id_role",
        "access_assignments",
        ["account_id", "role"],
        unique=True,
        postgresql_where=sa.text("partner_id IS NULL"),
        sqlite_where=sa.text("partner_id IS NULL"),
    )
    op.create_index(
        "uq_access_assignments_account_id_role_partner_id",
        "access_assignments",
        ["account_id", "role", "partner_id"],
        unique=True,
        postgresql_where=sa.text("partner_id IS NOT NULL"),
        sqlite_where=sa.text("partner_id IS NOT NULL"),
    )


def _create_access_audit() -> None:
    op.create_table(
        "access_audit",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_access_audit_hash")),
        sa.CheckConstraint("length(previous_hash) = 32", name=op.f("ck_access_audit_previous_hash")),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_access_audit_sequence")),
        sa.PrimaryKeyConstraint("sequence", name="pk_access_audit"),
        sa.UniqueConstraint("previous_hash", name="uq_access_audit_previous_hash"),
    )


def _create_ads_counters() -> None:
    op.create_table(
        "ads_counters",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("paid", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "scope IN ('account', 'device', 'ip', 'guest')", name=op.f("ck_ads_counters_scope")
        ),
        sa.CheckConstraint("paid >= 0", name=op.f("ck_ads_counters_paid")),
        sa.PrimaryKeyConstraint("scope", "subject", "day", name="pk_ads_counters"),
    )


def _create_ads_reward_rules() -> None:
    op.create_table(
        "ads_reward_rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("effective_from", Instant(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("token_kind", sa.Text(), nullable=False),
        sa.Column("tokens_live_for_us", sa.BigInteger(), nullable=False),
        sa.Column("account_daily", sa.Integer(), nullable=False),
        sa.Column("device_daily", sa.Integer(), nullable=False),
        sa.Column("ip_daily", sa.Integer(), nullable=False),
        sa.Column("guest_life", sa.Integer(), nullable=False),
        sa.Column("nonce_lives_for_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "account_daily >= 0 AND device_daily >= 0 AND ip_daily >= 0 AND guest_life >= 0",
            name=op.f("ck_ads_reward_rules_caps"),
        ),
        sa.CheckConstraint("tokens >= 1", name=op.f("ck_ads_reward_rules_tokens")),
        sa.CheckConstraint(
            "tokens_live_for_us > 0 AND nonce_lives_for_us > 0", name=op.f("ck_ads_reward_rules_lives_for")
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_ads_reward_rules_version")),
        sa.PrimaryKeyConstraint("version", name="pk_ads_reward_rules"),
    )


def _create_ads_rewards() -> None:
    op.create_table(
        "ads_rewards",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("as_guest", sa.Boolean(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("ip_key", sa.Text(), nullable=False),
        sa.Column("ad_unit", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(status = 'pending') = (settled_at IS NULL)", name=op.f("ck_ads_rewards_settled_at")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'paid', 'capped', 'held', 'refused')", name=op.f("ck_ads_rewards_status")
        ),
        sa.CheckConstraint("expires_at > started_at", name=op.f("ck_ads_rewards_expires_at")),
        sa.PrimaryKeyConstraint("id", name="pk_ads_rewards"),
        sa.UniqueConstraint("nonce", name="uq_ads_rewards_nonce"),
    )
    op.create_index("ix_ads_rewards_account_id_started_at", "ads_rewards", ["account_id", "started_at"])
    op.create_index("ix_ads_rewards_status_started_at", "ads_rewards", ["status", "started_at"])


def _create_catalog_producers() -> None:
    op.create_table(
        "catalog_producers",
        sa.Column("id", Id(), nullable=False),
        sa.Column("short_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_producers"),
        sa.UniqueConstraint("short_id", name="uq_catalog_producers_short_id"),
    )


def _create_catalog_titles() -> None:
    op.create_table(
        "catalog_titles",
        sa.Column("id", Id(), nullable=False),
        sa.Column("short_id", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("synopsis", sa.Text(), nullable=False),
        sa.Column("producer_id", Id(), nullable=False),
        sa.Column("maturity", sa.Text(), nullable=False),
        sa.Column("languages", CanonicalJson(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("published_at", Instant(), nullable=True),
        sa.Column("media_key", sa.Text(), nullable=True),
        sa.Column("art_key", sa.Text(), nullable=True),
        sa.Column("parent_id", Id(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "type <> 'series' OR media_key IS NULL", name=op.f("ck_catalog_titles_series_has_no_media")
        ),
        sa.CheckConstraint(
            "type IN ('film', 'short', 'series', 'episode')", name=op.f("ck_catalog_titles_type")
        ),
        sa.CheckConstraint("duration_s >= 0", name=op.f("ck_catalog_titles_duration_s")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_catalog_titles_number")),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_catalog_titles_parent_id")),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_titles"),
        sa.UniqueConstraint("type", "short_id", name="uq_titles_type_short_id"),
        sa.UniqueConstraint("type", "slug", name="uq_titles_type_slug"),
    )


def _create_entitlement_grant_changes() -> None:
    op.create_table(
        "entitlement_grant_changes",
        sa.Column("grant_id", Id(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("successor_id", Id(), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'transferred', 'superseded')",
            name=op.f("ck_entitlement_grant_changes_status"),
        ),
        sa.PrimaryKeyConstraint("grant_id", "at", name="pk_entitlement_grant_changes"),
    )


def _create_entitlement_grants() -> None:
    op.create_table(
        "entitlement_grants",
        sa.Column("id", Id(), nullable=False),
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("title_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("granted_at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("entry_id", Id(), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'transferred', 'superseded')", name=op.f("ck_entitlement_grants_status")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_entitlement_grants"),
    )
    op.create_index("ix_entitlement_grants_account", "entitlement_grants", ["account_id", "title_id"])
    op.create_index(
        "uq_entitlement_grants_active_unlock",
        "entitlement_grants",
        ["account_id", "title_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'token_unlock' AND status = 'active'"),
        sqlite_where=sa.text("kind = 'token_unlock' AND status = 'active'"),
    )


def _create_flags() -> None:
    op.create_table(
        "flags",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_flags"),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", Id(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index(
        "ix_outbox_unsent",
        "outbox",
        ["at", "id"],
        postgresql_where=sa.text("sent_at IS NULL"),
        sqlite_where=sa.text("sent_at IS NULL"),
    )


def _create_playback_positions() -> None:
    op.create_table(
        "playback_positions",
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("title_id", Id(), nullable=False),
        sa.Column("position_ms", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("position_ms >= 0", name=op.f("ck_playback_positions_position_ms")),
        sa.PrimaryKeyConstraint("account_id", "title_id", name="pk_playback_positions"),
    )


def _create_playback_sessions() -> None:
    op.create_table(
        "playback_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("title_id", Id(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("grant_id", Id(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("last_beat_at", Instant(), nullable=False),
        sa.Column("is_playing", sa.Boolean(), nullable=False),
        sa.Column("watched_ms", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", Instant(), nullable=True),
        sa.CheckConstraint("ends_at > started_at", name=op.f("ck_playback_sessions_ends_at")),
        sa.CheckConstraint("last_beat_at >= started_at", name=op.f("ck_playback_sessions_last_beat_at")),
        sa.CheckConstraint("stopped_at >= started_at", name=op.f("ck_playback_sessions_stopped_at")),
        sa.CheckConstraint("watched_ms >= 0", name=op.f("ck_playback_sessions_watched_ms")),
        sa.PrimaryKeyConstraint("id", name="pk_playback_sessions"),
    )


def _create_pricing_token_costs() -> None:
    op.create_table(
        "pricing_token_costs",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("effective_from", Instant(), nullable=False),
        sa.Column("by_type", CanonicalJson(), nullable=False),
        sa.Column("by_title", CanonicalJson(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_pricing_token_costs_version")),
        sa.PrimaryKeyConstraint("version", name="pk_pricing_token_costs"),
    )


def _create_receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("length(fingerprint) = 32", name=op.f("ck_receipts_fingerprint")),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_receipts"),
    )


def _create_rights_licences() -> None:
    op.create_table(
        "rights_licences",
        sa.Column("id", Id(), nullable=False),
        sa.Column("title_id", Id(), nullable=False),
        sa.Column("partner_id", Id(), nullable=False),
        sa.Column("share_numerator", sa.BigInteger(), nullable=False),
        sa.Column("share_denominator", sa.BigInteger(), nullable=False),
        sa.Column("territories", CanonicalJson(), nullable=False),
        sa.Column("excluded", CanonicalJson(), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_rights_licences_ends_at")),
        sa.CheckConstraint(
            "share_denominator > 0 AND share_numerator BETWEEN 0 AND share_denominator",
            name=op.f("ck_rights_licences_share"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rights_licences"),
    )
    op.create_index("ix_rights_licences_partner_id", "rights_licences", ["partner_id"])
    op.create_index("ix_rights_licences_title_id", "rights_licences", ["title_id"])


def _create_royalty_periods() -> None:
    op.create_table(
        "royalty_periods",
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "month", name="pk_royalty_periods"),
        sa.UniqueConstraint("entity", "ends_at", name="uq_royalty_periods_entity_ends_at"),
    )


def _create_royalty_statements() -> None:
    op.create_table(
        "royalty_statements",
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "length(previous_hash) = 32 AND length(hash) = 32", name=op.f("ck_royalty_statements_hashes")
        ),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_royalty_statements_sequence")),
        sa.PrimaryKeyConstraint("entity", "sequence", name="pk_royalty_statements"),
        sa.UniqueConstraint(
            "entity", "month", "holder", "currency", name="uq_royalty_statements_entity_month_holder_currency"
        ),
    )
    op.create_index("ix_royalty_statements_holder", "royalty_statements", ["holder"])


def _create_royalty_token_spends() -> None:
    op.create_table(
        "royalty_token_spends",
        sa.Column("entry_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("value_numerator", sa.BigInteger(), nullable=False),
        sa.Column("value_denominator", sa.BigInteger(), nullable=False),
        sa.Column("title_id", Id(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("tokens <> 0", name=op.f("ck_royalty_token_spends_tokens")),
        sa.CheckConstraint("value_denominator >= 1", name=op.f("ck_royalty_token_spends_value_denominator")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_royalty_token_spends_version")),
        sa.PrimaryKeyConstraint("entry_id", "kind", name="pk_royalty_token_spends"),
    )
    op.create_index("ix_royalty_token_spends_period", "royalty_token_spends", ["entity", "at"])


def _create_shortid_spaces() -> None:
    op.create_table(
        "shortid_spaces",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "counter BETWEEN 0 AND CASE length WHEN 4 THEN 923521 WHEN 5 THEN 28629151 WHEN 6 "
            "THEN 887503681 WHEN 7 THEN 27512614111 WHEN 8 THEN 852891037441 END",
            name=op.f("ck_shortid_spaces_counter"),
        ),
        sa.CheckConstraint("length BETWEEN 4 AND 8", name=op.f("ck_shortid_spaces_length")),
        sa.CheckConstraint("length(key) = 32", name=op.f("ck_shortid_spaces_key")),
        sa.PrimaryKeyConstraint("type", name="pk_shortid_spaces"),
    )


def _create_shortids() -> None:
    op.create_table(
        "shortids",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("short_id", sa.Text(), nullable=False),
        sa.Column("target", Id(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=True),
        sa.Column("published_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "(origin = 'generated') = (counter IS NOT NULL)", name=op.f("ck_shortids_counter_of_generated")
        ),
        sa.CheckConstraint(
            "folded = replace(replace(replace(short_id, 'o', '0'), 'l', '1'), 'i', '1')",
            name=op.f("ck_shortids_folded"),
        ),
        sa.CheckConstraint("origin IN ('generated', 'manual')", name=op.f("ck_shortids_origin")),
        sa.CheckConstraint("counter >= 0", name=op.f("ck_shortids_counter")),
        sa.CheckConstraint("length(short_id) BETWEEN 4 AND 8", name=op.f("ck_shortids_short_id")),
        sa.PrimaryKeyConstraint("type", "folded", name="pk_shortids"),
        sa.UniqueConstraint("target", name="uq_shortids_target"),
    )


def _create_token_entries() -> None:
    op.create_table(
        "token_entries",
        sa.Column("id", Id(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("operation", sa.String(length=16), nullable=False),
        sa.Column("effective_at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.BigInteger(), nullable=True),
        sa.Column("corrects", Id(), nullable=True),
        sa.Column("hold_id", Id(), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "operation IN ('earn', 'purchase', 'spend', 'expire', 'refund', 'reverse', "
            "'transfer_out', 'transfer_in', 'adjust', 'hold', 'post', 'void', 'freeze', "
            "'unfreeze')",
            name=op.f("ck_token_entries_operation"),
        ),
        sa.CheckConstraint(
            "length(previous_hash) = 32 AND length(hash) = 32", name=op.f("ck_token_entries_hashes")
        ),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_token_entries_sequence")),
        sa.PrimaryKeyConstraint("id", name="pk_token_entries"),
        sa.UniqueConstraint(
            "account_id", "operation", "idempotency_key", name="uq_token_entries_idempotency"
        ),
        sa.UniqueConstraint("account_id", "sequence", name="uq_token_entries_account_id_sequence"),
    )


def _create_token_holds() -> None:
    op.create_table(
        "token_holds",
        sa.Column("id", Id(), nullable=False),
        sa.Column("entry_id", Id(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.CheckConstraint("amount >= 1 AND amount <= 9007199254740992", name=op.f("ck_token_holds_amount")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_token_holds_position")),
        sa.PrimaryKeyConstraint("id", name="pk_token_holds"),
        sa.UniqueConstraint("entry_id", "position", name="uq_token_holds_entry_id_position"),
    )


def _create_token_lot_balances() -> None:
    op.create_table(
        "token_lot_balances",
        sa.Column("lot_id", Id(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_token_lot_balances_remaining")),
        sa.PrimaryKeyConstraint("lot_id", name="pk_token_lot_balances"),
    )
    op.create_index(
        "ix_token_lot_balances_open",
        "token_lot_balances",
        ["account_id"],
        postgresql_where=sa.text("remaining > 0"),
        sqlite_where=sa.text("remaining > 0"),
    )


def _create_token_lots() -> None:
    op.create_table(
        "token_lots",
        sa.Column("id", Id(), nullable=False),
        sa.Column("entry_id", Id(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("effective_from", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("scopes", CanonicalJson(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("earned_as_guest", sa.Boolean(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("cost_currency", sa.String(length=3), nullable=True),
        sa.CheckConstraint("(cost_minor IS NULL) = (cost_currency IS NULL)", name=op.f("ck_token_lots_cost")),
        sa.CheckConstraint("amount >= 1 AND amount <= 9007199254740992", name=op.f("ck_token_lots_amount")),
        sa.CheckConstraint("expires_at > effective_from", name=op.f("ck_token_lots_expiry")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_token_lots_position")),
        sa.PrimaryKeyConstraint("id", name="pk_token_lots"),
        sa.UniqueConstraint("entry_id", "position", name="uq_token_lots_entry_id_position"),
    )


def _create_token_postings() -> None:
    op.create_table(
        "token_postings",
        sa.Column("entry_id", Id(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("lot_id", Id(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("value_numerator", sa.BigInteger(), nullable=True),
        sa.Column("value_denominator", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("account <> 'wallet' OR lot_id IS NOT NULL", name=op.f("ck_token_postings_lot")),
        sa.CheckConstraint(
            "(currency IS NULL) = (value_numerator IS NULL) AND (currency IS NULL) = "
            "(value_denominator IS NULL)",
            name=op.f("ck_token_postings_value"),
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_token_postings_amount")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_token_postings_position")),
        sa.CheckConstraint("value_denominator >= 1", name=op.f("ck_token_postings_value_denominator")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_token_postings_version")),
        sa.PrimaryKeyConstraint("entry_id", "position", name="pk_token_postings"),
    )


def _create_token_value_versions() -> None:
    op.create_table(
        "token_value_versions",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("effective_from", Instant(), nullable=False),
        sa.Column("values", CanonicalJson(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "length(previous_hash) = 32 AND length(hash) = 32", name=op.f("ck_token_value_versions_hashes")
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_token_value_versions_version")),
        sa.PrimaryKeyConstraint("kind", "version", name="pk_token_value_versions"),
        sa.UniqueConstraint("kind", "effective_from", name="uq_token_value_versions_kind_effective_from"),
    )


def _create_token_wallets() -> None:
    op.create_table(
        "token_wallets",
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("is_frozen", sa.Boolean(), nullable=False),
        sa.CheckConstraint("length(head) = 32", name=op.f("ck_token_wallets_head")),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_token_wallets_sequence")),
        sa.PrimaryKeyConstraint("account_id", name="pk_token_wallets"),
    )


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", Id(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("merged_into", Id(), nullable=True),
        sa.Column("merged_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "merged_into IS NULL OR (type = 'guest' AND merged_into <> id)",
            name=op.f("ck_accounts_guest_merges"),
        ),
        sa.CheckConstraint("type <> 'guest' OR email IS NULL", name=op.f("ck_accounts_guest_has_no_email")),
        sa.CheckConstraint("type IN ('guest', 'registered')", name=op.f("ck_accounts_type")),
        sa.CheckConstraint("(merged_into IS NULL) = (merged_at IS NULL)", name=op.f("ck_accounts_merged_at")),
        sa.ForeignKeyConstraint(["merged_into"], ["accounts.id"], name="fk_accounts_merged_into_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
    )


def _create_account_credentials() -> None:
    op.create_table(
        "account_credentials",
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.CheckConstraint("length(password_hash) > 0", name=op.f("ck_account_credentials_password_hash")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_account_credentials_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_account_credentials"),
    )


def _create_ads_callbacks() -> None:
    op.create_table(
        "ads_callbacks",
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("ad_unit", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("shown_at", Instant(), nullable=False),
        sa.Column("reward_id", sa.Text(), nullable=False),
        sa.Column("admitted_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reward_id"], ["ads_rewards.id"], name="fk_ads_callbacks_reward_id_ads_rewards"
        ),
        sa.PrimaryKeyConstraint("network", "transaction_id", name="pk_ads_callbacks"),
        sa.UniqueConstraint("reward_id", name="uq_ads_callbacks_reward_id"),
    )
