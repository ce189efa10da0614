"""Public ids: account ids as the outside sees them."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel.ids import AccountId
from buddy_web.app import BuddyApp, web
from buddy_web.public_ids import (
    LICENCE_PREFIX,
    TAKEDOWN_PREFIX,
    WINDOW_PREFIX,
    PublicIds,
    public_ids,
)

NEW, OLD = "a-new-secret-key-of-the-service-number-two", "the-former-secret-key-of-the-service-one"
ACCOUNTS = st.uuids().map(AccountId)


@given(ACCOUNTS)
def test_what_is_shown_is_read(account: AccountId) -> None:
    """A public id leads back to its account, and to no other under the same key."""
    ids = public_ids((NEW,))
    assert ids.read(ids.show(account)) == (account,)


@given(ACCOUNTS)
def test_old_keys_still_read(account: AccountId) -> None:
    """After a change of key the old public id still leads to the account, behind the new key's candidate."""
    candidates = public_ids((NEW, OLD)).read(public_ids((OLD,)).show(account))
    assert len(candidates) == 2
    assert candidates[1] == account
    assert candidates[0] != account


@given(ACCOUNTS)
def test_the_newest_key_shows(account: AccountId) -> None:
    """A public id is made by the newest key, whichever old ones are kept."""
    assert public_ids((NEW, OLD)).show(account) == public_ids((NEW,)).show(account)
    assert public_ids((NEW, OLD)).read(public_ids((NEW,)).show(account))[0] == account


@given(st.sets(ACCOUNTS, min_size=2, max_size=20))
def test_no_two_accounts_share_a_public_id(accounts: set[AccountId]) -> None:
    """As many accounts have as many public ids, all of the one form."""
    shown = {public_ids((NEW,)).show(account) for account in accounts}
    assert len(shown) == len(accounts)
    assert all(re.fullmatch(r"usr_[0-9a-f]{32}", text) for text in shown)


@given(st.integers(0, 2**32), st.integers(0, 127))
def test_neighbours_look_unlike(number: int, bit: int) -> None:
    """Ids that differ in one bit have public ids that differ in about half of their bits."""
    ids = public_ids((NEW,))
    left, right = (
        int(ids.show(AccountId(UUID(int=value)))[4:], 16) for value in (number, number ^ (1 << bit))
    )
    # For two unrelated blocks fewer than 24 of 128 happens about once in 10^13.
    assert (left ^ right).bit_count() >= 24


def test_the_permutation_is_aes() -> None:
    """The block is AES-256 as FIPS 197 gives it in its appendix C.3."""
    ids = PublicIds((bytes(range(32)),))
    account = AccountId(UUID("00112233-4455-6677-8899-aabbccddeeff"))
    assert ids.show(account) == "usr_8ea2b7ca516745bfeafc49904b496089"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "usr_",
        "usr_8EA2B7CA516745BFEAFC49904B496089",
        "usr_8ea2b7ca516745bfeafc49904b49608",
        "usr_8ea2b7ca516745bfeafc49904b4960899",
        "usr_8ea2b7ca516745bfeafc49904b496089\n",
        "ses_8ea2b7ca516745bfeafc49904b496089",
        "8ea2b7ca516745bfeafc49904b496089",
        "usr_٨ea2b7ca516745bfeafc49904b496089",
        "usr_8ea2b7ca-5167-45bf-eafc-49904b496089",
    ],
)
def test_other_texts_are_no_public_ids(text: str) -> None:
    """Capitals, another length or prefix, blanks and foreign digits have no candidates."""
    assert public_ids((NEW, OLD)).read(text) == ()


@given(st.text(max_size=50))
def test_any_text_can_be_read(text: str) -> None:
    """No text makes reading fail."""
    assert isinstance(public_ids((NEW,)).read(text), tuple)


def test_keys_stay_out_of_sight() -> None:
    """The keys are not in what a log or a traceback would show."""
    assert repr(public_ids((NEW,))) == "PublicIds()"


def test_the_host_has_them(app: BuddyApp) -> None:
    """Views find the service's public ids at the host."""
    with app.test_request_context():
        account = AccountId(UUID(int=7))
        assert web().public_ids.read(web().public_ids.show(account)) == (account,)


@given(st.uuids(), st.sampled_from([WINDOW_PREFIX, LICENCE_PREFIX, TAKEDOWN_PREFIX]))
def test_each_kind_of_thing_has_its_prefix(inner: UUID, prefix: str) -> None:
    """What is shown of a window, licence or takedown is read as one of its kind, and as nothing else."""
    ids = public_ids((NEW, OLD))
    shown = ids.show_as(prefix, inner)
    assert shown.startswith(prefix)
    assert ids.read_as(prefix, shown)[0] == inner
    assert ids.read(shown) == ids.read_grant(shown) == ids.read_as("abc_", shown) == ()
