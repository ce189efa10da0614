"""The ways accounts say no."""

from __future__ import annotations

from enum import StrEnum

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, NotFound, Rejected
from buddy_core.kernel.ids import AccountId

MIN_PASSWORD_LENGTH = 8
"""In characters, of whatever script."""
MAX_PASSWORD_BYTES = 72
"""What bcrypt reads at most; longer passwords are refused rather than cut."""


class PasswordLack(StrEnum):
    """One thing that a password lacks; the value is its stable code."""

    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    NO_UPPER = "no_upper"
    NO_LOWER = "no_lower"
    NO_DIGIT = "no_digit"
    NO_SPECIAL = "no_special"
    TOO_COMMON = "too_common"
    HOLDS_EMAIL = "holds_email"

    @property
    def words(self) -> str:
        """What the password needs instead, to stand after "The password needs"."""
        return _WORDS[self]


_WORDS = {
    PasswordLack.TOO_LONG: f"at most {MAX_PASSWORD_BYTES} bytes",
    PasswordLack.TOO_SHORT: f"at least {MIN_PASSWORD_LENGTH} characters",
    PasswordLack.NO_UPPER: "an upper-case letter",
    PasswordLack.NO_LOWER: "a lower-case letter",
    PasswordLack.NO_DIGIT: "a digit",
    PasswordLack.NO_SPECIAL: "a special character",
    PasswordLack.TOO_COMMON: "something that fewer people use",
    PasswordLack.HOLDS_EMAIL: "no part of your e-mail address",
}


@attrs.define
class AccountNotFound(NotFound):
    """There is no such account."""

    code = "accounts.not_found"

    account_id: AccountId

    def message(self) -> str:
        return "This account does not exist. Reload the page to begin as a new guest."


@attrs.define
class MemberNotFound(NotFound):
    """Nobody has registered with this e-mail address."""

    code = "accounts.member_not_found"

    def message(self) -> str:
        return "Nobody has registered with this e-mail address. They join first, then this can be done."


@attrs.define
class BadEmail(Invalid):
    """The text is not an e-mail address."""

    code = "accounts.bad_email"

    def message(self) -> str:
        return "Enter an e-mail address such as name@example.com."


@attrs.define
class WeakPassword(Invalid):
    """The password lacks something that is asked for."""

    code = "accounts.weak_password"

    lacks: tuple[PasswordLack, ...]
    """Everything at once, one entry a lack."""

    def message(self) -> str:
        return f"The password needs {', '.join(lack.words for lack in self.lacks)}."


@attrs.define
class EmailTaken(Conflict):
    """An account with this e-mail address exists."""

    code = "accounts.email_taken"

    def message(self) -> str:
        return "There is an account with this e-mail address. Sign in instead; what you have comes along."


@attrs.define
class WrongCredentials(Rejected):
    """E-mail address and password do not belong together."""

    code = "accounts.wrong_credentials"

    def message(self) -> str:
        return "E-mail address or password is wrong. Check both and try again."


@attrs.define
class CannotMerge(Rejected):
    """These two accounts cannot become one."""

    code = "accounts.cannot_merge"

    problem: str

    def message(self) -> str:
        return f"The accounts cannot be merged: {self.problem}."
