"""What staff see and change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from buddy_web.schemas.common import (
    MAX_INT,
    Answer,
    Body,
    Email,
    Exact,
    Instant,
    Money,
    OpaqueId,
    Reason,
    Text,
    When,
)


class TokenValueVersion(Answer):
    """A version of what one token of a kind counts, in exact minor units by currency."""

    kind: str
    version: str
    effective_from: Instant
    values: dict[str, Exact]
    state: Literal["in_force", "coming", "past"]


class TokenValues(Answer):
    """Every version of every kind, newest first."""

    versions: list[TokenValueVersion]


class TokenValueBody(Body):
    """A new version: every settlement currency needs a value, in minor units, such as `50/1` or `3/5`."""

    kind: Literal["bonus", "paid"]
    effective_from: When
    values: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")],
        Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}/[1-9][0-9]{0,14}$")],
    ] = Field(max_length=50)


class Waiting(Answer):
    """The act is larger than one person may do alone: a second one decides about this request."""

    request_id: str
    expires_at: Instant
    url: str


class TokenValueSet(Answer):
    """The version that was added."""

    kind: str
    version: int


class CloseBody(Body):
    """Which entity's month; without one every entity is closed whose month has ended."""

    entity: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,32}$")


class ClosedStatement(Answer):
    """A final statement: of a producer, by short id, or of the platform, which has what is its own."""

    holder: str
    currency: str
    earned: Money = Field(description="All of its lines, rounded once.")
    payable: Money = Field(description="What its accounts pay out, less advances, reserves and tax withheld.")
    digest: str


class ClosedMonth(Answer):
    """An entity's month that is closed; `is_new` is false when it had been closed before."""

    entity: str
    is_new: bool
    statements: list[ClosedStatement]


class ReviewedMonth(Waiting):
    """An entity's month that was reviewed; a second person publishes it by approving the request."""

    entity: str
    digest: str = Field(description="Of the figures that were reviewed: only these are published.")


class OpenMonth(Answer):
    """An entity's month that has not ended in its zone."""

    entity: str
    ends_at: Instant


class RefusedMonth(Answer):
    """An entity's month that cannot be closed, and what to do about it."""

    entity: str
    code: str
    detail: str


class CloseReport(Answer):
    """What closing a month came to, entity by entity."""

    month: str
    closed: list[ClosedMonth]
    reviewed: list[ReviewedMonth]
    open: list[OpenMonth]
    refused: list[RefusedMonth]


class AuditQuery(BaseModel):
    """Which recorded acts; what is not given does not narrow."""

    actor: Text = Field(default="", description="Who acted: an e-mail address, or `system`.")
    about: Text = Field(default="", description="What it was done to: an e-mail address, or its own name.")
    action: Text = Field(default="", description="Such as `role.assign`, or all of a subject: `role`.")
    ip: Text = ""
    reference: Text = Field(default="", description="The correlation id of the request.")
    since: When | None = None
    until: When | None = Field(default=None, description="Exclusive.")
    cursor: int | None = Field(default=None, ge=1, le=MAX_INT)
    limit: int = Field(default=50, ge=1, le=100)


class AuditChange(Answer):
    """One field before and after; null where it was not there."""

    field: str
    before: str | None
    after: str | None


class AuditLine(Answer):
    """Who did what to what; accounts stand by name."""

    at: Instant
    actor: str
    as_whom: str | None = Field(description="Whom the actor looked as.")
    action: str
    subject: str
    changes: list[AuditChange]
    reason: str | None
    ip: str | None
    reference: str | None


class Audit(Answer):
    """Recorded acts, newest first."""

    lines: list[AuditLine]
    next_cursor: int | None


class HeldReward(Answer):
    """A proven callback that waits for a decision; a frozen wallet cannot be paid."""

    id: str
    account: str
    tokens: int
    earned_at: Instant
    reason: str
    wallet_frozen: bool


class HeldRewards(Answer):
    """The queue, oldest first."""

    rewards: list[HeldReward]


class DecisionBody(Body):
    """Why."""

    reason: Reason


class Decided(Answer):
    """What became of the reward."""

    id: str
    status: Literal["paid", "refused"]


class WalletBody(Body):
    """Whose wallet, by e-mail address or by the id of one of their rewards, and why."""

    email: Email | None = None
    reward_id: OpaqueId | None = None
    reason: Reason


class WalletFrozen(Answer):
    """How the wallet stands now."""

    is_frozen: bool
