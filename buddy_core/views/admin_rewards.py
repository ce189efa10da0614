"""Held rewards: callbacks that came while a wallet was frozen, to release or refuse."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import attrs
from attrs import frozen

from buddy_core.access import Actor, AuditTx, Change, record_in, require
from buddy_core.accounts import AccountsTx, fold_email, resolve_in
from buddy_core.ads import AdsTx
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import NotFound
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import Wallets
from buddy_core.views.admin_names import name_of


class AdminRewardsTx(AdsTx, AccountsTx, AuditTx, Protocol):
    """What the page of held rewards reads."""

    @property
    def wallets(self) -> Wallets: ...


@attrs.define
class WalletOwnerNotFound(NotFound):
    """No account has this e-mail address, and no reward this id."""

    code = "views.wallet_owner_not_found"

    def message(self) -> str:
        return "No account has this e-mail address, and no reward this id. Check what you typed."


@frozen
class HeldReward:
    """One proven callback that has not been paid; `wallet_frozen` blocks its release."""

    reward_id: str
    account: str
    tokens: int
    earned_at: datetime
    reason: str
    wallet_frozen: bool
    idempotency_key: str


@frozen
class AdminRewards:
    """The queue, oldest first. Forms post `decision` (`release`, `refuse`) and `reason`.

    `done` is what was just done: `release`, `refuse`, `freeze` or `unfreeze`;
    `problem` says in words what did not work; `owner`, `reason` and, for a held
    reward, `reward_id` are what was typed, so that nothing is typed twice.
    """

    rewards: tuple[HeldReward, ...]
    done: str | None = None
    problem: str | None = None
    wallet_key: str = ""
    owner: str = ""
    reason: str = ""
    reward_id: str = ""


async def held_rewards(
    actor: Actor, *, correlation_id: str, uow: UnitOfWork[AdminRewardsTx], clock: Clock
) -> tuple[HeldReward, ...]:
    """Return the rewards that wait for a decision, oldest first; that somebody looked is recorded.

    Raises:
        NotPermitted: the actor may not see held rewards.
    """
    require(actor, "reward:read")

    async def work(tx: AdminRewardsTx) -> tuple[HeldReward, ...]:
        rule = await tx.reward_rules.in_force(clock.now())
        found = []
        for reward in await tx.rewards.held():
            account = await resolve_in(tx, reward.account_id)
            wallet = (await tx.wallets.load([account.id]))[account.id]
            found.append(
                HeldReward(
                    reward_id=reward.id,
                    account=name_of(account),
                    tokens=rule.tokens,
                    earned_at=reward.settled_at or reward.started_at,
                    reason=f"Held: {reward.note}.",
                    wallet_frozen=wallet.is_frozen,
                    idempotency_key=reward.id,
                )
            )
        if found:
            ids = [item.reward_id for item in found]
            await record_in(
                tx, actor, Change("reward.list", "rewards", None, ids, correlation_id), clock.now()
            )
        return tuple(found)

    return await retried(uow, work)


async def wallet_owner(
    actor: Actor, named_by: str, *, correlation_id: str, uow: UnitOfWork[AdminRewardsTx], clock: Clock
) -> AccountId:
    """Return whose wallet staff mean: the account with an e-mail address, or the one of a reward.

    That somebody looked is recorded, found or not.

    Raises:
        NotPermitted: the actor may not act on wallets.
        WalletOwnerNotFound: nobody is named so.
        BadEmail: the text is neither an address nor the id of a reward.
    """
    require(actor, "wallet:freeze")
    text = named_by.strip()
    email = None if text.startswith("rwd_") else fold_email(text)

    async def work(tx: AdminRewardsTx) -> AccountId | None:
        found: AccountId | None = None
        if email is not None:
            member = await tx.accounts.by_email(email)
            found = member[0].id if member else None
        else:
            reward = await tx.rewards.get(text)
            found = (await resolve_in(tx, reward.account_id)).id if reward else None
        after = {"accounts": [found] if found else [], "by_address": email is not None}
        await record_in(
            tx, actor, Change("user.search", "accounts", None, after, correlation_id), clock.now()
        )
        return found

    owner = await retried(uow, work)
    if owner is None:
        raise WalletOwnerNotFound
    return owner
