"""How a session begins, when its access tokens are accepted, and how it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve

from buddy_core.kernel.clock import whole_second
from buddy_core.kernel.ids import AccountId, LoginSessionId
from buddy_core.sessions.commands import BeginImpersonation, StartSession
from buddy_core.sessions.errors import CannotImpersonate, LoginSessionNotFound, NotWhileImpersonating
from buddy_core.sessions.model import (
    AccessClaims,
    Dead,
    DeadReason,
    EndReason,
    Live,
    LoginSession,
    SessionPolicy,
)

MAX_SKEW = timedelta(minutes=1)
"""How far the clocks of two hosts may be apart."""
TOUCH_EVERY = timedelta(minutes=1)
"""How exactly a session's last use is known; a write for each request would buy nothing."""


def start(
    command: StartSession, session: LoginSessionId, at: datetime, policy: SessionPolicy
) -> LoginSession:
    """Return the session that a sign-in begins."""
    return LoginSession(
        id=session,
        account_id=command.account_id,
        started_at=at,
        last_used_at=at,
        renew_by=at + policy.refresh_life,
        label=command.label,
    )


def impersonate(
    command: BeginImpersonation,
    parent: LoginSession | None,
    session: LoginSessionId,
    at: datetime,
    policy: SessionPolicy,
) -> LoginSession:
    """Return the session of a member of staff in somebody else's account.

    Raises:
        CannotImpersonate: names what is missing.
    """
    if parent is None or parent.account_id != command.impersonator or not is_live(parent, at):
        raise CannotImpersonate("you are not signed in yourself")
    if parent.impersonator is not None:
        raise CannotImpersonate("leave the one that you are in first")
    if command.account_id == command.impersonator:
        raise CannotImpersonate("it is your own")
    life = policy.impersonation_life
    if command.life is not None:
        life = min(life, command.life)
    ends_at = whole_second(at + life)
    if ends_at <= at:
        raise CannotImpersonate("the time for it must be a second or more")
    begun = LoginSession(
        id=session,
        account_id=command.account_id,
        started_at=at,
        last_used_at=at,
        renew_by=None,
        label=command.label,
        impersonator=command.impersonator,
        parent_id=parent.id,
        reason=command.reason,
        ends_at=ends_at,
    )
    if not begun.reason:
        raise CannotImpersonate("say why you need to")
    return begun


def is_live(session: LoginSession, at: datetime) -> bool:
    """Tell whether a session was not ended and is not over by itself; its parent is not looked at."""
    return session.ended_at is None and at < session.over_at


def claims_for(session: LoginSession, at: datetime, policy: SessionPolicy) -> AccessClaims:
    """Return what an access token made at `at` says; it never outlives a hard end.

    An impersonation has no refresh token, so its access token lasts to the hard end.
    """
    issued_at = whole_second(at)
    expires_at = issued_at + policy.access_life if session.ends_at is None else session.ends_at
    return AccessClaims(session.id, session.account_id, session.generation, issued_at, expires_at)


def judge(
    claims: AccessClaims,
    session: LoginSession | None,
    parent: LoginSession | None,
    at: datetime,
    policy: SessionPolicy,
) -> Live | Dead:
    """Tell whether an access token with these claims, whose signature was proven, is accepted now.

    `session` and `parent` are read fresh, so that no token outlives the log-out of
    its session, however young it is. A policy that became stricter counts at once.
    """
    if session is None or (session.id, session.account_id) != (claims.session_id, claims.account_id):
        return Dead(DeadReason.UNKNOWN)
    if not is_live(session, at):
        return Dead(DeadReason.ENDED)
    if session.parent_id is not None and not _is_parent(parent, session, at):
        return Dead(DeadReason.PARENT_ENDED)
    longest = policy.access_life if session.parent_id is None else policy.impersonation_life
    if at >= min(claims.expires_at, claims.issued_at + longest):
        return Dead(DeadReason.EXPIRED)
    if claims.issued_at > at + MAX_SKEW:
        return Dead(DeadReason.NOT_YET)
    return Live(session)


def _is_parent(parent: LoginSession | None, session: LoginSession, at: datetime) -> bool:
    if parent is None or (parent.id, parent.account_id) != (session.parent_id, session.impersonator):
        return False
    return is_live(parent, at)


def own(session: LoginSession | None, account: AccountId, at: datetime) -> LoginSession:
    """Return the session if it is live and its account's owner signed in with it.

    Raises:
        LoginSessionNotFound: there is none, it is over, or it is another account's.
        NotWhileImpersonating: it is a member of staff's.
    """
    if session is None or session.account_id != account or not is_live(session, at):
        raise LoginSessionNotFound
    if session.impersonator is not None:
        raise NotWhileImpersonating
    return session


def end(session: LoginSession, reason: EndReason, at: datetime) -> LoginSession:
    """Return the session ended; one that was ended before stays as it is.

    To sign out of somebody else's account is to end the impersonation. A clock
    that was set back does not end a session before its start.
    """
    if session.ended_at is not None:
        return session
    if session.impersonator is not None and reason is EndReason.SIGNED_OUT:
        reason = EndReason.IMPERSONATION_ENDED
    return evolve(session, ended_at=max(at, session.started_at), end_reason=reason)


def touch(session: LoginSession, at: datetime) -> LoginSession:
    """Return the session as last used at `at`; the same one if it was used within the last minute."""
    if not is_live(session, at) or at < session.last_used_at + TOUCH_EVERY:
        return session
    return evolve(session, last_used_at=at)
