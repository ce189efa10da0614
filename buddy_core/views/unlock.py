"""The unlock sheet: what you have, what it costs, what is left, and the ways there."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from buddy_core.views.common import Denial, TitleType, Way

Notice = Literal["price_changed", "not_enough", "try_again"]


@frozen
class UnlockSheet:
    """An offer to unlock one title for tokens.

    `cost` and `rule_version` are sent back with the form: the unlock is refused
    when either has changed since. `idempotency_key` is minted by the host, one a
    sheet. `short_by` is the number of tokens missing, 0 when it can be paid;
    `left_after` is None when it cannot. `ways` are ordered by effort.
    """

    short_id: str
    slug: str
    type: TitleType
    title: str
    cost: int
    rule_version: str
    idempotency_key: str
    have_bonus: int
    have_paid: int
    left_after: int | None
    short_by: int = 0
    uses_bonus: int = 0
    uses_paid: int = 0
    poster_url: str | None = None
    series_title: str | None = None
    episode_number: int | None = None
    ways: tuple[Way, ...] = ()
    denial: Denial | None = None
    notice: Notice | None = None
    old_cost: int | None = None
