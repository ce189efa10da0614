"""The ways accounts say no."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, NotFound, Rejected
from buddy_core.kernel.ids import AccountId


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

    missing: tuple[str, ...]

    def message(self) -> str:
        return f"The password needs {', '.join(self.missing)}."


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
