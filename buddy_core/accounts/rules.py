"""What an e-mail address and a password must be, and who may merge into whom."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from buddy_core.accounts.data import COMMON_PASSWORDS, COMMON_WORDS
from buddy_core.accounts.errors import (
    MAX_PASSWORD_BYTES,
    MIN_PASSWORD_LENGTH,
    BadEmail,
    CannotMerge,
    PasswordLack,
    WeakPassword,
)
from buddy_core.accounts.model import Account, AccountType

MIN_EMAIL_PART = 3
"""A shorter name before the @ stands in too many passwords by chance."""
MAX_DECORATION = 10
"""How many digits and signs around a common word leave it common; more are a secret of their own."""

# No quoted local parts, comments or address lists: RFC 5321 allows some of them, and nobody has one.
_ATOM = r"[^@\s.\"(),:;<>\[\]\\]+"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
_CLASSES = (
    (PasswordLack.NO_UPPER, str.isupper),
    (PasswordLack.NO_LOWER, str.islower),
    (PasswordLack.NO_DIGIT, str.isdigit),
    (PasswordLack.NO_SPECIAL, lambda char: not char.isalnum() and not char.isspace()),
)
_DISGUISE = str.maketrans("@4831!0$57", "aabeiiosst")
"""Signs and digits that stand for the letters that they look like."""


def fold_email(text: str) -> str:
    """Return the address in the one form it is stored and compared in: NFKC, and without capitals.

    Raises:
        BadEmail: it is no e-mail address.
    """
    folded = _fold(text).strip()
    if len(folded) > 254 or not folded.isprintable() or not _EMAIL.fullmatch(folded):
        raise BadEmail
    return folded


def check_password(text: str, email: str | None = None) -> str:
    """Return the password if it is long enough, has each class of character and is hard to guess (row 2.01).

    `email` is the address it is for, folded or not: what stands before its @ may not
    stand in the password.

    Raises:
        WeakPassword: names everything that it lacks at once.
    """
    lacks = tuple(_lacks(text, email))
    if lacks:
        raise WeakPassword(lacks)
    return text


def _lacks(text: str, email: str | None) -> Iterator[PasswordLack]:
    if len(text.encode()) > MAX_PASSWORD_BYTES:
        yield PasswordLack.TOO_LONG
    if len(text) < MIN_PASSWORD_LENGTH:
        yield PasswordLack.TOO_SHORT
    for lack, is_class in _CLASSES:
        if not any(is_class(char) for char in text):
            yield lack
    folded = _fold(text)
    if _is_common(folded):
        yield PasswordLack.TOO_COMMON
    if email is not None and any(part in folded for part in _telling_parts(email)):
        yield PasswordLack.HOLDS_EMAIL


def _is_common(folded: str) -> bool:
    """Tell whether a folded password is a known one, or a common word with few digits and signs around it."""
    if folded in COMMON_PASSWORDS:
        return True
    start = next((place for place, char in enumerate(folded) if char.isalpha()), len(folded))
    end = next((place for place in range(len(folded), start, -1) if folded[place - 1].isalpha()), start)
    word = folded[start:end]
    return len(folded) - len(word) <= MAX_DECORATION and bool(
        {word, word.translate(_DISGUISE)} & COMMON_WORDS
    )


def _telling_parts(email: str) -> set[str]:
    """Return what stands before the @, with and without a tag after a plus sign."""
    name = _fold(email).strip().rpartition("@")[0]
    return {part for part in (name, name.partition("+")[0]) if len(part) >= MIN_EMAIL_PART}


def _fold(text: str) -> str:
    # Folding can undo the normal form, and the other way round: this is Unicode's NFKC_Casefold.
    return _nfkc(_nfkc(_nfkc(text).casefold()).casefold())


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def check_merge(guest: Account, member: Account) -> bool:
    """Tell whether a merge is still to be done; False when this very one was done before.

    Raises:
        CannotMerge: the source is no guest, went elsewhere, or the target cannot take it.
    """
    if guest.merged_into == member.id:
        return False
    if guest.merged_into is not None:
        raise CannotMerge("the guest has already gone to another account")
    if guest.type is not AccountType.GUEST:
        raise CannotMerge("only a guest can merge into a member")
    if member.type is not AccountType.REGISTERED or member.merged_into is not None:
        raise CannotMerge("the target is not a member")
    return True
