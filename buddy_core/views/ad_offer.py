"""What watching an ad pays a viewer now, and how many are left; and the ways to more tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote

from attrs import evolve, frozen

from buddy_core.ads import (
    Reward,
    RewardCounters,
    RewardRule,
    RewardRules,
    Rewards,
    RewardStatus,
    caps_for,
    guest_caps,
)
from buddy_core.views.common import Way
from buddy_core.views.visitor import Visitor

_LOOKED_AT = 200
"""How many of an account's newest rewards are counted; the caps themselves are counted exactly."""


class AdOfferTx(Protocol):
    """What the offer of an ad reads."""

    @property
    def rewards(self) -> Rewards: ...

    @property
    def reward_rules(self) -> RewardRules: ...

    @property
    def reward_counters(self) -> RewardCounters: ...


@frozen
class AdOffer:
    """The rule in force, how many ads still pay today, and the cap that is in the way (or none)."""

    rule: RewardRule
    left_today: int
    reached: str | None
    """`account`, `device`, `ip` or `guest`."""
    resets_at: datetime | None
    """When the cap in the way ends; None if it does not end by itself."""

    def way(self, back_to: str) -> Way:
        """Return the ad as a way to tokens that leads back to a page."""
        url = f"/earn?next={quote(back_to, safe='/')}"
        if self.left_today > 0:
            return Way("watch_ad", url, self.rule.tokens)
        return Way("watch_ad", url, self.rule.tokens, available=False, reason="daily_cap")


async def ad_offer_in(tx: AdOfferTx, visitor: Visitor, at: datetime) -> AdOffer:
    """Return what an ad would pay this viewer on this device, counted by every cap."""
    rule = await tx.reward_rules.in_force(at)
    reached = await tx.reward_counters.peek(caps_for(_asked(visitor, at), rule, at))
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if reached is not None:
        return AdOffer(rule, 0, reached.scope, midnight + timedelta(days=1) if reached.day else None)
    newest = await tx.rewards.of_account(visitor.account_id, _LOOKED_AT)
    paid = [item.settled_at for item in newest if item.status is RewardStatus.PAID and item.settled_at]
    left = rule.account_daily - sum(when >= midnight for when in paid)
    if visitor.is_guest:
        left = await _left_to_guest_in(tx, visitor, rule, left)
    # The counters had room for one more, whatever the list of newest rewards leaves out.
    return AdOffer(rule, max(left, 1), None, None)


def ways_to_tokens(offer: AdOffer, visitor: Visitor, back_to: str) -> tuple[Way, ...]:
    """Return the ways to more tokens, least effort first."""
    ways = [offer.way(back_to)]
    if visitor.is_guest:
        ways.append(Way("sign_in", f"/sign-in?next={quote(back_to, safe='/')}"))
    ways.append(Way("buy_tokens", "/wallet", available=False, reason="coming"))
    return tuple(ways)


async def _left_to_guest_in(tx: AdOfferTx, visitor: Visitor, rule: RewardRule, left: int) -> int:
    """Return how many of `left` ads the guest's life and the device's have room for; codes count too."""
    caps = guest_caps(visitor.account_id, visitor.device_id, rule)
    while left > 1 and await tx.reward_counters.peek(
        [evolve(cap, limit=cap.limit - left + 1) for cap in caps]
    ):
        left -= 1
    return left


def _asked(visitor: Visitor, at: datetime) -> Reward:
    """Return the reward that would be begun now, to ask which caps it counts against."""
    return Reward(
        id="",
        nonce="",
        account_id=visitor.account_id,
        as_guest=visitor.is_guest,
        device_id=visitor.device_id,
        ip_key=visitor.ip_key,
        ad_unit="",
        started_at=at,
        expires_at=at,
    )
