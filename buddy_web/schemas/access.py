"""Users, roles, and requests that wait for a second person."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from buddy_web.schemas.accounts import Me
from buddy_web.schemas.common import (
    Answer,
    Body,
    Email,
    Exact,
    Instant,
    Money,
    OpaqueId,
    Reason,
    ShortIdText,
    Text,
    UserId,
)
from buddy_web.schemas.tokens_admin import TokenCount

RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
PermissionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}:[a-z][a-z0-9_]{0,39}$")]
Territory = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(description="ISO 3166-1 alpha-2.", examples=["IN"])
]
ScopeName = Literal["global", "partner", "territory"]
RoleText = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=80)]


class UserPath(BaseModel):
    """Whose account."""

    id: UserId


class UsersQuery(BaseModel):
    """Members whose address begins like this; without one all of them."""

    email: Email = ""
    cursor: UserId | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int = Field(default=20, ge=1, le=100)


class GivenRole(Answer):
    """A role within a scope: everywhere, for one producer, or in one territory."""

    role: str
    scope: ScopeName
    producer: str | None = Field(description="The producer's short id, if the role is for one.")
    territory: str | None


class UserSummary(Answer):
    """One account in a list."""

    user_id: str
    email: str | None
    created_at: Instant
    roles: list[GivenRole]


class Users(Answer):
    """A page of members, newest first."""

    users: list[UserSummary]
    next_cursor: str | None


class UserSession(Answer):
    """Where an account is signed in."""

    id: str
    label: str
    started_at: Instant
    last_used_at: Instant
    is_support: bool


class User(UserSummary):
    """What staff see of an account; that they looked is recorded."""

    kind: Literal["guest", "member"]
    sessions: list[UserSession]
    has_second_factor: bool
    locked_until: Instant | None = Field(description="Set while too many wrong passwords lock it.")
    tokens: int
    is_frozen: bool


class ReasonBody(Body):
    """Why."""

    reason: Reason


class Ended(Answer):
    """How many sessions were ended."""

    ended: int


class GrantBody(Body):
    """How many bonus tokens, and why."""

    tokens: TokenCount
    reason: Reason


class Granted(Answer):
    """The tokens are in the wallet."""

    user_id: str
    tokens: int


class LookBody(Body):
    """Why, and for how long at most."""

    reason: Reason
    minutes: Annotated[int, Field(strict=True, ge=1, le=30)] = 15


class Looking(Answer):
    """The member's view is open until then; a client without cookies sends this token instead of its own."""

    user_id: str
    email: str | None
    until: Instant
    access_token: str | None = None


class Stopped(Me):
    """Who the visitor is again; a client without cookies goes back to its own token."""


class PermissionShown(Answer):
    """Something that may be done."""

    name: str
    does: str
    is_guarded: bool = Field(description="The session has to prove a second factor for it.")
    is_planned: bool = Field(description="No operation asks for it yet.")
    scopes: list[str] = Field(description="How far a built-in role with it can reach.")


class Permissions(Answer):
    """Every permission that there is."""

    permissions: list[PermissionShown]


class RolePath(BaseModel):
    """Which role."""

    name: RoleName


class RoleBody(Body):
    """A role of one's own: what it may, which roles it includes, and how it can be given."""

    title: RoleText
    permissions: list[PermissionName] = Field(default_factory=list, max_length=100)
    includes: list[RoleName] = Field(default_factory=list, max_length=20)
    scopes: list[ScopeName] = Field(default=["global"], min_length=1, max_length=3)
    note: Text = ""


class Role(Answer):
    """A named set of permissions."""

    name: str
    title: str
    permissions: list[str] = Field(description="Its own; `*` is whatever there is.")
    includes: list[str]
    scopes: list[ScopeName]
    note: str


class RoleShown(Role):
    """A role with all that it may do, what it includes with it, and how many have it."""

    is_built_in: bool
    may: list[str]
    users: int


class Roles(Answer):
    """Every role, the built-in ones first."""

    roles: list[RoleShown]


class AssignmentBody(Body):
    """Who has which role: everywhere, for one producer, or in one territory."""

    email: Email
    role: RoleName
    producer: ShortIdText | None = None
    territory: Territory | None = None


class Assignment(GivenRole):
    """Somebody has a role."""

    user_id: str
    email: str


class Assignments(Answer):
    """Who has which role."""

    assignments: list[Assignment]


class ExplainQuery(BaseModel):
    """Whose permission, and for what: one producer's things, a territory's, or the platform's."""

    email: Email
    permission: PermissionName
    producer: ShortIdText | None = None
    territory: Territory | None = None


class Explained(Answer):
    """The answer, and how it comes about line by line."""

    permission: str
    is_granted: bool
    lines: list[str]


class ApprovalsQuery(BaseModel):
    """Those that wait, or all."""

    state: Literal["pending", "all"] = "pending"
    cursor: OpaqueId | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int = Field(default=20, ge=1, le=100)


class ApprovalPath(BaseModel):
    """Which request."""

    id: OpaqueId


class ValueStep(Answer):
    """One currency's value before and after, in minor units; `change` is a part of what it was."""

    currency: str
    before: Exact | None
    after: Exact
    change: Exact | None


class WantedValue(Answer):
    """A new value of one kind of token, beside the one in force when it was asked for."""

    kind: str
    effective_from: Instant
    steps: list[ValueStep]


class WantedGrant(Answer):
    """Bonus tokens for somebody."""

    user_id: str
    account: str
    tokens: int


class WantedAdjustment(Answer):
    """Tokens to give to a lot of somebody, or below zero to take from it."""

    user_id: str
    account: str
    tokens: int
    kind: str
    entry: str = Field(description="The reference of the entry that had it wrong.")


class WantedPromotion(Answer):
    """A code that brings bonus tokens to so many accounts; without `starts_at` once it is approved."""

    code: str
    tokens: int
    limit: int
    days: int
    starts_at: Instant | None
    ends_at: Instant
    for_guests: bool


class WantedClose(Answer):
    """A reviewed month to publish; without figures it has changed since and cannot be published."""

    entity: str
    month: str
    digest: str = Field(description="Of the figures that were reviewed.")
    statements: int | None
    paid: list[Money] | None = Field(description="What all producers together are paid, by currency.")


class Approval(Answer):
    """A request for a second person; what it is about says what approving it does."""

    id: str
    act: str
    state: Literal["pending", "approved", "rejected", "withdrawn", "expired"]
    requested_by: str
    requested_at: Instant
    expires_at: Instant
    reason: str
    measure: Exact | None = Field(
        description="How large it is; null where there was nothing to compare with."
    )
    measured: str = Field(description="What is measured, in words.")
    value: WantedValue | None
    grant: WantedGrant | None
    adjustment: WantedAdjustment | None
    promotion: WantedPromotion | None
    close: WantedClose | None
    is_own: bool
    may_decide: bool
    decided_by: str | None
    decided_at: Instant | None
    decision_reason: str


class Approvals(Answer):
    """A page of requests, newest first."""

    approvals: list[Approval]
    next_cursor: str | None


class RemarkBody(Body):
    """Why, if there is something to say."""

    reason: Text = ""
