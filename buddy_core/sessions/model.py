"""Sessions of those who have signed in, their tokens, counted tries and second factors."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from attrs import Attribute, field, frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import AccountId, LoginSessionId

MAX_LABEL_LENGTH = 120
MAX_REASON_LENGTH = 500
MAX_KEY_LENGTH = 200
_NONE = timedelta()


def _as_label(text: str) -> str:
    return _printable(text)[:MAX_LABEL_LENGTH].strip()


def _as_reason(text: str) -> str:
    return _printable(text)[:MAX_REASON_LENGTH].strip()


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _positive(_: Any, attribute: Attribute[timedelta], value: timedelta) -> None:
    if value <= _NONE:
        raise InvalidValue(attribute.name, "must be longer than nothing")


def _check_key(_: Any, __: Any, value: str) -> None:
    if not 1 <= len(value) <= MAX_KEY_LENGTH or not value.isprintable():
        raise InvalidValue("key", f"must be 1 to {MAX_KEY_LENGTH} printable characters")


@frozen
class SessionPolicy:
    """How long things live and how many tries there are: data.

    A lock lasts at least as long as the window that tries are counted in, so that
    no window ever holds more tries than `lock_after`.

    Raises:
        InvalidValue: a life that is not above zero, no try at all, or too short a lock.
    """

    access_life: timedelta = field(validator=_positive)
    refresh_life: timedelta = field(validator=_positive)
    second_factor_life: timedelta = field(validator=_positive)
    """How long a session counts as proven by a second factor."""
    impersonation_life: timedelta = field(validator=_positive)
    """The longest that staff stay in somebody's account."""
    lock_after: int = field()
    lock_window: timedelta = field(validator=_positive)
    lock_for: timedelta = field()

    @lock_after.validator
    def _check_lock_after(self, _: Any, value: int) -> None:
        if value < 1:
            raise InvalidValue("lock_after", "must be 1 or more")

    @lock_for.validator
    def _check_lock_for(self, _: Any, value: timedelta) -> None:
        if value < self.lock_window:
            raise InvalidValue("lock_for", "must not be shorter than lock_window")


class EndReason(StrEnum):
    """Why a session is over."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    """Ended from another session, or by staff."""
    REUSED = "reused"
    """A refresh token that was rotated came back, so one of the two who sent it is a thief."""
    EXPIRED = "expired"
    IMPERSONATION_ENDED = "impersonation_ended"
    SUSPENDED = "suspended"


@frozen
class LoginSession:
    """One browser or app that somebody has signed in with: the family of all its tokens.

    It is over when it was ended, when nobody renewed it by `renew_by`, or at `ends_at`.
    """

    id: LoginSessionId
    account_id: AccountId
    started_at: datetime
    last_used_at: datetime
    renew_by: datetime | None
    """When its newest refresh token expires; None where there is none."""
    label: str = field(default="", converter=_as_label)
    """What the browser calls itself, cut to 120 printable characters."""
    generation: int = 1
    """How many refresh tokens it has had; the newest has this number."""
    second_factor_at: datetime | None = None
    impersonator: AccountId | None = None
    """The member of staff who is in somebody else's account."""
    parent_id: LoginSessionId | None = None
    """The impersonator's own session, without which this one is dead."""
    reason: str = field(default="", converter=_as_reason)
    """Why staff entered the account."""
    ends_at: datetime | None = None
    """The hard end; only impersonation has one."""
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    def __attrs_post_init__(self) -> None:
        if self.renew_by is None and self.ends_at is None:
            raise InvalidValue("ends_at", "a session that cannot be renewed needs a hard end")
        if (self.ended_at is None) != (self.end_reason is None):
            raise InvalidValue("end_reason", "a session that has ended says when and why")
        is_impersonation = self.impersonator is not None
        if is_impersonation != (self.parent_id is not None) or is_impersonation != (self.ends_at is not None):
            raise InvalidValue("impersonator", "comes with the parent session and a hard end, or not at all")

    @property
    def over_at(self) -> datetime:
        """When the session is over by itself."""
        ends = [at for at in (self.renew_by, self.ends_at) if at is not None]
        return min(ends)


@frozen
class AccessClaims:
    """What an access token says; the host encodes and signs it. Instants are whole seconds."""

    session_id: LoginSessionId
    account_id: AccountId
    generation: int
    """The session's generation when the token was made; for logs, not judged."""
    issued_at: datetime
    expires_at: datetime


@frozen
class RefreshToken:
    """A refresh token as it is kept: never its text, only the SHA-256 of it."""

    hash: bytes
    session_id: LoginSessionId
    generation: int
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


@frozen
class Started:
    """A session that was begun or renewed, and what its browser is given.

    `refresh_token` is told here once and never again; None: the browser keeps the
    one it has, or is given none at all.
    """

    session: LoginSession
    claims: AccessClaims
    refresh_token: str | None = field(default=None, repr=False)


class DeadReason(StrEnum):
    """Why an access token is not accepted."""

    EXPIRED = "expired"
    """Only the token is too old: a refresh token may give another one."""
    NOT_YET = "not_yet"
    """It is dated in the future: the clock was set back. A refresh token may give another one."""
    UNKNOWN = "unknown"
    """There is no such session, or it is another account's."""
    ENDED = "ended"
    """The session was ended, or was over by itself."""
    PARENT_ENDED = "parent_ended"
    """The session of the member of staff is over."""


@frozen
class Live:
    """The access token is accepted."""

    session: LoginSession


@frozen
class Dead:
    """The access token is not accepted."""

    reason: DeadReason


@frozen
class Attempts:
    """The tries of one key that count as failed, oldest first, and the lock they led to.

    The caller chooses the key: `password:<hash of the folded address>`, `totp:<account id>`.

    Raises:
        InvalidValue: a key that is empty, too long or not printable.
    """

    key: str = field(validator=_check_key)
    failures: tuple[datetime, ...] = ()
    locked_until: datetime | None = None


@frozen
class SecondFactor:
    """A time-based one-time code (RFC 6238) that an account has set; its secret is sealed."""

    account_id: AccountId
    sealed_secret: bytes = field(repr=False)
    created_at: datetime
    confirmed_at: datetime | None = None
    """None until the first code was entered; until then it proves nothing."""
    last_step: int | None = None
    """The 30-second step of the last code: each code is good once."""


@frozen
class Enrolled:
    """What the owner's app is told, once."""

    uri: str = field(repr=False)
    """`otpauth://totp/...`, for a QR code; it holds the secret."""
