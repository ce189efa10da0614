"""Joining and signing in: one screen each, and what is kept."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

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

    `problem_text` are the rule's own words, where they say more than the code.
    `idempotency_key` is the page's own, so that a form sent twice joins once.
    """

    kept: Kept = Kept()
    email: str = ""
    problem: FormProblem | None = None
    next_url: str | None = None
    password_min: int = 8
    problem_text: str = ""
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
