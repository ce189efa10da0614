"""What rewarded ads need from storage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from buddy_core.ads.model import AdCallback, Cap, PlaceUse, Reward, RewardRule, RewardStatus
from buddy_core.kernel.ids import AccountId


class RewardRules(Protocol):
    """Versions of the reward rule; only ever added to."""

    async def in_force(self, at: datetime) -> RewardRule:
        """Return the version in force at `at`.

        Raises:
            NoRewardRule: no version had taken effect yet.
        """
        ...

    async def newest(self, limit: int) -> list[RewardRule]:
        """Return the newest versions, those to come among them, the newest first."""
        ...

    async def add(self, rule: RewardRule) -> None:
        """Append a version.

        Raises:
            Contention: that version number exists already.
        """
        ...


class Rewards(Protocol):
    """Rewards by id and by nonce, and the callbacks that were admitted."""

    async def add(self, reward: Reward) -> None:
        """Store a reward that was begun."""
        ...

    async def get(self, reward_id: str) -> Reward | None:
        """Return a reward, or None."""
        ...

    async def lock_nonce(self, nonce: str) -> Reward | None:
        """Return the reward with this nonce and keep other writers off it."""
        ...

    async def lock(self, reward_id: str) -> Reward | None:
        """Return a reward and keep other writers off it."""
        ...

    async def settle(self, reward_id: str, status: RewardStatus, at: datetime, note: str) -> None:
        """Record what became of a reward."""
        ...

    async def held(self) -> list[Reward]:
        """Return the rewards that wait for staff, oldest first."""
        ...

    async def of_account(self, account: AccountId, limit: int) -> list[Reward]:
        """Return an account's newest rewards."""
        ...

    async def uses(
        self, scope: str, subjects: Sequence[str], since: datetime, until: datetime
    ) -> list[PlaceUse]:
        """Return what was settled on devices or at addresses in a stretch of time, by account and status.

        `scope` is `device` or `ip`; `until` is exclusive.
        """
        ...

    async def reward_of_callback(self, network: str, transaction_id: str) -> str | None:
        """Return the id of the reward that a transaction was admitted for, or None."""
        ...

    async def add_callback(self, callback: AdCallback, reward_id: str, at: datetime) -> None:
        """Store an admitted callback.

        Raises:
            Contention: the transaction was admitted by another request first.
        """
        ...


class RewardCounters(Protocol):
    """Counts of paid ads against caps, exact under concurrency."""

    async def take(self, caps: Sequence[Cap], times: int = 1) -> Cap | None:
        """Add `times` to every count, or nothing to any and return the first cap without room for it."""
        ...

    async def peek(self, caps: Sequence[Cap]) -> Cap | None:
        """Return the first cap that is reached, changing nothing."""
        ...

    async def carry(self, scope: str, source: str, target: str) -> None:
        """Add what `source` was counted on each day to `target`'s count of that day.

        Used when a guest becomes a member. A sum may exceed a limit; the source's counts stay.
        """
        ...

    async def most(self, scope: str, day: str, at_least: int, limit: int) -> dict[str, int]:
        """Return the subjects that were counted so often on a day, at most `limit`, the most first."""
        ...


class AdsTx(Protocol):
    """A transaction that reads and writes rewards."""

    @property
    def rewards(self) -> Rewards: ...

    @property
    def reward_rules(self) -> RewardRules: ...

    @property
    def reward_counters(self) -> RewardCounters: ...
