"""Accounts: a guest is a real one, and may later merge into a member."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from buddy_core.kernel.ids import AccountId


class AccountType(StrEnum):
    """Whether somebody has registered."""

    GUEST = "guest"
    REGISTERED = "registered"


@frozen
class Account:
    """Somebody who can earn, spend and watch.

    `merged_into` is set once, when a guest's things went to a member; from then
    on the guest account is only a pointer.
    """

    id: AccountId
    type: AccountType
    created_at: datetime
    email: str | None = None
    """Folded to lower case; None for a guest."""
    merged_into: AccountId | None = None
    merged_at: datetime | None = None


@frozen
class Credential:
    """What proves a member: the hash of a password, never the password."""

    account_id: AccountId
    password_hash: str
