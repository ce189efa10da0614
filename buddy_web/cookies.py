"""The cookies: who this browser is (a guest, or a session), and which device it is.

A cookie that was forged, altered or has expired is treated as absent: its bearer
becomes a new guest, and never somebody else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from attrs import frozen
from flask import Request
from werkzeug.wrappers import Response

from buddy_core.kernel.clock import Clock, whole_second
from buddy_core.kernel.ids import AccountId, DeviceId
from buddy_core.sessions import AccessClaims
from buddy_web.keys import Signer
from buddy_web.tokens import AccessTokens

LIFETIME = timedelta(days=400)
"""The longest that browsers keep a cookie (RFC 6265bis, section 5.5); what is in it may be over before."""
RENEW_AFTER = timedelta(days=1)
"""A visitor's cookie is written anew when it is older: it rolls without being sent each time."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead the clock of another process of ours may be."""

ACCESS, REFRESH, LOOKING = "buddy_session", "buddy_refresh", "buddy_looking"
"""A session's access token, its refresh token, and the access token of staff who look as somebody."""

# The word and the last number stood for members and a session's version; both have sessions now.
_GUEST = re.compile(r"1~([0-9a-f]{32})~guest~([0-9]{1,12})~[0-9]{1,9}", re.ASCII)
_DEVICE = re.compile(r"1~([A-Za-z0-9_-]{1,64})~([0-9]{1,12})", re.ASCII)


@frozen
class Guest:
    """Which guest this browser is, as its cookie says it."""

    account_id: AccountId
    issued_at: datetime
    """When the cookie was written, to the second; it moves when the cookie rolls."""


@frozen
class _Issue:
    """When signed values are good: from their writing until 400 days later."""

    clock: Clock

    def current(self, issued_s: int) -> datetime | None:
        issued_at = datetime.fromtimestamp(issued_s, UTC)
        now = self.clock.now()
        return issued_at if now - LIFETIME < issued_at <= now + CLOCK_SKEW else None


@frozen
class GuestCookie:
    """The cookie `buddy_account`: a guest's account, and when it was written."""

    signer: Signer
    clock: Clock
    secure: bool
    name: str = "buddy_account"

    def read(self, request: Request) -> Guest | None:
        """Return which guest the browser is, or None: no cookie, not ours, or too old."""
        return self.decode(request.cookies.get(self.name, ""))

    def write(self, response: Response, guest: Guest) -> None:
        """Put the guest into the answer's cookie for 400 days."""
        _set(response, self.name, self.encode(guest), LIFETIME, secure=self.secure)

    def clear(self, response: Response) -> None:
        """Take the cookie from the browser."""
        _clear(response, self.name, secure=self.secure)

    def issue(self, account_id: AccountId) -> Guest:
        """Return a guest whose cookie is issued now."""
        return Guest(account_id, whole_second(self.clock.now()))

    def encode(self, guest: Guest) -> str:
        """Return the signed text of a guest."""
        return self.signer.sign(f"1~{guest.account_id.hex}~guest~{int(guest.issued_at.timestamp())}~0")

    def decode(self, text: str) -> Guest | None:
        """Read what `encode` wrote while it is good; None for everything else."""
        found = _GUEST.fullmatch(self.signer.opened(text) or "")
        if found is None:
            return None
        issued_at = _Issue(self.clock).current(int(found[2]))
        return None if issued_at is None else Guest(AccountId(UUID(found[1])), issued_at)

    def due(self, guest: Guest) -> bool:
        """Return whether the cookie is old enough to be written anew."""
        return self.clock.now() - guest.issued_at >= RENEW_AFTER


@frozen
class SessionCookies:
    """The cookies of a session: both tokens, each in a cookie that no script can read."""

    tokens: AccessTokens
    secure: bool

    def claims(self, request: Request, name: str = ACCESS) -> tuple[AccessClaims, ...]:
        """Return what the access token may say, expired or not (see `AccessTokens.decode_all`)."""
        return self.tokens.decode_all(request.cookies.get(name, ""))

    def refresh_token(self, request: Request) -> str | None:
        """Return the refresh token as it was sent."""
        return request.cookies.get(REFRESH) or None

    def write(self, response: Response, claims: AccessClaims, refresh_token: str | None) -> None:
        """Put a session's tokens into the answer; without a refresh token the browser keeps its own."""
        _set(response, ACCESS, self.tokens.encode(claims), LIFETIME, secure=self.secure)
        if refresh_token is not None:
            _set(response, REFRESH, refresh_token, LIFETIME, secure=self.secure)

    def write_looking(self, response: Response, claims: AccessClaims) -> None:
        """Put the access token of staff who look as somebody into the answer."""
        life = claims.expires_at - claims.issued_at
        _set(response, LOOKING, self.tokens.encode(claims), life, secure=self.secure)

    def clear(self, response: Response) -> None:
        """Take a session's cookies from the browser."""
        for name in (ACCESS, REFRESH, LOOKING):
            _clear(response, name, secure=self.secure)

    def clear_looking(self, response: Response) -> None:
        """Let staff be themselves again."""
        _clear(response, LOOKING, secure=self.secure)


@frozen
class DeviceCookie:
    """The cookie `buddy_device`: the id of this browser on this machine, kept across accounts."""

    signer: Signer
    clock: Clock
    secure: bool
    name: str = "buddy_device"

    def read(self, request: Request) -> DeviceId | None:
        """Return the device's id, or None: no cookie, not ours, or too old."""
        return self.decode(request.cookies.get(self.name, ""))

    def write(self, response: Response, device_id: DeviceId) -> None:
        """Put the device's id into the answer's cookie for 400 days."""
        _set(response, self.name, self.encode(device_id), LIFETIME, secure=self.secure)

    def encode(self, device_id: DeviceId) -> str:
        """Return the signed text of a device's id, issued now."""
        return self.signer.sign(f"1~{device_id}~{int(self.clock.now().timestamp())}")

    def decode(self, text: str) -> DeviceId | None:
        """Read what `encode` wrote while it is good; None for everything else."""
        found = _DEVICE.fullmatch(self.signer.opened(text) or "")
        if found is None or _Issue(self.clock).current(int(found[2])) is None:
            return None
        return DeviceId(found[1])


def _set(response: Response, name: str, value: str, life: timedelta, *, secure: bool) -> None:
    response.set_cookie(name, value, max_age=life, path="/", secure=secure, httponly=True, samesite="Lax")


def _clear(response: Response, name: str, *, secure: bool) -> None:
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
