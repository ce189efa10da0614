"""What is sealed opens with its own key and context alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_adapters.sealing import AesGcmSealer
from buddy_core.kernel import InvalidValue
from buddy_core.sessions import SecretUnreadable

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SEALER = AesGcmSealer([NEW])


@given(st.binary(max_size=100), st.binary(max_size=40))
def test_what_is_sealed_opens_again(secret: bytes, context: bytes) -> None:
    """Every secret comes back with its key and context."""
    assert SEALER.open(SEALER.seal(secret, context), context) == secret


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_another_context_opens_nothing(context: bytes, other: bytes) -> None:
    """A secret that was moved to another row stays shut."""
    sealed = SEALER.seal(b"secret", context)
    if other != context:
        with pytest.raises(SecretUnreadable):
            SEALER.open(sealed, other)


@given(st.data())
def test_an_altered_byte_opens_nothing(data: st.DataObject) -> None:
    """Whichever bit is turned, in form, nonce, text or tag, the secret stays shut."""
    sealed = bytearray(SEALER.seal(b"a secret of some length", b"row 1"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SecretUnreadable):
        SEALER.open(bytes(sealed), b"row 1")


@given(st.binary(max_size=60))
def test_what_was_never_sealed_opens_nothing(sealed: bytes) -> None:
    """Any bytes at all, too short ones among them, are refused in our own words."""
    with pytest.raises(SecretUnreadable):
        SEALER.open(sealed, b"")


def test_keys_are_changed_without_loss() -> None:
    """The first key seals, all open; a key that is taken away takes its secrets along."""
    sealed = AesGcmSealer([OLD]).seal(b"secret", b"row 1")
    both = AesGcmSealer([NEW, OLD])
    assert both.open(sealed, b"row 1") == b"secret"
    assert SEALER.open(both.seal(b"secret", b"row 1"), b"row 1") == b"secret"
    with pytest.raises(SecretUnreadable):
        SEALER.open(sealed, b"row 1")


def test_no_two_seals_are_alike() -> None:
    """The same secret sealed twice differs, and neither shows the secret."""
    first, second = (SEALER.seal(b"secret", b"row 1") for _ in range(2))
    assert first != second
    assert b"secret" not in first


def test_a_stored_secret_opens_in_later_versions() -> None:
    """A sealed form written down here once still opens: form byte, nonce, ciphertext, tag."""
    sealed = bytes.fromhex("014a8c402d0298040e2265c4d957ba852172f05a9fd3b5ccd1f9f183ceff9cfd9eafbe")
    assert AesGcmSealer([OLD]).open(sealed, b"row 1") == b"secret"


@pytest.mark.parametrize("keys", [[], [b""], [bytes(16)], [NEW, bytes(31)], [bytes(33)]])
def test_keys_of_another_length_are_refused(keys: list[bytes]) -> None:
    """No key at all, or one that is not 32 bytes, is an invalid value."""
    with pytest.raises(InvalidValue):
        AesGcmSealer(keys)


def test_keys_are_not_shown() -> None:
    """A sealer that is logged does not tell its keys."""
    assert NEW.hex() not in repr(SEALER)
    assert repr(NEW) not in repr(SEALER)
