"""Keys and signatures of the host: one key a purpose, drawn from the secret keys of the settings."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from attrs import field, frozen


def purpose_keys(secrets: Sequence[str], purpose: str) -> tuple[bytes, ...]:
    """Return one key for each secret, good for `purpose` alone (HMAC-SHA256 of its name).

    What one purpose signs never passes for another's: a device cookie cannot be
    put in the place of an account cookie.
    """
    return tuple(_mac(secret.encode(), f"buddy/{purpose}") for secret in secrets)


@frozen
class Signer:
    """Signs with the first key, and recognises what any of the keys signed."""

    keys: tuple[bytes, ...] = field(repr=False)

    def signature(self, text: str) -> str:
        """Return the signature of `text` as base64url without padding."""
        return _mac_text(self.keys[0], text)

    def matches(self, text: str, signature: str) -> bool:
        """Return whether one of the keys made `signature` for `text`; takes the same time either way.

        The texts of the signatures are compared, not the bytes behind them:
        several texts decode to the same bytes, and only one is ours.
        """
        given = signature.encode("utf-8", "surrogatepass")
        found = [hmac.compare_digest(_mac_text(key, text).encode(), given) for key in self.keys]
        return any(found)

    def sign(self, text: str) -> str:
        """Return `text`, a full stop and the signature."""
        return f"{text}.{self.signature(text)}"

    def opened(self, signed: str) -> str | None:
        """Return the text that `sign` was given, or None if this is not its work."""
        text, _, signature = signed.rpartition(".")
        return text if self.matches(text, signature) else None


def signer(secrets: Sequence[str], purpose: str) -> Signer:
    """Return the signer for one purpose."""
    return Signer(purpose_keys(secrets, purpose))


def base64url(raw: bytes) -> str:
    """Return base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _mac_text(key: bytes, text: str) -> str:
    return base64url(_mac(key, text))
