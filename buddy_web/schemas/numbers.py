"""What unlocks cost, what an ad pays, and where earning looks odd."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from buddy_web.schemas.common import MAX_INT, Answer, Body, Instant, UserId, When

State = Literal["in_force", "coming", "past"]
Whole = Annotated[int, Field(ge=0, le=MAX_INT, strict=True)]


class TitleCost(Answer):
    """A title with a cost of its own, by type and short id, such as `film/ab2d`."""

    name: str
    title: str
    tokens: int


class CostVersion(Answer):
    """A table of costs in tokens: by type, and by title where one differs."""

    version: int
    effective_from: Instant
    by_type: dict[str, int]
    by_title: list[TitleCost]
    state: State


class TokenCosts(Answer):
    """The newest versions, newest first."""

    versions: list[CostVersion]


class TokenCostsBody(Body):
    """New costs by type (`film`) or title (`film/ab2d`); what is not named stays.

    A title's null takes its own cost away. Without `effective_from` they count a minute later.
    """

    changes: dict[
        Annotated[str, StringConstraints(pattern=r"^[a-z]{1,16}(/[0-9A-Za-z]{1,16})?$")], Whole | None
    ] = Field(min_length=1, max_length=500, examples=[{"episode": 3, "film/ab2d": None}])
    effective_from: When | None = None
    base_version: Whole | None = Field(
        default=None, description="Refuse if this is not the newest version any more."
    )


class NumberSet(Answer):
    """The version that says so now: a new one, or the last one where all stood so already."""

    version: int


class RewardRule(Answer):
    """A version of what an ad pays and how often; a day is a UTC day, and caps count paid ads."""

    version: int
    effective_from: Instant
    token_kind: str
    tokens: int
    days: int = Field(description="Days until the tokens expire.")
    account_daily: int
    device_daily: int
    ip_daily: int
    guest_life: int = Field(description="In the life of a guest, and of all guests of one device together.")
    state: State


class RewardRules(Answer):
    """The newest versions, newest first."""

    versions: list[RewardRule]


class RewardRuleBody(Body):
    """New numbers; what is not named stays. Without `effective_from` they count a minute later."""

    tokens: Whole | None = None
    days: Whole | None = None
    account_daily: Whole | None = None
    device_daily: Whole | None = None
    ip_daily: Whole | None = None
    guest_life: Whole | None = None
    effective_from: When | None = None
    base_version: Whole | None = Field(
        default=None, description="Refuse if this is not the newest version any more."
    )


class AlertedAccount(Answer):
    """An account that earned there; `reward_id` is what its wallet can be frozen by."""

    id: UserId
    name: str
    paid: int
    capped: int
    held: int
    is_frozen: bool
    reward_id: str


class RewardAlert(Answer):
    """A device or an address, by the tail of its name, on which many accounts earned in a UTC day."""

    scope: Literal["device", "ip"]
    name: str
    day: str
    limit: int
    paid: int
    account_count: int
    accounts: list[AlertedAccount]


class RewardAlerts(Answer):
    """Today's alerts and yesterday's: signs, no proofs."""

    alerts: list[RewardAlert]
