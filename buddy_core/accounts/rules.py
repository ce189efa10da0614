"""What an e-mail address and a password must be, and who may merge into whom."""

from __future__ import annotations

import re
import unicodedata

from buddy_core.accounts.errors import BadEmail, CannotMerge, WeakPassword
from buddy_core.accounts.model import Account, AccountType

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_BYTES = 72
"""What bcrypt reads at most; longer passwords are refused rather than cut."""

# No quoted local parts, comments or address lists: RFC 5321 allows some of them, and nobody has one.
_ATOM = r"[^@\s.\"(),:;<>\[\]\\]+"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
_CLASSES = (
    ("an upper-case letter", str.isupper),
    ("a lower-case letter", str.islower),
    ("a digit", str.isdigit),
    ("a special character", lambda char: not char.isalnum() and not char.isspace()),
)


def fold_email(text: str) -> str:
    """Return the address in the one form it is stored and compared in: NFKC, and without capitals.

    Raises:
        BadEmail: it is no e-mail address.
    """
    # Folding can undo the normal form, and the other way round: this is Unicode's NFKC_Casefold.
    folded = _nfkc(_nfkc(_nfkc(text).casefold()).casefold()).strip()
    if len(folded) > 254 or not folded.isprintable() or not _EMAIL.fullmatch(folded):
        raise BadEmail
    return folded


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def check_password(text: str) -> str:
    """Return the password if it has 8 characters or more of each class (row 2.01).

    Raises:
        WeakPassword: names everything that is missing at once.
    """
    missing = [name for name, is_class in _CLASSES if not any(is_class(char) for char in text)]
    if len(text) < MIN_PASSWORD_LENGTH:
        missing.insert(0, f"at least {MIN_PASSWORD_LENGTH} characters")
    if len(text.encode()) > MAX_PASSWORD_BYTES:
        missing.insert(0, f"at most {MAX_PASSWORD_BYTES} bytes")
    if missing:
        raise WeakPassword(tuple(missing))
    return text


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
