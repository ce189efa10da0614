"""Accounts: who asks, registering, signing in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from buddy_web.schemas.common import Answer, Body, Text

Email = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=254)]
Password = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]


class Me(Answer):
    """Who asks. A client that changes anything sends `csrf_token` in the header `X-CSRF-Token`."""

    kind: Literal["nobody", "guest", "member"]
    email: str | None = None
    roles: list[str] = Field(default_factory=list)
    producer: str | None = Field(default=None, description="The short id of the producer that is acted for.")
    country: str | None = Field(default=None, description="ISO 3166-1 alpha-2; null if it could not be told.")
    csrf_token: str


class Joined(Me):
    """Who the visitor is now, and what came along from the guest before."""

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


class Config(Answer):
    """How the service's switches stand, for players and apps."""

    flags: dict[str, bool]


class FlagsBody(Body):
    """How flags are to stand; those not named stay as they are."""

    flags: dict[Text, Annotated[bool, Field(strict=True)]] = Field(max_length=50)
