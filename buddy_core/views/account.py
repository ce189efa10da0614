"""Joining, signing in and the account: one screen each, and what is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

from buddy_core.accounts import PasswordLack
from buddy_core.kernel.ids import LoginSessionId

FormProblem = Literal[
    "email_invalid", "email_taken", "password_short", "wrong_credentials", "too_many_tries", "expired"
]


@frozen
class Kept:
    """What the guest takes along: tokens, unlocked titles, and places in films."""

    tokens: int = 0
    unlocked: int = 0
    in_progress: int = 0

    @property
    def anything(self) -> bool:
        """Return whether there is something to keep."""
        return bool(self.tokens or self.unlocked or self.in_progress)


@frozen
class JoinPage:
    """E-mail and password; `problem` says by code what was wrong the last time.

    `password_lacks` says all that the password lacked, for one line each.
    `idempotency_key` is the page's own, so that a form sent twice joins once.
    """

    kept: Kept = Kept()
    email: str = ""
    problem: FormProblem | None = None
    next_url: str | None = None
    password_min: int = 8
    password_lacks: tuple[PasswordLack, ...] = ()
    idempotency_key: str = ""


@frozen
class DemoLogin:
    """A seeded account that the demo shows on the sign-in page."""

    role: str
    email: str
    password: str


@frozen
class SignInPage:
    """E-mail and password of an account that exists."""

    kept: Kept = Kept()
    email: str = ""
    problem: FormProblem | None = None
    next_url: str | None = None
    demo_logins: tuple[DemoLogin, ...] = ()
    wait_s: int = 0
    """How long the address is locked, after too many tries."""


@frozen
class SessionShown:
    """One browser or app that is signed in; `impersonator` is set where staff look at the account."""

    id: LoginSessionId
    label: str
    last_used_at: datetime
    started_at: datetime
    is_this: bool = False
    is_proven: bool = False
    is_staff_looking: bool = False


@frozen
class AccountPage:
    """A member's own account: where they are signed in, and their second factor.

    `done` is what was just done: `ended`, `others_ended`, `factor_set`, `factor_removed`.
    """

    sessions: tuple[SessionShown, ...] = ()
    has_second_factor: bool = False
    factor_since: datetime | None = None
    done: str | None = None


@frozen
class DemoCode:
    """What the authenticator of a seeded account shows now; None: its code is used up for a moment."""

    code: str | None
    wait_s: int


@frozen
class SecondFactorPage:
    """Setting up a second factor, or proving oneself by it.

    `none`: there is none yet; `enrolling`: `uri` and `secret` wait for their first code;
    `asked`: six digits are due, never entered in this session or too long ago;
    `proven`: all is done, and it may be removed.
    """

    state: Literal["none", "enrolling", "asked", "proven"]
    next_url: str | None = None
    uri: str = ""
    secret: str = ""
    """As apps take it by hand: base32 in groups of four."""
    problem: str | None = None
    is_locked: bool = False
    demo: DemoCode | None = None
