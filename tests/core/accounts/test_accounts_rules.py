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
    PasswordLack,
    WeakPassword,
    check_merge,
    check_password,
    fold_email,
)
from buddy_core.accounts.data import COMMON_PASSWORDS
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
    ("text", "lacks"),
    [
        ("", "too_short no_upper no_lower no_digit no_special"),
        ("Abcde1!", "too_short"),
        ("abcdefg1!", "no_upper"),
        ("ABCDEFG1!", "no_lower"),
        ("Abcdefgh!", "no_digit"),
        ("Abcdefg1", "no_special"),
        ("Abcdefg1 ", "no_special"),
        ("mnp", "too_short no_upper no_digit no_special"),
        ("Aa1!" * 19, "too_long"),
        ("Password", "no_digit no_special too_common"),
    ],
)
def test_everything_that_is_missing_is_named_at_once(text: str, lacks: str) -> None:
    """Length, each class of character and a common word are all in one answer, each by its code."""
    assert lacks_of(text) == lacks.split()


def test_lengths_are_counted_in_characters_and_in_bytes() -> None:
    """Eight characters of any script are long enough, and 72 bytes of them are the most."""
    assert lacks_of("\u0916\u0917\u0918\u0919Aa1") == ["too_short", "no_special"]
    assert lacks_of("\u0916\u0917\u0918\u0919Aa1!") == []
    assert lacks_of("Aa1!" + "\u0916" * 22 + "xy") == []
    assert lacks_of("Aa1!" + "\u0916" * 22 + "xyz") == ["too_long"]


def test_the_words_say_what_is_needed() -> None:
    """The message holds the words of each lack, and the facts hold them by code."""
    refused = WeakPassword((PasswordLack.TOO_SHORT, PasswordLack.NO_DIGIT))
    assert refused.message() == "The password needs at least 8 characters, a digit."
    assert [str(lack) for lack in refused.facts()["lacks"]] == ["too_short", "no_digit"]
    assert len({lack.words for lack in PasswordLack}) == len(PasswordLack)


COMMON = [
    "Password1!", "Password@123", "P@ssw0rd", "P@ssword1", "Passw0rd!", "PASSWORd_2026!", "Welcome@1",
    "Qwerty123!", "Admin@123", "Admin@12345", "India@123", "Krishna@108", "Letmein!1", "Iloveyou1!",
    "1Qaz@Wsx", "1qaz@wSX", "!Qaz2wsx", "Aa@123456", "123456Aa!", "Summer2024!", "\uff30assword1!",
    "***M0nkey9", "L3tm31n!!",
]  # fmt: skip


@pytest.mark.parametrize("text", COMMON)
def test_common_passwords_are_refused(text: str) -> None:
    """A password that has all the classes, as the commonest do, is refused for being one of them."""
    assert lacks_of(text) == ["too_common"]


@pytest.mark.parametrize(
    "text", ["Passwordless-7!", "My-Password-is-1-secret!", "India@12345678901", "Qx7!password", "7!Zqkwvbn"]
)
def test_a_common_word_among_others_is_no_harm(text: str) -> None:
    """A password that only holds a common word, or adds much to it, may be used."""
    assert lacks_of(text) == []


def test_each_known_password_fulfils_the_classes() -> None:
    """The list of known passwords holds none that the other rules would refuse anyway."""
    for known in COMMON_PASSWORDS:
        assert set(lacks_of(known)) <= {"too_common", "no_upper"}, known


@pytest.mark.parametrize(
    ("text", "email", "is_refused"),
    [
        ("Asha.k-2026", "asha.k@example.com", True),
        ("my-ASHA.K-2026", "Asha.K@Example.com", True),
        ("Asha-films-7", "asha+films@example.com", True),
        ("Xy-asha+films-7", "asha+films@example.com", True),
        ("\uff21sha-films-7", " asha@example.com", True),
        ("Bob-films-77", "bob@example.com", True),
        ("Al-is-my-7th", "al@example.com", False),
        ("Example.com-7", "asha@example.com", False),
        ("Asha-films-7", None, False),
        ("Asha-films-7", "no address", False),
        ("Asha-films-7", "", False),
    ],
)
def test_a_password_does_not_hold_the_address(text: str, email: str | None, is_refused: bool) -> None:
    """What stands before the @ is refused in a password, in any capitals, with its tag and without."""
    assert lacks_of(text, email) == (["holds_email"] if is_refused else [])


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_password_and_address_can_be_checked(text: str, email: str) -> None:
    """No text makes the check fail, and none passes with an address that is refused without one."""
    assert set(lacks_of(text)) <= set(lacks_of(text, email))


def lacks_of(text: str, email: str | None = None) -> list[str]:
    """Return the codes of what a password lacks; none if it is taken."""
    try:
        assert check_password(text, email) == text
    except WeakPassword as refused:
        return [str(lack) for lack in refused.lacks]
    return []


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
