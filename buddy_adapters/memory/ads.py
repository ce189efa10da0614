"""Rewarded ads in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.ads import AdCallback, Cap, NoRewardRule, PlaceUse, Reward, RewardRule, RewardStatus
from buddy_core.kernel import AccountId, Contention

RULES: TableName[int, RewardRule] = TableName("reward_rules")
REWARDS: TableName[str, Reward] = TableName("rewards")
NONCES: TableName[str, str] = TableName("reward_nonces")
CALLBACKS: TableName[tuple[str, str], tuple[AdCallback, str, datetime]] = TableName("ad_callbacks")
COUNTS: TableName[tuple[str, str, str], int] = TableName("reward_counts")


class MemoryRewardRules:
    """Versions of the reward rule by number."""

    def __init__(self, tables: Tables) -> None:
        self._rules = tables[RULES]

    async def in_force(self, at: datetime) -> RewardRule:
        live = [rule for rule in self._rules.rows() if rule.effective_from <= at]
        if not live:
            raise NoRewardRule
        return max(live, key=lambda rule: rule.version)

    async def newest(self, limit: int) -> list[RewardRule]:
        return sorted(self._rules.rows(), key=lambda rule: rule.version, reverse=True)[:limit]

    async def add(self, rule: RewardRule) -> None:
        if not self._rules.add(rule.version, rule):
            raise Contention("reward rule")


class MemoryRewards:
    """Rewards by id and nonce, and admitted callbacks by network and transaction."""

    def __init__(self, tables: Tables) -> None:
        self._rewards, self._nonces, self._callbacks = tables[REWARDS], tables[NONCES], tables[CALLBACKS]

    async def add(self, reward: Reward) -> None:
        if not self._nonces.add(reward.nonce, reward.id) or not self._rewards.add(reward.id, reward):
            raise Contention("reward")

    async def get(self, reward_id: str) -> Reward | None:
        return self._rewards.get(reward_id)

    async def lock_nonce(self, nonce: str) -> Reward | None:
        reward_id = self._nonces.get(nonce)
        return None if reward_id is None else self._rewards.get(reward_id)

    async def lock(self, reward_id: str) -> Reward | None:
        return self._rewards.get(reward_id)

    async def settle(self, reward_id: str, status: RewardStatus, at: datetime, note: str) -> None:
        reward = self._rewards.get(reward_id)
        if reward is None:
            raise Contention("reward")
        self._rewards.put(reward_id, evolve(reward, status=status, settled_at=at, note=note))

    async def held(self) -> list[Reward]:
        held = [reward for reward in self._rewards.rows() if reward.status is RewardStatus.HELD]
        return sorted(held, key=_age)

    async def of_account(self, account: AccountId, limit: int) -> list[Reward]:
        mine = [reward for reward in self._rewards.rows() if reward.account_id == account]
        return sorted(mine, key=_age, reverse=True)[:limit]

    async def uses(
        self, scope: str, subjects: Sequence[str], since: datetime, until: datetime
    ) -> list[PlaceUse]:
        found: dict[tuple[str, AccountId, RewardStatus], list[Reward]] = {}
        for reward in self._rewards.rows():
            subject = _place(reward, scope)
            if subject in subjects and reward.settled_at is not None and since <= reward.settled_at < until:
                found.setdefault((subject, reward.account_id, reward.status), []).append(reward)
        return [PlaceUse(*key, len(mine), max(item.id for item in mine)) for key, mine in found.items()]

    async def reward_of_callback(self, network: str, transaction_id: str) -> str | None:
        found = self._callbacks.get((network, transaction_id))
        return found[1] if found else None

    async def add_callback(self, callback: AdCallback, reward_id: str, at: datetime) -> None:
        key = (callback.network, callback.transaction_id)
        if not self._callbacks.add(key, (callback, reward_id, at)):
            raise Contention("ad transaction")


class MemoryRewardCounters:
    """Counts by scope, subject and day."""

    def __init__(self, tables: Tables) -> None:
        self._counts = tables[COUNTS]

    async def take(self, caps: Sequence[Cap], times: int = 1) -> Cap | None:
        reached = next((cap for cap in caps if self._count(cap) + times > cap.limit), None)
        if reached is None:
            for cap in caps:
                self._counts.put(_key(cap), self._count(cap) + times)
        return reached

    async def peek(self, caps: Sequence[Cap]) -> Cap | None:
        return next((cap for cap in caps if self._count(cap) >= cap.limit), None)

    async def carry(self, scope: str, source: str, target: str) -> None:
        for where, subject, day in list(self._counts):
            if (where, subject) == (scope, source) and day:
                added = self._counts.get((where, subject, day)) or 0
                before = self._counts.get((where, target, day)) or 0
                self._counts.put((where, target, day), before + added)

    async def most(self, scope: str, day: str, at_least: int, limit: int) -> dict[str, int]:
        counted = [
            (-(self._counts.get(key) or 0), key[1])
            for key in self._counts
            if (key[0], key[2]) == (scope, day) and (self._counts.get(key) or 0) >= at_least
        ]
        return {subject: -paid for paid, subject in sorted(counted)[:limit]}

    def _count(self, cap: Cap) -> int:
        return self._counts.get(_key(cap)) or 0


def _place(reward: Reward, scope: str) -> str:
    return reward.device_id if scope == "device" else reward.ip_key


def _key(cap: Cap) -> tuple[str, str, str]:
    return cap.scope, cap.subject, cap.day


def _age(reward: Reward) -> tuple[datetime, str]:
    return reward.started_at, reward.id
