"""What rewarded ads need from storage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from buddy_core.ads.model import AdCallback, Cap, Reward, RewardRule, RewardStatus
from buddy_core.kernel.ids import AccountId


class RewardRules(Protocol):
    """Versions of the reward rule; only ever added to."""

    async def in_force(self, at: datetime) -> RewardRule:
        """Return the version in force at `at`.

        Raises:
            NoRewardRule: no version had taken effect yet.
        """
        ...

    async def add(self, rule: RewardRule) -> None:
        """Append a version."""
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

    async def take(self, caps: Sequence[Cap]) -> Cap | None:
        """Add one to every count, or to none and return the first cap that is reached."""
        ...

    async def peek(self, caps: Sequence[Cap]) -> Cap | None:
        """Return the first cap that is reached, changing nothing."""
        ...

    async def carry(self, source: Cap, target: Cap) -> None:
        """Add what `source` has been counted to `target`'s count; used when a guest becomes a member.

        The sum may exceed the target's limit. The source's count stays.
        """
        ...


class AdsTx(Protocol):
    """A transaction that reads and writes rewards."""

    @property
    def rewards(self) -> Rewards: ...

    @property
    def reward_rules(self) -> RewardRules: ...

    @property
    def reward_counters(self) -> RewardCounters: ...
