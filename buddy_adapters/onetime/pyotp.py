"""Time-based one-time codes (RFC 6238) by pyotp."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from attrs import frozen
from pyotp import TOTP

from buddy_core.kernel import utc
from buddy_core.sessions import OneTimeCodes

SECRET_BYTES = 20
"""As long as a SHA-1 hash, which RFC 4226, section 4, recommends."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(seconds=30)
_DIGITS = 6


@frozen
class PyotpCodes:
    """Makes secrets and recognises their codes; apps show `issuer` above the code."""

    issuer: str

    def new_secret(self) -> bytes:
        return secrets.token_bytes(SECRET_BYTES)

    def matching_step(self, secret: bytes, code: str, at: datetime) -> int | None:
        if len(code) != _DIGITS or not (code.isascii() and code.isdigit()):
            return None
        now = (utc(at) - _EPOCH) // _STEP
        totp = _totp(secret)
        # All three are compared whatever the first says, so that the time tells nothing.
        matching = [
            step
            for step in range(max(0, now - 1), now + 2)
            if hmac.compare_digest(totp.generate_otp(step), code)
        ]
        return max(matching, default=None)

    def uri(self, secret: bytes, name: str) -> str:
        return _totp(secret).provisioning_uri(name=name, issuer_name=self.issuer)


def _totp(secret: bytes) -> TOTP:
    return TOTP(base64.b32encode(secret).decode("ascii"), digits=_DIGITS)


_conforms: type[OneTimeCodes] = PyotpCodes
