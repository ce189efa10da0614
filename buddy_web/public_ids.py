"""Public ids: what the outside sees in the place of an internal id, kept in no table.

An internal id is a UUIDv7: it tells when the thing was made, and is never shown.
Its 16 bytes are exactly one block of AES, so that one block under a secret key is
a permutation of all ids: each has one public form, two never share one, and
without the key nothing of the inner id can be told from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from attrs import field, frozen
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from buddy_core.kernel.ids import AccountId, GrantId
from buddy_web.keys import purpose_keys

ACCOUNT_PREFIX = "usr_"
GRANT_PREFIX = "gra_"
WINDOW_PREFIX = "win_"
LICENCE_PREFIX = "lic_"
TAKEDOWN_PREFIX = "tkd_"
PURPOSE = "public-ids"
_DIGITS = re.compile(r"[0-9a-f]{32}", re.ASCII)


@frozen
class PublicIds:
    """Shows account ids by the first key, and reads what any of the keys showed."""

    keys: tuple[bytes, ...] = field(repr=False)
    """AES-256 keys, 32 bytes each, the newest first."""

    def show(self, account_id: AccountId) -> str:
        """Return the account's public id: `usr_` and 32 lower-case hex digits.

        It stays the same until the secret key is changed.
        """
        return self._shown(ACCOUNT_PREFIX, account_id)

    def read(self, text: str) -> tuple[AccountId, ...]:
        """Return the accounts that `text` may stand for: one for each key, that of the newest first.

        Any 32 digits stand for some id under every key, so that a candidate says nothing
        until it is found: of a true public id all but one lead to no account. A text
        that is not of the form has no candidates.
        """
        return tuple(map(AccountId, self._read(ACCOUNT_PREFIX, text)))

    def show_grant(self, grant_id: UUID) -> str:
        """Return the public id of a grant, or of the window that stands for one: `gra_` and digits."""
        return self._shown(GRANT_PREFIX, grant_id)

    def read_grant(self, text: str) -> tuple[GrantId, ...]:
        """Return the grants that `text` may stand for, as `read` does for accounts."""
        return tuple(map(GrantId, self._read(GRANT_PREFIX, text)))

    def show_as(self, prefix: str, inner: UUID) -> str:
        """Return the public id of a thing of the kind that `prefix` names: `win_`, `lic_` or `tkd_`."""
        return self._shown(prefix, inner)

    def read_as(self, prefix: str, text: str) -> tuple[UUID, ...]:
        """Return the ids that `text` may stand for, if it has this prefix, as `read` does for accounts."""
        return tuple(self._read(prefix, text))

    def _shown(self, prefix: str, inner: UUID) -> str:
        return f"{prefix}{_cipher(self.keys[0]).encryptor().update(inner.bytes).hex()}"

    def _read(self, prefix: str, text: str) -> list[UUID]:
        digits = text.removeprefix(prefix)
        if digits == text or _DIGITS.fullmatch(digits) is None:
            return []
        block = bytes.fromhex(digits)
        return [UUID(bytes=_cipher(key).decryptor().update(block)) for key in self.keys]


def public_ids(secrets: Sequence[str]) -> PublicIds:
    """Return the public ids under the secret keys of the settings, the one that signs first."""
    return PublicIds(purpose_keys(secrets, PURPOSE))


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    # ECB is the bare block cipher. What makes it unfit for messages, equal blocks looking
    # equal, is what is wanted of an id; and there is only ever one block.
    return Cipher(algorithms.AES256(key), modes.ECB())
