"""Promotions: codes that bring bonus tokens, so many in all and once an account."""

from buddy_core.promotions.commands import AddPromotion, ClaimPromotion, EndPromotion
from buddy_core.promotions.data import HORIZON, MOST_CLAIMS, MOST_DAYS, MOST_TOKENS
from buddy_core.promotions.errors import (
    AlreadyClaimed,
    BadCode,
    BadPromotion,
    CodeTaken,
    DeviceClaimed,
    GuestCapReached,
    NotBegun,
    NotForGuests,
    Over,
    UnknownCode,
    UsedUp,
)
from buddy_core.promotions.model import Claim, Claimant, Earned, Promotion, PromotionState
from buddy_core.promotions.ports import PromotionBooks, PromotionClaims, Promotions, PromotionsTx
from buddy_core.promotions.proof import check_promotions
from buddy_core.promotions.rules import KIND, claim, end, fold_code, plan, state_of

__all__ = [
    "HORIZON",
    "KIND",
    "MOST_CLAIMS",
    "MOST_DAYS",
    "MOST_TOKENS",
    "AddPromotion",
    "AlreadyClaimed",
    "BadCode",
    "BadPromotion",
    "Claim",
    "ClaimPromotion",
    "Claimant",
    "CodeTaken",
    "DeviceClaimed",
    "Earned",
    "EndPromotion",
    "GuestCapReached",
    "NotBegun",
    "NotForGuests",
    "Over",
    "Promotion",
    "PromotionBooks",
    "PromotionClaims",
    "PromotionState",
    "Promotions",
    "PromotionsTx",
    "UnknownCode",
    "UsedUp",
    "check_promotions",
    "claim",
    "end",
    "fold_code",
    "plan",
    "state_of",
]
