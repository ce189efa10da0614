"""Rewarded ads in SQL: rewards, admitted callbacks, reward rules, and counts that never pass a cap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Select,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring, locked
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import Id, Instant
from buddy_core.ads import (
    AdCallback,
    Cap,
    NoRewardRule,
    PlaceUse,
    Reward,
    RewardRule,
    RewardStatus,
)
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId

_MICROSECOND = timedelta(microseconds=1)

rewards_table = Table(
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
    Index("ix_ads_rewards_device_id_settled_at", "device_id", "settled_at"),
    Index("ix_ads_rewards_ip_key_settled_at", "ip_key", "settled_at"),
)

callbacks_table = Table(
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
    info=APPEND_ONLY,
)

rules_table = Table(
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
    info=APPEND_ONLY,
)

counters_table = Table(
    "ads_counters",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("paid", Integer, nullable=False),
    CheckConstraint("scope IN ('account', 'device', 'ip', 'guest', 'guest_device')", name="scope"),
    CheckConstraint("paid >= 0", name="paid"),
    Index("ix_ads_counters_day_scope_paid", "day", "scope", "paid"),
)


_COUNTER_KEY = (counters_table.c.scope, counters_table.c.subject, counters_table.c.day)


class SqlRewards:
    """Rewards, each nonce once; admitted callbacks, each transaction once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, reward: Reward) -> None:
        if not await insert_ignoring(self._connection, rewards_table, [reward_to_row(reward)]):
            raise Contention("reward")

    async def get(self, reward_id: str) -> Reward | None:
        return await self._one(select(rewards_table).where(rewards_table.c.id == reward_id))

    async def lock_nonce(self, nonce: str) -> Reward | None:
        query = select(rewards_table).where(rewards_table.c.nonce == nonce)
        return await self._one(locked(self._connection, query))

    async def lock(self, reward_id: str) -> Reward | None:
        query = select(rewards_table).where(rewards_table.c.id == reward_id)
        return await self._one(locked(self._connection, query))

    async def settle(self, reward_id: str, status: RewardStatus, at: datetime, note: str) -> None:
        statement = update(rewards_table).where(rewards_table.c.id == reward_id)
        settled = statement.values(status=status.value, settled_at=at, note=note)
        if (await self._connection.execute(settled)).rowcount != 1:
            raise Contention("reward")

    async def held(self) -> list[Reward]:
        query = select(rewards_table).where(rewards_table.c.status == RewardStatus.HELD.value)
        return await self._all(query.order_by(rewards_table.c.started_at, rewards_table.c.id))

    async def of_account(self, account: AccountId, limit: int) -> list[Reward]:
        query = select(rewards_table).where(rewards_table.c.account_id == account)
        newest = query.order_by(rewards_table.c.started_at.desc(), rewards_table.c.id.desc())
        return await self._all(newest.limit(limit))

    async def uses(
        self, scope: str, subjects: Sequence[str], since: datetime, until: datetime
    ) -> list[PlaceUse]:
        if not subjects:
            return []
        place = rewards_table.c.device_id if scope == "device" else rewards_table.c.ip_key
        by = (place, rewards_table.c.account_id, rewards_table.c.status)
        query = select(
            *by, func.count().label("rewards"), func.max(rewards_table.c.id).label("last_id")
        ).where(place.in_(subjects), rewards_table.c.settled_at >= since, rewards_table.c.settled_at < until)
        return [
            PlaceUse(row[0], AccountId(row[1]), RewardStatus(row[2]), row[3], row[4])
            for row in await self._connection.execute(query.group_by(*by))
        ]

    async def reward_of_callback(self, network: str, transaction_id: str) -> str | None:
        query = select(callbacks_table.c.reward_id).where(
            callbacks_table.c.network == network, callbacks_table.c.transaction_id == transaction_id
        )
        return (await self._connection.execute(query)).scalar_one_or_none()

    async def add_callback(self, callback: AdCallback, reward_id: str, at: datetime) -> None:
        if not await insert_ignoring(
            self._connection, callbacks_table, [callback_to_row(callback, reward_id, at)]
        ):
            raise Contention("ad callback")

    async def _one(self, query: Select[Any]) -> Reward | None:
        row = (await self._connection.execute(query)).mappings().one_or_none()
        return None if row is None else reward_from_row(row)

    async def _all(self, query: Select[Any]) -> list[Reward]:
        return [reward_from_row(row) for row in (await self._connection.execute(query)).mappings()]


class SqlRewardRules:
    """Versions of the reward rule, each number once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def in_force(self, at: datetime) -> RewardRule:
        begun = select(rules_table).where(rules_table.c.effective_from <= at)
        found = await self._connection.execute(begun.order_by(rules_table.c.version.desc()).limit(1))
        row = found.mappings().one_or_none()
        if row is None:
            raise NoRewardRule
        return rule_from_row(row)

    async def newest(self, limit: int) -> list[RewardRule]:
        query = select(rules_table).order_by(rules_table.c.version.desc()).limit(limit)
        return [rule_from_row(row) for row in (await self._connection.execute(query)).mappings()]

    async def add(self, rule: RewardRule) -> None:
        if not await insert_ignoring(self._connection, rules_table, [rule_to_row(rule)]):
            raise Contention("reward rule")


class SqlRewardCounters:
    """Counts of paid ads; those of one reward are locked together before they are looked at."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def take(self, caps: Sequence[Cap], times: int = 1) -> Cap | None:
        reached = _first_reached(caps, await self._locked_counts(caps), times)
        if reached is None:
            statement = update(counters_table).where(_of(caps))
            await self._connection.execute(statement.values(paid=counters_table.c.paid + times))
        return reached

    async def peek(self, caps: Sequence[Cap]) -> Cap | None:
        return _first_reached(caps, await self._counts(_counters(caps)))

    async def carry(self, scope: str, source: str, target: str) -> None:
        columns = counters_table.c
        query = select(columns.day).where(
            columns.scope == scope, columns.subject == source, columns.day != "", columns.paid > 0
        )
        days = (await self._connection.execute(query)).scalars().all()
        if not days:
            return
        paid = await self._locked_counts(
            [Cap(scope, subject, day, 0) for subject in (source, target) for day in days]
        )
        for day in days:
            carried = columns.paid + paid[scope, source, day]
            of_target = _of([Cap(scope, target, day, 0)])
            await self._connection.execute(update(counters_table).where(of_target).values(paid=carried))

    async def most(self, scope: str, day: str, at_least: int, limit: int) -> dict[str, int]:
        columns = counters_table.c
        counted = select(columns.subject, columns.paid).where(
            columns.day == day, columns.scope == scope, columns.paid >= at_least
        )
        ranked = counted.order_by(columns.paid.desc(), columns.subject).limit(limit)
        return {row.subject: row.paid for row in await self._connection.execute(ranked)}

    async def _locked_counts(self, caps: Sequence[Cap]) -> dict[tuple[str, str, str], int]:
        """Return the counts, which nobody else changes until the transaction ends."""
        # Every writer makes, then locks, its rows in one order: nobody waits in a circle.
        new = [_counter_row(cap) for cap in sorted(caps, key=_counter_key)]
        await insert_ignoring(self._connection, counters_table, new, ["scope", "subject", "day"])
        return await self._counts(locked(self._connection, _counters(caps)))

    async def _counts(self, query: Select[Any]) -> dict[tuple[str, str, str], int]:
        found = await self._connection.execute(query)
        return {(row["scope"], row["subject"], row["day"]): row["paid"] for row in found.mappings()}


def _counters(caps: Sequence[Cap]) -> Select[Any]:
    return select(counters_table).where(_of(caps)).order_by(*_COUNTER_KEY)


def _of(caps: Sequence[Cap]) -> ColumnElement[bool]:
    wanted: ColumnElement[bool] = tuple_(*_COUNTER_KEY).in_([_counter_key(cap) for cap in caps])
    return wanted


def _counter_key(cap: Cap) -> tuple[str, str, str]:
    return cap.scope, cap.subject, cap.day


def _counter_row(cap: Cap) -> dict[str, Any]:
    return {"scope": cap.scope, "subject": cap.subject, "day": cap.day, "paid": 0}


def _first_reached(
    caps: Sequence[Cap], paid: Mapping[tuple[str, str, str], int], times: int = 1
) -> Cap | None:
    return next((cap for cap in caps if paid.get(_counter_key(cap), 0) + times > cap.limit), None)


def reward_to_row(reward: Reward) -> dict[str, Any]:
    """Return the row of a reward."""
    return {
        "id": reward.id,
        "nonce": reward.nonce,
        "account_id": reward.account_id,
        "as_guest": reward.as_guest,
        "device_id": reward.device_id,
        "ip_key": reward.ip_key,
        "ad_unit": reward.ad_unit,
        "started_at": reward.started_at,
        "expires_at": reward.expires_at,
        "status": reward.status.value,
        "settled_at": reward.settled_at,
        "note": reward.note,
    }


def reward_from_row(row: Mapping[Any, Any]) -> Reward:
    """Return the reward of a row."""
    return Reward(
        id=row["id"],
        nonce=row["nonce"],
        account_id=row["account_id"],
        as_guest=row["as_guest"],
        device_id=row["device_id"],
        ip_key=row["ip_key"],
        ad_unit=row["ad_unit"],
        started_at=row["started_at"],
        expires_at=row["expires_at"],
        status=RewardStatus(row["status"]),
        settled_at=row["settled_at"],
        note=row["note"],
    )


def callback_to_row(callback: AdCallback, reward_id: str, at: datetime) -> dict[str, Any]:
    """Return the row of a callback that was admitted for a reward at `at`."""
    return {
        "network": callback.network,
        "transaction_id": callback.transaction_id,
        "ad_unit": callback.ad_unit,
        "nonce": callback.nonce,
        "shown_at": callback.at,
        "reward_id": reward_id,
        "admitted_at": at,
    }


def rule_to_row(rule: RewardRule) -> dict[str, Any]:
    """Return the row of a rule; durations are whole microseconds."""
    return {
        "version": rule.version,
        "effective_from": rule.effective_from,
        "tokens": rule.tokens,
        "token_kind": rule.token_kind,
        "tokens_live_for_us": rule.tokens_live_for // _MICROSECOND,
        "account_daily": rule.account_daily,
        "device_daily": rule.device_daily,
        "ip_daily": rule.ip_daily,
        "guest_life": rule.guest_life,
        "nonce_lives_for_us": rule.nonce_lives_for // _MICROSECOND,
    }


def rule_from_row(row: Mapping[Any, Any]) -> RewardRule:
    """Return the rule of a row."""
    return RewardRule(
        version=row["version"],
        effective_from=row["effective_from"],
        tokens=row["tokens"],
        token_kind=row["token_kind"],
        tokens_live_for=row["tokens_live_for_us"] * _MICROSECOND,
        account_daily=row["account_daily"],
        device_daily=row["device_daily"],
        ip_daily=row["ip_daily"],
        guest_life=row["guest_life"],
        nonce_lives_for=row["nonce_lives_for_us"] * _MICROSECOND,
    )
