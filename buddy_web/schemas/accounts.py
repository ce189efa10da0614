"""Accounts: who asks, registering, signing in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from buddy_web.schemas.common import Answer, Body, Email, Instant, OpaqueId, Text

Password = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]
Code = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{3} ?[0-9]{3}$"),
    Field(description="The six digits that the authenticator shows.", examples=["492039"]),
]


class Me(Answer):
    """Who asks. A client with cookies that changes anything sends `csrf_token` as `X-CSRF-Token`."""

    kind: Literal["nobody", "guest", "member"]
    user_id: str | None = Field(default=None, description="The account's public id: `usr_` and 32 digits.")
    email: str | None = None
    roles: list[str] = Field(default_factory=list)
    producer: str | None = Field(default=None, description="The short id of the producer that is acted for.")
    country: str | None = Field(default=None, description="ISO 3166-1 alpha-2; null if it could not be told.")
    csrf_token: str | None = Field(description="Null for clients that bring an access token.")
    needs_second_factor: bool = Field(
        default=False, description="The account has a second factor that this session has not proved yet."
    )


class Tokens(Answer):
    """What an app without cookies keeps: the access token goes into `Authorization: Bearer`."""

    access_token: str
    refresh_token: str = Field(description="Works once; each refresh gives the next one.")
    expires_at: Instant = Field(description="When the access token is over.")


class Joined(Me):
    """Who the visitor is now, and what came along from the guest before.

    Clients that keep no cookies are given the tokens; the others have them in cookies.
    """

    access_token: str | None = None
    refresh_token: str | None = None
    expires_at: Instant | None = None

    tokens_moved: int
    tokens_expired_by_cap: int
    unlocks_moved: int
    unlocks_superseded: int


class RegisterBody(Body):
    """An e-mail address and a password: 8 characters or more, of four classes."""

    email: Email = Field(examples=["name@example.com"])
    password: Password


class LoginBody(Body):
    """What proves a member."""

    email: Email
    password: Password


class PasswordBody(Body):
    """The password once more, for what a token alone may not do."""

    password: Password


class RefreshBody(Body):
    """The newest refresh token."""

    refresh_token: Annotated[str, StringConstraints(pattern=r"^rft_[0-9a-f]{32}$")]


class SignedOut(Me):
    """Who the visitor is now, and how many sessions were ended."""

    ended: int


class SignOutBody(Body):
    """Which sessions end: all of them, or all but this one."""

    keep_current: Annotated[bool, Field(strict=True)] = False


class Verified(Answer):
    """Whom the access token or cookie stands for, and until when."""

    user_id: str
    email: str | None
    roles: list[str]
    session_id: str
    issued_at: Instant
    expires_at: Instant = Field(description="When this token is over; refresh it before.")
    session_ends_at: Instant = Field(description="When the session is over unless it is refreshed.")
    needs_second_factor: bool
    second_factor_until: Instant | None = Field(description="Until when the session counts as proven.")
    is_support: bool = Field(description="A member of staff looks at the service as this member.")


class SessionSummary(Answer):
    """One browser or app that is signed in."""

    id: str
    label: str = Field(description="What the browser calls itself.")
    started_at: Instant
    last_used_at: Instant
    ends_at: Instant = Field(description="When it is over unless it is refreshed.")
    is_current: bool
    is_support: bool = Field(description="A member of staff looks at the service as this member.")


class Sessions(Answer):
    """The sessions of the account, the last used first, at most 100."""

    sessions: list[SessionSummary]


class SessionPath(BaseModel):
    """Which session."""

    id: OpaqueId


class SecondFactor(Answer):
    """How the account's second factor stands, and whether this session has proved it."""

    is_set: bool
    is_waiting: bool = Field(description="A secret was given out and no code of it entered yet.")
    needs_proof: bool = Field(description="Until it is proved, this session may nothing else.")
    proven_until: Instant | None = Field(description="Until when acts about money are open.")


class Enrolled(Answer):
    """What the authenticator is told; it is shown this once."""

    uri: str = Field(description="`otpauth://totp/...`, for a QR code.")
    secret: str = Field(description="The same secret to type in, in Base32.")


class CodeBody(Body):
    """A code of the second factor; each is good once."""

    code: Code


class Config(Answer):
    """How the service's switches stand, for players and apps."""

    flags: dict[str, bool]


class FlagsBody(Body):
    """How flags are to stand; those not named stay as they are."""

    flags: dict[Text, Annotated[bool, Field(strict=True)]] = Field(max_length=50)
