"""What becomes of a session when a refresh token is presented."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from attrs import evolve, frozen

from buddy_core.sessions.errors import RefreshRefused
from buddy_core.sessions.model import EndReason, LoginSession, RefreshToken, SessionPolicy
from buddy_core.sessions.rules.living import end, is_live


@frozen
class Rotated:
    """The token was good: it is used up now, and the session has its next generation."""

    session: LoginSession


@frozen
class Repeated:
    """The token had just been rotated: another tab of the same browser asks; nothing changes."""

    session: LoginSession


@frozen
class Reused:
    """The token had been rotated long ago: the session is ended."""

    session: LoginSession


def hash_token(text: str) -> bytes:
    """Return what is kept of a refresh token: SHA-256 of its text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def issue(session: LoginSession, token_hash: bytes, at: datetime) -> RefreshToken:
    """Return the refresh token of the session's present generation.

    Raises:
        RefreshRefused: the session has none, for it has a hard end.
    """
    if session.renew_by is None:
        raise RefreshRefused("ended")
    return RefreshToken(token_hash, session.id, session.generation, at, session.renew_by)


def rotate(
    session: LoginSession | None,
    token: RefreshToken | None,
    at: datetime,
    policy: SessionPolicy,
    leeway: timedelta,
) -> Rotated | Repeated | Reused:
    """Decide on a token that was presented.

    A token works once. The one just before the newest may come again less than
    `leeway` from its use; any other that comes again ends the session, for the
    browser and a thief cannot be told apart. `Reused` has to be committed although
    the caller is refused.

    Raises:
        RefreshRefused: the token is unknown or expired, or its session is over.
    """
    if session is None or token is None or token.session_id != session.id:
        raise RefreshRefused("unknown")
    if not is_live(session, at):
        raise RefreshRefused("ended")
    if at >= token.expires_at:
        raise RefreshRefused("expired")
    if token.used_at is None:
        renewed = evolve(
            session,
            generation=session.generation + 1,
            last_used_at=max(at, session.last_used_at),
            renew_by=at + policy.refresh_life,
        )
        return Rotated(renewed)
    # The clock may have been read before the other tab's transaction ended, or set back: the distance counts.
    if token.generation == session.generation - 1 and abs(at - token.used_at) < leeway:
        return Repeated(session)
    return Reused(end(session, EndReason.REUSED, at))
