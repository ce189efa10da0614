"""Addresses, passwords, and who may merge into whom."""

from __future__ import annotations

import string

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.accounts import (
    Account,
    AccountType,
    BadEmail,
    CannotMerge,
    WeakPassword,
    check_merge,
    check_password,
    fold_email,
)
from tests.contracts.cases import AT, account

GUEST = Account(account(1), AccountType.GUEST, AT)
MEMBER = Account(account(2), AccountType.REGISTERED, AT, "asha@example.com")


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("asha@example.com", "asha@example.com"),
        ("  Asha.K+Films@Example.CO.IN \n", "asha.k+films@example.co.in"),
        ("STRASSE@EXAMPLE.DE", "strasse@example.de"),
        ("\uff21sha\uff20example.com", "asha@example.com"),
        ("ash\u0061\u0301@example.com", "ash\u00e1@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
    ],
)
def test_an_address_has_one_form(text: str, folded: str) -> None:
    """Blanks around it go, and capitals are folded."""
    assert fold_email(text) == folded


@pytest.mark.parametrize(
    "text",
    [
        "",
        "asha",
        "@example.com",
        "asha@",
        "asha@example",
        "a b@example.com",
        "a@b@example.com",
        "asha@.com",
        "asha@example..com",
        "asha@example.com.",
        f"{'a' * 65}@example.com",
        '"asha"@example.com',
        "asha@example.com,bilal@example.com",
        "asha,bilal@example.com",
        "Asha <asha@example.com>",
        "asha..k@example.com",
        ".asha@example.com",
        "asha@-example.com",
        "asha@exa,mple.com",
        f"a@{'b' * 250}.com",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Without a name, with no dot in its domain, blanks or quotes in it, or endless, a text is none."""
    with pytest.raises(BadEmail):
        fold_email(text)


@given(st.text(max_size=12), st.text(max_size=12))
def test_folding_twice_is_folding_once(name: str, domain: str) -> None:
    """A folded address folds to itself, so that what is stored is what is looked up."""
    try:
        folded = fold_email(f"{name}@{domain}.com")
    except BadEmail:
        return
    assert fold_email(folded) == folded


def test_a_good_password_passes() -> None:
    """Eight characters with one of each class are enough; letters of any script count."""
    assert check_password("Abcdef1!") == "Abcdef1!"
    assert check_password("Ünïcode 9?") == "Ünïcode 9?"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", 5),
        ("Abcde1!", 1),
        ("abcdefg1!", 1),
        ("ABCDEFG1!", 1),
        ("Abcdefgh!", 1),
        ("Abcdefg1", 1),
        ("Abcdefg1 ", 1),
        ("abc", 4),
        ("Aa1!" * 19, 1),
    ],
)
def test_everything_that_is_missing_is_named_at_once(text: str, missing: int) -> None:
    """Length and each class of character that lacks are all in one answer."""
    with pytest.raises(WeakPassword) as refused:
        check_password(text)
    assert len(refused.value.missing) == missing


@given(st.text(string.printable, max_size=80))
def test_an_accepted_password_is_never_cut(text: str) -> None:
    """What is accepted is returned as it is and fits into the 72 bytes that bcrypt reads."""
    try:
        assert check_password(text) == text
    except WeakPassword:
        return
    assert len(text) >= 8
    assert len(text.encode()) <= 72


def test_a_guest_merges_into_a_member_once() -> None:
    """The first time there is something to do; the same merge again is done already."""
    assert check_merge(GUEST, MEMBER) is True
    assert check_merge(evolve(GUEST, merged_into=MEMBER.id, merged_at=AT), MEMBER) is False


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (evolve(GUEST, merged_into=account(7), merged_at=AT), MEMBER),
        (evolve(MEMBER, id=account(3), email="ravi@example.com"), MEMBER),
        (GUEST, evolve(GUEST, id=account(3))),
        (GUEST, evolve(MEMBER, merged_into=account(3))),
        (MEMBER, MEMBER),
        (GUEST, GUEST),
    ],
)
def test_other_merges_are_refused(source: Account, target: Account) -> None:
    """A guest that went elsewhere, a member as source, and a target that is no live member are refused."""
    with pytest.raises(CannotMerge):
        check_merge(source, target)
