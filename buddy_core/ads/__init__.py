"""Rewarded ads and what they pay; inventory and targeting will live here."""

from buddy_core.ads.errors import (
    CallbackRefused,
    NoRewardRule,
    RewardCapReached,
    RewardNotFound,
    RewardNotHeld,
    TooManyOpen,
)
from buddy_core.ads.model import AdCallback, Cap, Reward, RewardRule, RewardStatus
from buddy_core.ads.ports import AdsTx, RewardCounters, RewardRules, Rewards
from buddy_core.ads.rules import account_cap, admit, caps_for

__all__ = [
    "AdCallback",
    "AdsTx",
    "CallbackRefused",
    "Cap",
    "NoRewardRule",
    "Reward",
    "RewardCapReached",
    "RewardCounters",
    "RewardNotFound",
    "RewardNotHeld",
    "RewardRule",
    "RewardRules",
    "RewardStatus",
    "Rewards",
    "TooManyOpen",
    "account_cap",
    "admit",
    "caps_for",
]
