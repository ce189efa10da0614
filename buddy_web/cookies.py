"""The signed cookies: who this browser is (account), and which device it is.

A cookie that was forged, altered or has expired is treated as absent: its bearer
becomes a new guest, and never somebody else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from uuid import UUID

from attrs import frozen
from flask import Request
from werkzeug.wrappers import Response

from buddy_core.kernel.clock import Clock, whole_second
from buddy_core.kernel.ids import AccountId, DeviceId
from buddy_web.keys import Signer

LIFETIME = timedelta(days=400)
"""The longest that browsers keep a cookie (RFC 6265bis, section 5.5)."""
RENEW_AFTER = timedelta(days=1)
"""A visitor's cookie is written anew when it is older: it rolls without being sent each time."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead the clock of another process of ours may be."""

_ACCOUNT = re.compile(r"1~([0-9a-f]{32})~(guest|member)~([0-9]{1,12})~([0-9]{1,9})", re.ASCII)
_DEVICE = re.compile(r"1~([A-Za-z0-9_-]{1,64})~([0-9]{1,12})", re.ASCII)


class VisitorKind(Enum):
    """How an account came to be known: by its cookie alone, or by registration."""

    GUEST = "guest"
    MEMBER = "member"


@frozen
class Identity:
    """Whose browser this is, as the cookie says it."""

    account_id: AccountId
    kind: VisitorKind
    issued_at: datetime
    """When the cookie was written, to the second; it moves when the cookie rolls."""
    session_version: int = 0
    """Signed into the cookie and the form token, so that signing out everywhere can come to count it up.

    Nothing counts or compares it yet: a cookie is good until it expires or its key is dropped.
    """


@frozen
class _Issue:
    """When signed values are good: from their writing until 400 days later."""

    clock: Clock

    def current(self, issued_s: int) -> datetime | None:
        issued_at = datetime.fromtimestamp(issued_s, UTC)
        now = self.clock.now()
        return issued_at if now - LIFETIME < issued_at <= now + CLOCK_SKEW else None


@frozen
class AccountCookie:
    """The cookie `buddy_account`: the account, its kind, when it was written, the session version."""

    signer: Signer
    clock: Clock
    secure: bool
    name: str = "buddy_account"

    def read(self, request: Request) -> Identity | None:
        """Return who the browser is, or None: no cookie, not ours, or too old."""
        return self.decode(request.cookies.get(self.name, ""))

    def write(self, response: Response, identity: Identity) -> None:
        """Put the identity into the answer's cookie for 400 days."""
        _set(response, self.name, self.encode(identity), secure=self.secure)

    def clear(self, response: Response) -> None:
        """Take the cookie from the browser."""
        _clear(response, self.name, secure=self.secure)

    def issue(self, account_id: AccountId, kind: VisitorKind, session_version: int = 0) -> Identity:
        """Return an identity issued now."""
        return Identity(account_id, kind, whole_second(self.clock.now()), session_version)

    def encode(self, identity: Identity) -> str:
        """Return the signed text of an identity."""
        return self.signer.sign(
            f"1~{identity.account_id.hex}~{identity.kind.value}"
            f"~{int(identity.issued_at.timestamp())}~{identity.session_version}"
        )

    def decode(self, text: str) -> Identity | None:
        """Read what `encode` wrote while it is good; None for everything else."""
        found = _ACCOUNT.fullmatch(self.signer.opened(text) or "")
        if found is None:
            return None
        issued_at = _Issue(self.clock).current(int(found[3]))
        if issued_at is None:
            return None
        return Identity(AccountId(UUID(found[1])), VisitorKind(found[2]), issued_at, int(found[4]))

    def due(self, identity: Identity) -> bool:
        """Return whether the cookie is old enough to be written anew."""
        return self.clock.now() - identity.issued_at >= RENEW_AFTER


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
        _set(response, self.name, self.encode(device_id), secure=self.secure)

    def encode(self, device_id: DeviceId) -> str:
        """Return the signed text of a device's id, issued now."""
        return self.signer.sign(f"1~{device_id}~{int(self.clock.now().timestamp())}")

    def decode(self, text: str) -> DeviceId | None:
        """Read what `encode` wrote while it is good; None for everything else."""
        found = _DEVICE.fullmatch(self.signer.opened(text) or "")
        if found is None or _Issue(self.clock).current(int(found[2])) is None:
            return None
        return DeviceId(found[1])


def _set(response: Response, name: str, value: str, *, secure: bool) -> None:
    response.set_cookie(name, value, max_age=LIFETIME, path="/", secure=secure, httponly=True, samesite="Lax")


def _clear(response: Response, name: str, *, secure: bool) -> None:
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
