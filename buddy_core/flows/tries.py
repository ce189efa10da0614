"""Under which key tries of a password are counted, wherever it is tried."""

from __future__ import annotations

import hashlib

from buddy_core.accounts import fold_email


def password_key(email: str) -> str:
    """Return the key under which tries of an address are counted: its hash, so that no address is kept.

    Raises:
        BadEmail: the text is no e-mail address.
    """
    return f"password:{hashlib.sha256(fold_email(email).encode()).hexdigest()}"
