"""Acts that need a second person: the rule, the request, and what was decided."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from attrs import frozen

from buddy_core.kernel.ids import AccountId


@frozen
class SecondPersonRule:
    """Which act needs a second person, above which amount."""

    act: str
    """As the audit names it, such as `token_value.set`."""
    approve: str
    """The permission of whoever approves or rejects."""
    above: Fraction
    """The largest measure that one person may do alone."""
    measure: str
    """What is measured and in which unit, in words."""
    over: timedelta
    """How far back what was done before is measured along: small steps are no way around."""
    lives_for: timedelta = timedelta(days=7)
    """How long a request waits before it expires."""


class Outcome(StrEnum):
    """What became of a request; written once."""

    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ApprovalState(StrEnum):
    """How a request stands at an instant."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@frozen
class Request:
    """An act that waits for a second person."""

    id: str
    """`apr_` and 128 random bits."""
    act: str
    resource: str
    command: str
    """What is to be done: the command as canonical JSON."""
    measure: str
    """How large it is by the rule's measure: a fraction such as `1/2`, or `unlimited`."""
    reason: str
    requested_by: AccountId | None
    """None: the operator at the command line."""
    requested_at: datetime
    expires_at: datetime


@frozen
class Decision:
    """What was decided about a request, by whom and why."""

    request_id: str
    outcome: Outcome
    by: AccountId | None
    at: datetime
    reason: str
