"""The ways being signed in says no."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Conflict, Forbidden, NotFound, Rejected, TooMany, Unavailable


@attrs.define
class LoginSessionNotFound(NotFound):
    """There is no such session for this account, or it is over."""

    code = "sessions.not_found"

    def message(self) -> str:
        return "This sign-in does not exist any more. Reload the page, and sign in again if you are asked to."


@attrs.define
class RefreshRefused(Rejected):
    """A refresh token does not give a new access token; the browser must sign in again."""

    code = "sessions.refresh_refused"

    reason: str
    """`unknown`, `expired`, `ended` or `reused`."""

    def message(self) -> str:
        if self.reason == "reused":
            return (
                "This sign-in was ended because its refresh token came a second time, as a stolen one would. "
                "Sign in again."
            )
        return "You are not signed in any more. Sign in again."


@attrs.define
class SignInLocked(TooMany):
    """Too many tries have failed; nothing is checked until the lock is over."""

    code = "sessions.locked"

    retry_after_s: int

    def message(self) -> str:
        minutes = -(-self.retry_after_s // 60)
        wait = "1 minute" if minutes == 1 else f"{minutes} minutes"
        return f"There were too many tries. Wait {wait}, then try again."


@attrs.define
class SecondFactorExists(Conflict):
    """The account has a confirmed second factor already."""

    code = "sessions.second_factor_exists"

    def message(self) -> str:
        return "This account has a second factor already. Remove it before you set another one."


@attrs.define
class SecondFactorMissing(NotFound):
    """The account has no second factor, or has not confirmed it."""

    code = "sessions.second_factor_missing"

    def message(self) -> str:
        return "This account has no second factor. Set one first."


@attrs.define
class SecondFactorWrong(Rejected):
    """The code is not one of now, or was used before."""

    code = "sessions.second_factor_wrong"

    def message(self) -> str:
        return "This code is wrong or was used before. Wait for the next one and enter that."


@attrs.define
class CannotImpersonate(Rejected):
    """A member of staff may not enter this account."""

    code = "sessions.cannot_impersonate"

    problem: str

    def message(self) -> str:
        return f"You cannot enter this account: {self.problem}."


@attrs.define
class NotWhileImpersonating(Forbidden):
    """Only the owner of an account may do this, not staff who have entered it."""

    code = "sessions.not_while_impersonating"

    def message(self) -> str:
        return "You are in somebody else's account, and only its owner may do this. Leave the account first."


@attrs.define
class SecretUnreadable(Unavailable):
    """A sealed secret opens with none of the keys at hand, or was altered."""

    code = "sessions.secret_unreadable"

    def message(self) -> str:
        return "A stored secret cannot be read. The operator must give back the key that sealed it."
