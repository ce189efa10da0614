"""Public ids: what the outside sees in the place of an account's internal id, kept in no table.

An internal id is a UUIDv7: it tells when the account was made, and is never shown.
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

from buddy_core.kernel.ids import AccountId
from buddy_web.keys import purpose_keys

ACCOUNT_PREFIX = "usr_"
PURPOSE = "public-ids"
_ACCOUNT = re.compile(rf"{ACCOUNT_PREFIX}([0-9a-f]{{32}})", re.ASCII)


@frozen
class PublicIds:
    """Shows account ids by the first key, and reads what any of the keys showed."""

    keys: tuple[bytes, ...] = field(repr=False)
    """AES-256 keys, 32 bytes each, the newest first."""

    def show(self, account_id: AccountId) -> str:
        """Return the account's public id: `usr_` and 32 lower-case hex digits.

        It stays the same until the secret key is changed.
        """
        block = _cipher(self.keys[0]).encryptor().update(account_id.bytes)
        return f"{ACCOUNT_PREFIX}{block.hex()}"

    def read(self, text: str) -> tuple[AccountId, ...]:
        """Return the accounts that `text` may stand for: one for each key, that of the newest first.

        Any 32 digits stand for some id under every key, so that a candidate says nothing
        until it is found: of a true public id all but one lead to no account. A text
        that is not of the form has no candidates.
        """
        found = _ACCOUNT.fullmatch(text)
        if found is None:
            return ()
        block = bytes.fromhex(found[1])
        return tuple(AccountId(UUID(bytes=_cipher(key).decryptor().update(block))) for key in self.keys)


def public_ids(secrets: Sequence[str]) -> PublicIds:
    """Return the public ids under the secret keys of the settings, the one that signs first."""
    return PublicIds(purpose_keys(secrets, PURPOSE))


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    # ECB is the bare block cipher. What makes it unfit for messages, equal blocks looking
    # equal, is what is wanted of an id; and there is only ever one block.
    return Cipher(algorithms.AES256(key), modes.ECB())
