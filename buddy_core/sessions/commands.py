"""Frozen inputs, one a use case."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen

from buddy_core.kernel.ids import AccountId, LoginSessionId


@frozen
class StartSession:
    """Sign in an account whose credentials the caller has checked."""

    account_id: AccountId
    label: str = ""
    """What the browser calls itself."""


@frozen
class BeginImpersonation:
    """Let a member of staff, whose right the caller has checked, into an account."""

    impersonator: AccountId
    parent_id: LoginSessionId
    """The session that the member of staff is signed in with."""
    account_id: AccountId
    reason: str
    label: str = ""
    life: timedelta | None = None
    """How long it lasts, cut to the policy's longest; None: that."""


@frozen
class EnterCode:
    """Enter a code of a second factor, to confirm the factor or to prove oneself."""

    account_id: AccountId
    session_id: LoginSessionId
    code: str
