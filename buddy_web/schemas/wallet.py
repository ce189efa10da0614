"""The wallet, its entries, and rewarded ads."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from buddy_web.schemas.common import Answer, Instant, OpaqueId, TitleType


class Lot(Answer):
    """Tokens that came together, and when they end."""

    kind: str
    tokens: int
    expires_at: Instant | None


class Wallet(Answer):
    """What can be spent now. A frozen wallet neither earns nor spends."""

    bonus: int
    paid: int
    is_frozen: bool
    lots: list[Lot]


class EntryTitle(Answer):
    """The title that tokens were spent on."""

    type: TitleType
    id: str
    name: str


class Entry(Answer):
    """One thing that happened to the wallet; `tokens` carries its sign, by kind."""

    number: int = Field(description="Its place in the wallet's history, from 1.")
    at: Instant
    operation: str
    tokens: dict[str, int]
    source: str
    rule_version: int | None
    title: EntryTitle | None


class Entries(Answer):
    """A page of the wallet's history, newest first."""

    entries: list[Entry]
    next_cursor: int | None


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
