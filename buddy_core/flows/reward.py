"""A rewarded ad from its start to the tokens it pays, or the reason it does not."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from attrs import evolve, frozen

from buddy_core.access import (
    AccessTx,
    Actor,
    Change,
    OwnAccount,
    Resource,
    afresh_in,
    check_reason,
    record_in,
    require,
)
from buddy_core.accounts import Account, AccountType, resolve_in
from buddy_core.ads import (
    AdCallback,
    AdsTx,
    CallbackRefused,
    Reward,
    RewardCapReached,
    RewardNotFound,
    RewardNotHeld,
    RewardRule,
    RewardStatus,
    TooManyOpen,
    admit,
    caps_for,
)
from buddy_core.flows.lock_wallet import LockWalletTx, lock_wallet_in
from buddy_core.flows.sources import AD_REWARD
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, DeviceId, IdSource
from buddy_core.kernel.outcomes import unwrap
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import EarnTokens, TokenKind, WalletFrozen, earn_in, own_key

_LOOKED_AT_PER_CAP = 4
"""How many rewards are looked at for each that a day pays: paid and expired ones lie among the open."""


class RewardTx(AdsTx, LockWalletTx, AccessTx, Protocol):
    """What rewards need of a transaction."""


@frozen
class BeginReward:
    """A viewer wants to watch an ad for tokens, on this device, from this address."""

    account_id: AccountId
    device_id: DeviceId
    ip_key: str
    ad_unit: str


async def begin_reward(
    actor: Actor, command: BeginReward, *, uow: UnitOfWork[RewardTx], clock: Clock, ids: IdSource
) -> Reward:
    """Open a reward and give out its nonce: all that the ad network is told.

    Raises:
        NotPermitted: it is not the actor's own wallet, or the actor only looks as its owner.
        RewardCapReached: no more ads pay here for now.
        TooManyOpen: as many ads as a day pays were begun and have not ended.
        WalletFrozen: a frozen wallet earns nothing.
    """
    require(actor, "reward:earn", Resource(account_id=command.account_id))

    async def work(tx: RewardTx) -> Reward:
        # Two at once stand in line here, so that the second counts what the first has begun.
        account = await _locked_account_in(tx, command.account_id)
        at = clock.now()
        rule = await tx.reward_rules.in_force(at)
        if (await tx.wallets.load([account.id]))[account.id].is_frozen:
            raise WalletFrozen(account.id)
        reward = Reward(
            id=ids.opaque("rwd"),
            nonce=ids.opaque("non"),
            account_id=account.id,
            as_guest=account.type is AccountType.GUEST,
            device_id=command.device_id,
            ip_key=command.ip_key,
            ad_unit=command.ad_unit,
            started_at=at,
            expires_at=at + rule.nonce_lives_for,
        )
        reached = await tx.reward_counters.peek(caps_for(reward, rule, at))
        if reached is not None:
            raise RewardCapReached(reached.scope, reached.limit)
        await _check_open_in(tx, reward, rule, at)
        await tx.rewards.add(reward)
        return reward

    return await retried(uow, work)


async def settle_reward(
    callback: AdCallback, *, uow: UnitOfWork[RewardTx], clock: Clock, ids: IdSource
) -> Reward:
    """Admit a proven callback and pay by our own rule; a repeat answers what became of the first.

    A cap reached meanwhile or a frozen wallet is recorded, not raised: the callback was good.

    Raises:
        CallbackRefused: it belongs to no open reward.
    """
    return await retried(uow, lambda tx: _settle_in(tx, callback, clock.now(), ids))


async def find_reward(reward_id: str, account_id: AccountId, *, uow: UnitOfWork[RewardTx]) -> Reward:
    """Return an account's own reward.

    Raises:
        RewardNotFound: there is none, or it is another account's.
    """
    async with uow.read() as tx:
        reward = await tx.rewards.get(reward_id)
        if reward is None:
            raise RewardNotFound(reward_id)
        owner, asker = await resolve_in(tx, reward.account_id), await resolve_in(tx, account_id)
        if owner.id != asker.id:
            raise RewardNotFound(reward_id)
        return reward


async def decide_held_reward(
    actor: Actor,
    reward_id: str,
    *,
    release: bool,
    reason: str,
    correlation_id: str,
    uow: UnitOfWork[RewardTx],
    clock: Clock,
    ids: IdSource,
) -> Reward:
    """Pay or refuse what was held for a frozen wallet, with a reason, on the record.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not.
        OwnAccount: nobody decides about their own reward.
        RewardNotFound, RewardNotHeld: there is nothing to decide.
        WalletFrozen: unfreeze the wallet before releasing.
        RewardCapReached: today's cap is reached; release it tomorrow.
        ReasonMissing: say why.
    """
    require(actor, "reward:release")
    reason = check_reason(reason)

    async def work(tx: RewardTx) -> Reward:
        at = clock.now()
        reward = await tx.rewards.lock(reward_id)
        if reward is None:
            raise RewardNotFound(reward_id)
        require(await afresh_in(tx, actor), "reward:release")
        if actor.account_id == await lock_wallet_in(tx, reward.account_id):
            raise OwnAccount
        if reward.status is not RewardStatus.HELD:
            raise RewardNotHeld(reward.status)
        settled = evolve(
            reward,
            status=RewardStatus.PAID if release else RewardStatus.REFUSED,
            settled_at=at,
            note=reason,
        )
        if release:
            owned = await _owned_in(tx, reward)
            rule = await tx.reward_rules.in_force(at)
            reached = await tx.reward_counters.take(caps_for(owned, rule, at))
            if reached is not None:
                raise RewardCapReached(reached.scope, reached.limit)
            await _pay_in(tx, owned, rule, at, ids)
        await _store_in(tx, settled, at)
        action = "reward.release" if release else "reward.refuse"
        change = Change(action, reward_id, reward.status, [settled.status, reason], correlation_id)
        await record_in(tx, actor, change, at)
        return settled

    return await retried(uow, work)


async def _locked_account_in(tx: RewardTx, account_id: AccountId) -> Account:
    """Lock the account, or the member it went to, and return it.

    Raises:
        AccountNotFound: there is no such account.
        Contention: a merge came first; the next try finds the member.
    """
    owner = (await resolve_in(tx, account_id)).id
    await tx.accounts.lock([owner])
    account = await resolve_in(tx, account_id)
    if account.id != owner:
        raise Contention("account")
    return account


async def _check_open_in(tx: RewardTx, reward: Reward, rule: RewardRule, at: datetime) -> None:
    """Refuse one more open reward to an account that has as many as a day may pay."""
    limit = rule.account_daily
    newest = await tx.rewards.of_account(reward.account_id, _LOOKED_AT_PER_CAP * limit)
    still_open = [item for item in newest if item.status is RewardStatus.PENDING and item.expires_at > at]
    if len(still_open) >= limit:
        raise TooManyOpen(limit, min(item.expires_at for item in still_open))


async def _settle_in(tx: RewardTx, callback: AdCallback, at: datetime, ids: IdSource) -> Reward:
    # The lock comes first: of two equal callbacks at once the second then finds what the first came to.
    reward = await tx.rewards.lock_nonce(callback.nonce)
    earlier = await tx.rewards.reward_of_callback(callback.network, callback.transaction_id)
    if earlier is not None:
        if reward is None or reward.id != earlier:
            raise CallbackRefused("its transaction was for another reward")
        return reward
    reward = admit(callback, reward, at)
    await tx.rewards.add_callback(callback, reward.id, at)
    settled = await _outcome_in(tx, reward, at, ids)
    await _store_in(tx, settled, at)
    return settled


async def _outcome_in(tx: RewardTx, reward: Reward, at: datetime, ids: IdSource) -> Reward:
    owned = await _owned_in(tx, reward)
    if (await tx.wallets.load([owned.account_id]))[owned.account_id].is_frozen:
        return evolve(reward, status=RewardStatus.HELD, settled_at=at, note="wallet frozen")
    rule = await tx.reward_rules.in_force(at)
    reached = await tx.reward_counters.take(caps_for(owned, rule, at))
    if reached is not None:
        return evolve(reward, status=RewardStatus.CAPPED, settled_at=at, note=reached.scope)
    await _pay_in(tx, owned, rule, at, ids)
    return evolve(reward, status=RewardStatus.PAID, settled_at=at)


async def _owned_in(tx: RewardTx, reward: Reward) -> Reward:
    """Lock the wallet that is paid, and return the reward as its owner's.

    A guest who has registered meanwhile is paid as the member they are: it counts
    against the member's caps, and the tokens are no guest's.
    """
    owner = await lock_wallet_in(tx, reward.account_id)
    return evolve(reward, account_id=owner, as_guest=reward.as_guest and owner == reward.account_id)


async def _pay_in(tx: RewardTx, reward: Reward, rule: RewardRule, at: datetime, ids: IdSource) -> None:
    command = EarnTokens(
        account_id=reward.account_id,
        kind=TokenKind(rule.token_kind),
        amount=rule.tokens,
        source=AD_REWARD,
        source_ref=reward.id,
        idempotency_key=own_key(AD_REWARD, reward.id),
        expires_at=at + rule.tokens_live_for,
        earned_as_guest=reward.as_guest,
        rule_version=rule.version,
    )
    unwrap((await earn_in(tx, [command], at, ids))[0])


async def _store_in(tx: RewardTx, reward: Reward, at: datetime) -> None:
    await tx.rewards.settle(reward.id, reward.status, at, reward.note)
