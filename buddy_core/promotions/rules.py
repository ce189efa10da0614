"""What a code is, which promotion may be, and who may claim it when."""

from __future__ import annotations

import re
from datetime import datetime

from attrs import evolve

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import BuddyError
from buddy_core.promotions.commands import AddPromotion
from buddy_core.promotions.data import HORIZON, MOST_CLAIMS, MOST_DAYS, MOST_TOKENS
from buddy_core.promotions.errors import (
    AlreadyClaimed,
    BadCode,
    BadPromotion,
    DeviceClaimed,
    NotBegun,
    NotForGuests,
    Over,
    UnknownCode,
    UsedUp,
)
from buddy_core.promotions.model import Claimant, Promotion, PromotionState

KIND = "bonus"
"""What promotions give. Paid tokens are sold alone."""
MAX_TYPED = 100
"""The longest text that is looked at as a code."""
_CODE = re.compile(r"[A-Z0-9]{4,32}", re.ASCII)
_BETWEEN = re.compile(r"[\s-]+")


def fold_code(text: str) -> str:
    """Return a code as it is compared: upper case, without blanks and hyphens.

    Raises:
        BadCode: what is left is not 4 to 32 letters A-Z and digits.
    """
    folded = _BETWEEN.sub("", text[: MAX_TYPED + 1]).upper() if text.isascii() else ""
    if len(text) > MAX_TYPED or _CODE.fullmatch(folded) is None:
        raise BadCode("has 4 to 32 letters A-Z and digits")
    return folded


def plan(command: AddPromotion, by: str, at: datetime) -> Promotion:
    """Return the first version of a new promotion.

    Raises:
        BadCode: the code is none.
        BadPromotion: a number is out of range, or it would end before it begins, or in more than a year.
    """
    at = utc(at)
    _check_number("tokens", command.tokens, MOST_TOKENS)
    _check_number("days", command.days, MOST_DAYS)
    _check_number("limit", command.limit, MOST_CLAIMS)
    starts_at = at if command.starts_at is None else max(command.starts_at, at)
    if command.ends_at <= starts_at:
        raise BadPromotion("ends_at", f"later than the start, {starts_at:%d %b %Y %H:%M} UTC")
    if command.ends_at > at + HORIZON:
        raise BadPromotion("ends_at", f"within a year, by {at + HORIZON:%d %b %Y %H:%M} UTC")
    return Promotion(
        code=fold_code(command.code),
        version=1,
        token_kind=KIND,
        tokens=command.tokens,
        days=command.days,
        starts_at=starts_at,
        ends_at=command.ends_at,
        limit=command.limit,
        for_guests=command.for_guests,
        recorded_at=at,
        recorded_by=by,
        reason=command.reason,
    )


def end(promotion: Promotion, by: str, reason: str, at: datetime) -> Promotion:
    """Return the version that ends a promotion now, or before it begins.

    Raises:
        Over: it has ended already.
    """
    at = utc(at)
    if at >= promotion.ends_at:
        raise Over(promotion.ends_at)
    return evolve(
        promotion,
        version=promotion.version + 1,
        # One that has not begun never does.
        ends_at=max(at, promotion.starts_at),
        recorded_at=at,
        recorded_by=by,
        reason=reason,
    )


def claim(promotion: Promotion | None, claimed: int, claimant: Claimant, at: datetime) -> int:
    """Return the number of this claim, if there may be one after so many were `claimed`.

    A guest, who is a stranger, hears of a code that brings nothing now what they hear of one
    that there is not: guessing tells nobody what was, or will be.

    Raises:
        UnknownCode: there is no such code, or a stranger asks for one that brings nothing now.
        AlreadyClaimed, DeviceClaimed: it works once.
        NotBegun, Over, UsedUp: it brings nothing now.
        NotForGuests: it is for members.
    """
    if promotion is None:
        raise UnknownCode
    if claimant.has_claimed:
        raise AlreadyClaimed
    refusal = _refusal(promotion, claimed, utc(at))
    if refusal is not None:
        raise UnknownCode if claimant.is_guest else refusal
    if claimant.is_guest and not promotion.for_guests:
        raise NotForGuests
    if claimant.is_guest and claimant.device_has_claimed:
        raise DeviceClaimed
    return claimed + 1


def state_of(promotion: Promotion, claimed: int, at: datetime) -> PromotionState:
    """Return how a promotion stands at an instant."""
    refusal = _refusal(promotion, claimed, utc(at))
    if refusal is None:
        return PromotionState.RUNNING
    return _STATES[type(refusal)]


def _refusal(promotion: Promotion, claimed: int, at: datetime) -> BuddyError | None:
    if at >= promotion.ends_at:
        return Over(promotion.ends_at)
    if at < promotion.starts_at:
        return NotBegun(promotion.starts_at)
    if claimed >= promotion.limit:
        return UsedUp(promotion.limit)
    return None


_STATES: dict[type[BuddyError], PromotionState] = {
    Over: PromotionState.OVER,
    NotBegun: PromotionState.COMING,
    UsedUp: PromotionState.USED_UP,
}


def _check_number(name: str, number: object, most: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
        raise BadPromotion(name, f"a whole number from 1 to {most}")
