"""Rewarded ads in SQL: rewards, admitted callbacks, reward rules, and counts that never pass a cap."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
   
    Table,
    Text,
    UniqueConstraint,
)

from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import Id, Instant

rewards = Table(
    "ads_rewards",
    metadata,
    Column("id", Text, primary_key=True),
    Column("nonce", Text, nullable=False),
    Column("account_id", Id, nullable=False),
    Column("as_guest", Boolean, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("ip_key", Text, nullable=False),
    Column("ad_unit", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("settled_at", Instant),
    Column("note", Text, nullable=False),
    UniqueConstraint("nonce"),
    CheckConstraint("status IN ('pending', 'paid', 'capped', 'held', 'refused')", name="status"),
    CheckConstraint("(status = 'pending') = (settled_at IS NULL)", name="settled_at"),
    CheckConstraint("expires_at > started_at", name="expires_at"),
    Index("ix_ads_rewards_account_id_started_at", "account_id", "started_at"),
    Index("ix_ads_rewards_status_started_at", "status", "started_at"),
)

callbacks = Table(
    "ads_callbacks",
    metadata,
    Column("network", Text, primary_key=True),
    Column("transaction_id", Text, primary_key=True),
    Column("ad_unit", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("shown_at", Instant, nullable=False),
    Column("reward_id", Text, ForeignKey("ads_rewards.id"), nullable=False),
    Column("admitted_at", Instant, nullable=False),
    # One reward is paid for one callback.
    UniqueConstraint("reward_id"),
    info={"append_only": True},
)

reward_rules = Table(
    "ads_reward_rules",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("effective_from", Instant, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("token_kind", Text, nullable=False),
    Column("tokens_live_for_us", BigInteger, nullable=False),
    Column("account_daily", Integer, nullable=False),
    Column("device_daily", Integer, nullable=False),
    Column("ip_daily", Integer, nullable=False),
    Column("guest_life", Integer, nullable=False),
    Column("nonce_lives_for_us", BigInteger, nullable=False),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("tokens >= 1", name="tokens"),
    CheckConstraint(
        "account_daily >= 0 AND device_daily >= 0 AND ip_daily >= 0 AND guest_life >= 0", name="caps"
    ),
    CheckConstraint("tokens_live_for_us > 0 AND nonce_lives_for_us > 0", name="lives_for"),
)

counters = Table(
    "ads_counters",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("paid", Integer, nullable=False),
    CheckConstraint("scope IN ('account', 'device', 'ip', 'guest')", name="scope"),
    CheckConstraint("paid >= 0", name="paid"),
)
