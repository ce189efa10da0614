"""Fills the earn page: one ad, where it stands, and what the viewer wanted the tokens for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, Protocol

from attrs import frozen

from buddy_core import ads
from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.ads import Reward, RewardNotFound
from buddy_core.catalog import Title
from buddy_core.flows import MayWatchTx, may_watch_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import Wallets, balance
from buddy_core.views.ad_offer import AdOffer, AdOfferTx, ad_offer_in
from buddy_core.views.addresses import unlock_url
from buddy_core.views.earn import EarnPage, RewardState, RewardStatus, WantedTitle
from buddy_core.views.visitor import Visitor

AdSaid = Literal["done", "no_fill", "failed"]
"""What the ad told the page it runs in; it changes what is shown, and never what is paid."""

USUAL_AD = timedelta(seconds=10)
"""About how long an ad runs: only from then on does the viewer wait for the network."""

_SETTLED: Mapping[ads.RewardStatus, RewardState] = {
    ads.RewardStatus.PAID: "paid",
    ads.RewardStatus.CAPPED: "capped",
    ads.RewardStatus.HELD: "held",
    ads.RewardStatus.REFUSED: "refused",
}


class EarnPageTx(MayWatchTx, AdOfferTx, AccountsTx, Protocol):
    """What the earn page reads."""

    @property
    def wallets(self) -> Wallets: ...


@frozen
class Asked:
    """What the page is asked to show besides the offer.

    `reward_id` is the ad that was begun, `ad_said` what it told the page, `ad_url`
    where it runs; `wanted` is the title the viewer came from.
    """

    reward_id: str | None = None
    ad_said: AdSaid | None = None
    ad_url: str | None = None
    wanted: Title | None = None
    next_url: str | None = None


async def earn_page(visitor: Visitor, asked: Asked, *, uow: UnitOfWork[EarnPageTx], clock: Clock) -> EarnPage:
    """Return the earn page.

    Raises:
        RewardNotFound: the ad named is not the viewer's.
    """
    at = clock.now()
    async with uow.read() as tx:
        offer = await ad_offer_in(tx, visitor, at)
        wallet = (await tx.wallets.load([visitor.account_id]))[visitor.account_id]
        reward = await _own_in(tx, visitor, asked.reward_id) if asked.reward_id else None
        titles = [asked.wanted] if asked.wanted else []
        answers = await may_watch_in(tx, visitor.account_id, titles, visitor.context, at)
    tokens = sum(balance(wallet, at).values())
    costs = [(item.title, item.offer.tokens) for item in answers if item.offer is not None]
    wanted = [
        WantedTitle(title.name, cost, max(0, cost - tokens), unlock_url(title)) for title, cost in costs
    ]
    return EarnPage(
        status=_status(offer, reward, asked, tokens, wallet.is_frozen, at),
        left_today=offer.left_today,
        daily_cap=offer.rule.account_daily,
        bonus_days=offer.rule.tokens_live_for.days,
        next_url=asked.next_url,
        wanted=wanted[0] if wanted else None,
    )


async def _own_in(tx: EarnPageTx, visitor: Visitor, reward_id: str) -> Reward:
    reward = await tx.rewards.get(reward_id)
    # What a guest began is the member's after a merge.
    if reward is None or (await resolve_in(tx, reward.account_id)).id != visitor.account_id:
        raise RewardNotFound(reward_id)
    return reward


def _status(
    offer: AdOffer, reward: Reward | None, asked: Asked, tokens: int, is_frozen: bool, at: datetime
) -> RewardStatus:
    pays = offer.rule.tokens
    if reward is None:
        state: RewardState = "frozen" if is_frozen else "capped" if offer.left_today == 0 else "ready"
        return RewardStatus(state, pays, tokens, resets_at=offer.resets_at, reason=offer.reached)
    waiting = at - reward.started_at - USUAL_AD
    return RewardStatus(
        state=_state(reward, asked.ad_said, at),
        tokens=pays,
        balance=tokens,
        reward_id=reward.id,
        ad_url=asked.ad_url,
        resets_at=offer.resets_at,
        waiting_s=max(0, waiting // timedelta(seconds=1)),
        reason=reward.note or offer.reached,
    )


def _state(reward: Reward, said: AdSaid | None, at: datetime) -> RewardState:
    if reward.status in _SETTLED:
        return _SETTLED[reward.status]
    if said == "done":
        return "pending"
    if said is not None:
        return said
    return "playing" if at < reward.expires_at else "failed"
