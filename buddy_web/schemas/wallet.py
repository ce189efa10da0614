"""The wallet, its entries, and rewarded ads."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from buddy_web.schemas.common import Answer, Instant, OpaqueId, TitleType, When
from buddy_web.statement_cursors import LONGEST

_DAY_AND_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt].*")


def _written(value: Any) -> Any:
    # A bare number would be taken for seconds or milliseconds since 1970, whichever fits.
    if isinstance(value, str) and not _DAY_AND_TIME.fullmatch(value):
        raise ValueError("must be written as 2026-11-21T10:00:00Z")
    return value


At = Annotated[When, BeforeValidator(_written)]
"""An instant in an address: a day, a time and an offset."""
Cursor = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]+$", max_length=LONGEST)]


class WalletQuery(BaseModel):
    """Which instant, and what was known of it."""

    at: At | None = Field(
        default=None,
        description="The instant that the balance is for; one to come answers what is left if nothing "
        "happens. Without it `known_at`, or now.",
    )
    known_at: At | None = Field(
        default=None,
        description="Only what was recorded until then counts. Without it all that is known now.",
    )


class ExpiringQuery(BaseModel):
    """How far to look ahead."""

    within_days: int = Field(default=30, ge=1, le=3660)


class EntriesQuery(BaseModel):
    """Where in the history, which is read from its newest end."""

    cursor: Cursor | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int = Field(default=20, ge=1, le=100)


class Lot(Answer):
    """Tokens that came together, from when they can be spent, and when they end."""

    kind: str
    tokens: int
    effective_from: Instant
    expires_at: Instant | None


class Wallet(Answer):
    """What can be spent at an instant. A frozen wallet neither earns nor spends."""

    at: Instant
    known_at: Instant
    is_final: bool = Field(
        description="False while `known_at` is less than 15 minutes ago: what was dated before it may still "
        "be on its way, and asking again may answer more."
    )
    bonus: int
    paid: int
    tokens: dict[str, int] = Field(description="What can be spent, by kind; `bonus` and `paid` among them.")
    held: dict[str, int] = Field(description="What holds set aside, by kind.")
    expired: dict[str, int] = Field(
        description="What cannot be spent any more and no entry has written off: the history still counts it."
    )
    is_frozen: bool = Field(description="Whether it is frozen now, whichever instant is asked about.")
    lots: list[Lot]


class SoonGone(Answer):
    """Tokens of one kind that end at one instant."""

    kind: str
    tokens: int
    expires_at: Instant


class Expiring(Answer):
    """What expires until an instant if nobody spends it, the soonest first."""

    at: Instant
    until: Instant
    expiring: list[SoonGone]


class EntryTitle(Answer):
    """The title that tokens were spent on."""

    type: TitleType
    id: str
    name: str


class EntryLot(Answer):
    """The part of an entry that fell on one lot; `tokens` carries the entry's sign."""

    kind: str
    tokens: int
    created_at: Instant
    effective_from: Instant
    expires_at: Instant | None


class Corrected(Answer):
    """The entry that another one puts right."""

    number: int | None = Field(description="None where it was a guest's, before they joined.")
    reference: str
    operation: str
    at: Instant


class Entry(Answer):
    """One thing that happened to the wallet; `tokens` carries its sign, by kind."""

    number: int = Field(description="Its place in the wallet's history, from 1.")
    at: Instant = Field(description="From when it counts.")
    recorded_at: Instant
    operation: str
    tokens: dict[str, int]
    held: dict[str, int] = Field(description="What went onto hold, or off it.")
    balance_after: dict[str, int] = Field(
        description="What is in the lots after it, by kind. What has expired is in it until an entry "
        "writes it off; what is on hold is not."
    )
    source: str
    rule_version: int | None
    title: EntryTitle | None
    reference: str = Field(description="What support asks for.")
    lots: list[EntryLot]
    corrects: Corrected | None
    hold_until: Instant | None = Field(description="When the hold that it makes or ends is over by itself.")
    expired: int = Field(description="Tokens that came back and were over by then.")
    uncollectable: int = Field(description="Tokens that a reversal could not take: they were gone already.")
    withdrawn: int = Field(
        description="Tokens that a refund gave back to what had been taken back, and took at once."
    )


class Entries(Answer):
    """A page of the wallet's history, newest first."""

    entries: list[Entry]
    next_cursor: str | None


class Reward(Answer):
    """A rewarded ad. Give the network `custom_data`, and nothing else about the viewer."""

    id: str
    status: Literal["pending", "paid", "capped", "held", "refused"]
    custom_data: str | None = Field(default=None, description="Set while the ad is still to be shown.")
    ad_unit: str
    expires_at: Instant
    settled_at: Instant | None
    note: str


class RewardPath(BaseModel):
    """Which reward."""

    id: OpaqueId
