"""Secrets sealed by AES-256-GCM, with the context as associated data."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from attrs import Attribute, field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from buddy_core.kernel import InvalidValue
from buddy_core.sessions import Sealer, SecretUnreadable

KEY_BYTES = 32
_FORM = b"\x01"
"""The first byte: which form the rest has, so that another one can come later."""
_NONCE_BYTES = 12
_TAG_BYTES = 16


def _check_keys(_: Any, __: Attribute[tuple[bytes, ...]], keys: tuple[bytes, ...]) -> None:
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise InvalidValue("sealing keys", f"give one key or more, each of {KEY_BYTES} bytes")


def _as_tuple(keys: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(keys)


@frozen
class AesGcmSealer:
    """Seals with the first key and opens what any of the keys sealed.

    The sealed form is the byte 1, a random nonce of 12 bytes, then ciphertext and
    tag. Random nonces are safe for 2^32 seals a key (NIST SP 800-38D, 8.3).

    Raises:
        InvalidValue: no key, or one that is not 32 bytes long.
    """

    keys: tuple[bytes, ...] = field(repr=False, converter=_as_tuple, validator=_check_keys)

    def seal(self, secret: bytes, context: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + AESGCM(self.keys[0]).encrypt(nonce, secret, _FORM + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        form, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if form != _FORM or len(rest) < _TAG_BYTES:
            raise SecretUnreadable
        for key in self.keys:
            try:
                return AESGCM(key).decrypt(nonce, rest, _FORM + context)
            except InvalidTag:
                continue
        raise SecretUnreadable


_conforms: type[Sealer] = AesGcmSealer
