"""What a timeline is made of: lots, usages, resets and voids."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import field, frozen
from attrs.validators import optional

from buddy_core.kernel.clock import utc, whole_second
from buddy_core.tokens.errors import BadLot, BadTimeline
from buddy_core.tokens.model import BONUS, DEFAULT_PRIORITY, OpenLot, TokenKind, check_amount
from buddy_core.tokens.rules.timeline.recurring import Recurrence


def _maybe_instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def _maybe_second(value: datetime | None) -> datetime | None:
    return None if value is None else whole_second(value)


def _instant(value: datetime) -> datetime:
    return utc(value)


def _scopes(value: Iterable[str]) -> tuple[str, ...]:
    scopes = tuple(value)
    # One text is a row of letters too, and would fit no lot.
    if isinstance(value, str) or not all(isinstance(scope, str) for scope in scopes):
        raise BadTimeline("scopes are texts in a tuple")
    return scopes


def _positive(_: object, __: Any, value: Any) -> None:
    check_amount(value)


def _count(_: object, __: Any, value: Any) -> None:
    # False and 0.0 equal 0, and are no numbers of tokens.
    if value != 0 or type(value) is not int:
        check_amount(value)


@frozen
class TimelineLot:
    """A lot as a timeline sees it: when it begins and ends, what fills it, and who draws it when.

    `expires_at` is exclusive and truncated to the second; at `ended_at` the lot is
    voided with all that is left. `opening` is what is left at the timeline's
    `since`; None means the whole amount. In a lot that does not live then it is
    nothing, whatever is given.

    Raises:
        BadTokenAmount: an amount is none.
        BadLot: it would expire before it takes effect.
    """

    id: str
    amount: int = field(validator=_positive)
    effective_from: datetime = field(converter=_instant)
    expires_at: datetime | None = field(default=None, converter=_maybe_second)
    ended_at: datetime | None = field(default=None, converter=_maybe_instant)
    kind: TokenKind = BONUS
    priority: int = DEFAULT_PRIORITY
    scopes: tuple[str, ...] = field(default=(), converter=_scopes)
    created_at: datetime | None = field(default=None, converter=_maybe_instant)
    opening: int | None = field(default=None, validator=optional(_count))
    recurrence: Recurrence | None = None
    """When the balance is set back to `amount`."""
    rollover_min: int = field(default=0, validator=_count)
    rollover_max: int = field(default=0, validator=_count)
    """A reset sets the balance to min(max, max(min, balance)); as nothing is said, it forfeits all."""

    def __attrs_post_init__(self) -> None:
        if self.expires_at is not None and self.expires_at <= self.effective_from:
            raise BadLot("it would expire before it takes effect")

    @classmethod
    def of(cls, item: OpenLot) -> TimelineLot:
        """Return a lot of the ledger with what is left of it as its opening."""
        lot = item.lot
        return cls(
            str(lot.id),
            lot.amount,
            lot.effective_from,
            lot.expires_at,
            kind=lot.kind,
            priority=lot.priority,
            scopes=lot.scopes,
            created_at=lot.created_at,
            opening=item.remaining,
        )

    @property
    def gone_at(self) -> datetime | None:
        """The instant from which the lot holds nothing: its expiry or its void, whichever is first."""
        ends = [end for end in (self.expires_at, self.ended_at) if end is not None]
        return min(ends, default=None)

    def is_live(self, at: datetime) -> bool:
        """Tell whether the lot can be drawn at `at`: from its start, up to but not at its end."""
        return self.effective_from <= at and (self.gone_at is None or at < self.gone_at)


@frozen
class Usage:
    """Tokens used at an instant, by lots without scopes or with one of `scopes`.

    `ref` is the caller's own name for it; settlements of overage give it back.
    """

    at: datetime = field(converter=_instant)
    amount: int = field(validator=_count)
    scopes: tuple[str, ...] = field(default=(), converter=_scopes)
    ref: str = ""


@frozen
class Reset:
    """The end of a period: every lot is limited to what it may roll over.

    Overage is charged to what rolled over if `preserve_overage`, else dropped.
    """

    at: datetime = field(converter=_instant)
    preserve_overage: bool = False


@frozen
class Void:
    """Tokens taken back at an instant: `amount` of a lot, or of all lots in the order of drawing.

    Without an amount all that is left is taken.
    """

    at: datetime = field(converter=_instant)
    lot_id: str | None = None
    amount: int | None = field(default=None, validator=optional(_positive))
