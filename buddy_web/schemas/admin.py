"""What staff see and change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from buddy_web.schemas.common import MAX_INT, Answer, Body, Exact, Instant, Money, OpaqueId, Text

Reason = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=3, max_length=500)]


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
    effective_from: Instant
    values: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")],
        Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}/[1-9][0-9]{0,14}$")],
    ] = Field(max_length=50)


class TokenValueSet(Answer):
    """The version that was added."""

    kind: str
    version: int


class CloseBody(Body):
    """Which entity's month; without one every entity is closed whose month has ended."""

    entity: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,32}$")


class ClosedStatement(Answer):
    """A final statement: of a producer, by short id, or of the platform."""

    holder: str
    currency: str
    payable: Money
    digest: str


class ClosedMonth(Answer):
    """An entity's month that is closed; `is_new` is false when it had been closed before."""

    entity: str
    is_new: bool
    statements: list[ClosedStatement]


class OpenMonth(Answer):
    """An entity's month that has not ended in its zone."""

    entity: str
    ends_at: Instant


class CloseReport(Answer):
    """What closing a month came to, entity by entity."""

    month: str
    closed: list[ClosedMonth]
    open: list[OpenMonth]
    refused: list[str]
    """The codes of what kept other entities from closing."""


class AuditQuery(BaseModel):
    """Which recorded acts."""

    query: Text = ""
    action: Text = ""
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
    action: str
    subject: str
    changes: list[AuditChange]
    reason: str | None
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

    email: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=254)] | None = None
    reward_id: OpaqueId | None = None
    reason: Reason


class WalletFrozen(Answer):
    """How the wallet stands now."""

    is_frozen: bool
