"""What accounts hold, and why they may or may not watch, as staff see it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from buddy_core.entitlements import RENTAL_HOURS, Channel, GrantKind, GrantStatus, PlanState
from buddy_core.entitlements import Reason as DenialReason
from buddy_web.schemas.common import Answer, Body, Instant, Reason, ShortIdText, Text, TitleType, UserId, When

GrantName = Annotated[
    str,
    StringConstraints(pattern=r"^gra_[0-9a-f]{32}$"),
    Field(description="A grant's public id: `gra_` and 32 digits."),
]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(examples=["IN"])]
Tier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,32}$")]
Hours = Literal[24, 36, 48, 72]
assert set(RENTAL_HOURS) == {24, 36, 48, 72}, "the schema names the hours that the rules allow"


class AccessPath(BaseModel):
    """Whose access."""

    id: UserId


class GrantPath(BaseModel):
    """Which grant of whom."""

    id: UserId
    grant: GrantName


class Rights(Answer):
    """What a viewer gets."""

    max_height: int = Field(description="Lines of picture at most.")
    ads: bool
    downloads: bool
    streams: int = Field(description="Devices that may play at once.")


class RightsBody(Body):
    """What the grant gives; without it, what its kind gives."""

    max_height: Annotated[int, Field(strict=True, ge=144, le=4320)]
    ads: bool
    downloads: bool
    streams: Annotated[int, Field(strict=True, ge=1, le=4)]


class TitleRef(Answer):
    """A title by its type and short id."""

    type: TitleType
    id: str


class TitleRefBody(Body):
    """A title by its type and short id."""

    type: TitleType
    id: ShortIdText


class Grant(Answer):
    """A right of an account and how it stands."""

    id: str
    kind: GrantKind
    status: GrantStatus
    title: TitleRef | None = Field(description="Null for a subscription.")
    tier: str
    plan: PlanState | None
    granted_at: Instant
    ends_at: Instant | None = Field(description="As it was granted; null if it has none of its own.")
    ended_at: Instant | None = Field(description="When it was refunded, revoked, extended or moved.")
    ended_because: str | None
    until: Instant | None = Field(
        description="When it is over as things stand: its end, its hours after the first play, or, "
        "of what was not played yet, when the time to start it is. Null: no end."
    )
    over_because: DenialReason | None = Field(
        description="Why it opens nothing any more though it is active; null while it may."
    )
    reopened_at: Instant | None = Field(
        description="When it opened again, if it had ended before it was given a later end."
    )
    started_at: Instant | None = Field(description="When it was played for the first time, if that counts.")
    consumed_at: Instant | None
    rights: Rights


class Grants(Answer):
    """Everything that an account holds and held, oldest first."""

    grants: list[Grant]


class GiveBody(Body):
    """What to give, and why. A title, or for a subscription a tier and the end of its period."""

    kind: GrantKind
    title: TitleRefBody | None = None
    hours: Hours | None = None
    ends_at: When | None = None
    tier: Tier = ""
    plan: PlanState | None = None
    rights: RightsBody | None = None
    includes_later: bool = Field(default=True, description="Whether a series' later episodes are included.")
    reason: Reason


class ExtendBody(Body):
    """The new end, and why."""

    ends_at: When
    reason: Reason


class RevokeBody(Body):
    """Why."""

    reason: Reason


class Given(Answer):
    """The grant that stands now; of a revoked one, the grant that has ended."""

    id: str
    ends_at: Instant | None


class WhyQuery(BaseModel):
    """Which title, from where, and when. Without `at` it is now.

    With `known_at` only what had been recorded by then counts: what was answered, or would
    have been. Without it all that is known today counts.
    """

    type: TitleType
    title: ShortIdText
    country: Country | None = None
    at: When | None = None
    known_at: When | None = None
    channel: Channel = Channel.WEB
    max_age: Annotated[int, Field(ge=0, le=99)] | None = Field(
        default=None, description="The age that the profile may see."
    )


class Answered(Answer):
    """The decision."""

    allowed: bool
    reason: DenialReason | None = None
    via: str | None = None
    kind: str | None = None
    until: Instant | None = None
    opens_at: Instant | None = None
    unlockable_by: list[str] = Field(default_factory=list)
    rights: Rights | None = None
    is_in_grace: bool = False


class Rule(Answer):
    """One rule, in its order."""

    reason: DenialReason
    applies: bool
    why: str


class Source(Answer):
    """A window or grant, and what became of it."""

    id: str | None = Field(description="The grant's public id; null for a window.")
    kind: str
    starts_at: Instant
    ends_at: Instant | None
    rights: Rights | None
    verdict: str
    why: str
    gave: list[str]


class Fact(Answer):
    """Something that the rules looked at."""

    name: str
    value: Text


class Why(Answer):
    """The decision with the whole way to it."""

    at: Instant
    known_at: Instant | None
    answer: Answered
    decided_by: DenialReason | None
    rules: list[Rule]
    sources: list[Source]
    facts: list[Fact]
    text: str = Field(description="The same in words, for a ticket.")
