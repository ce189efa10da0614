"""The API's sessions: whom a token stands for, where one is signed in, and the second factor."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from werkzeug.wrappers import Response

from buddy_core.accounts import WrongCredentials
from buddy_core.kernel.errors import Contention
from buddy_core.sessions import (
    AccessClaims,
    Enrolled,
    LoginSession,
    LoginSessionNotFound,
    NotWhileImpersonating,
    SecondFactor,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorWrong,
    SecretUnreadable,
    SessionPolicy,
    SignInLocked,
    is_proven,
)
from buddy_web.app import Web, web
from buddy_web.guests import TokenRefused, forget_who
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import OWN, current_actor, current_session, current_who
from buddy_web.routes.api_accounts import describe, describe_nobody
from buddy_web.schemas import accounts as schema

api = Api("sessions", "Where one is signed in, and the second factor.")

READ, MANAGE = "account:read", "account:manage"
_CODE_ERRORS = (
    SignInLocked,
    LoginSessionNotFound,
    NotWhileImpersonating,
    SecondFactorMissing,
    SecondFactorWrong,
    SecretUnreadable,
    Contention,
)


@api.get("/auth/verify", may=OWN, answer=schema.Verified)
def verify() -> dict[str, Any]:
    """Say whom the access token or cookie stands for, and until when."""
    w = web()
    session = _session()
    who, claims = current_who(), _claims(w)
    answer = schema.Verified(
        user_id=w.public_ids.show(who.account.id),
        email=who.account.email,
        roles=sorted(who.actor.roles),
        session_id=session.id,
        issued_at=claims.issued_at,
        expires_at=claims.expires_at,
        session_ends_at=session.over_at,
        needs_second_factor=who.actor.owes_second_factor,
        second_factor_until=_proven_until(w, session),
        is_support=session.impersonator is not None,
    )
    return answer.model_dump(mode="json")


@api.get("/auth/sessions", may=READ, answer=schema.Sessions)
def sessions() -> dict[str, Any]:
    """Return where the account is signed in, the last used first."""
    w = web()
    current = current_session()
    found: list[LoginSession] = w.call(w.container.list_sessions, current_who().account.id)
    answer = schema.Sessions(
        sessions=[
            schema.SessionSummary(
                id=item.id,
                label=item.label,
                started_at=item.started_at,
                last_used_at=item.last_used_at,
                ends_at=item.over_at,
                is_current=item.id == current,
                is_support=item.impersonator is not None,
            )
            for item in found
        ]
    )
    return answer.model_dump(mode="json")


@api.delete(
    "/auth/sessions/<id>", may=MANAGE, answer=None, status=204, errors=(LoginSessionNotFound, Contention)
)
def end_session(path: schema.SessionPath) -> Response:
    """Sign one browser or app out: its tokens open nothing any more. Again changes nothing."""
    w = web()
    current = current_session()
    w.call(w.container.end_own_session, current_actor(), path.id, correlation_id=correlation_id.get())
    if path.id == current:
        w.visitors.forget()
        forget_who()
    return no_content()


@api.post("/auth/logout-all", may=MANAGE, answer=schema.SignedOut, errors=(Contention,))
def end_all_sessions(body: schema.SignOutBody) -> dict[str, Any]:
    """Sign out everywhere, here too unless this session is to be kept."""
    w = web()
    kept = current_session() if body.keep_current else None
    current_session()
    ended = w.call(
        w.container.end_own_sessions, current_actor(), except_=kept, correlation_id=correlation_id.get()
    )
    if kept is None:
        w.visitors.forget()
        forget_who()
    me = describe_nobody(w) if kept is None else describe(w)
    return schema.SignedOut(**me, ended=len(ended)).model_dump(mode="json")


@api.get("/auth/second-factor", may=OWN, answer=schema.SecondFactor)
def second_factor() -> dict[str, Any]:
    """Say how the account's second factor stands, and whether this session has proved it."""
    return _state(web(), _session())


@api.post(
    "/auth/second-factor",
    may=MANAGE,
    answer=schema.Enrolled,
    status=201,
    errors=(SecondFactorExists, WrongCredentials, SignInLocked, Contention),
)
def enrol_second_factor(body: schema.PasswordBody) -> tuple[dict[str, Any], int]:
    """Give out a secret for an authenticator, once; it counts when its first code is confirmed.

    The password is asked for again: a token alone sets up nothing.
    """
    w = web()
    current_session()
    found: Enrolled = w.call(w.container.set_up_second_factor, current_actor(), body.password)
    [secret] = parse_qs(urlsplit(found.uri).query)["secret"]
    return schema.Enrolled(uri=found.uri, secret=secret).model_dump(mode="json"), 201


@api.post(
    "/auth/second-factor/confirm",
    may=MANAGE,
    answer=schema.SecondFactor,
    errors=(*_CODE_ERRORS, SecondFactorExists),
)
def confirm_second_factor(body: schema.CodeBody) -> dict[str, Any]:
    """Set the second factor by its first code, which also proves this session."""
    w = web()
    session = w.call(
        w.container.confirm_second_factor,
        current_actor(),
        current_session(),
        body.code,
        correlation_id=correlation_id.get(),
    )
    return _state(w, session)


@api.post("/auth/second-factor/prove", may=OWN, answer=schema.SecondFactor, errors=_CODE_ERRORS)
def prove_second_factor(body: schema.CodeBody) -> dict[str, Any]:
    """Prove this session by a code; a session that owes it may do so before anything else."""
    w = web()
    session = w.call(w.container.prove_second_factor, current_who().account.id, current_session(), body.code)
    return _state(w, session)


@api.delete(
    "/auth/second-factor", may=MANAGE, answer=schema.SecondFactor, errors=(SecondFactorMissing, Contention)
)
def remove_second_factor() -> dict[str, Any]:
    """Take the second factor away; this session has to have proved it lately."""
    w = web()
    session = _session()
    w.call(w.container.remove_second_factor, current_actor(), session.id, correlation_id=correlation_id.get())
    return _state(w, session)


def no_content() -> Response:
    """Return the answer of an operation that has nothing to say."""
    response = Response(status=204)
    response.headers.pop("Content-Type", None)
    return response


def _session() -> LoginSession:
    """Return the session of who asks, as it was when they were recognised.

    Raises:
        SignInNeeded: a guest has none.
    """
    current_session()
    session = current_who().session
    assert session is not None, "`current_session` has found it"
    return session


def _claims(w: Web) -> AccessClaims:
    """Return what the token says that who asks was recognised by.

    Raises:
        TokenRefused: there is none; who asks was recognised by one, so this is not met with.
    """
    bearer = w.visitors.bearer()
    if bearer is not None:
        found = w.tokens.decode_all(bearer)
    elif current_actor().impersonator is not None:
        found = w.visitors.looking()
    else:
        found = w.visitors.claims()
    if not found:
        raise TokenRefused("unknown")
    return found[0]


def _state(w: Web, session: LoginSession) -> dict[str, Any]:
    factor: SecondFactor | None = w.call(w.container.find_second_factor, session.account_id)
    is_set = factor is not None and factor.confirmed_at is not None
    is_support = session.impersonator is not None
    answer = schema.SecondFactor(
        is_set=is_set,
        is_waiting=factor is not None and factor.confirmed_at is None,
        needs_proof=is_set and session.second_factor_at is None and not is_support,
        proven_until=_proven_until(w, session) if is_set else None,
    )
    return answer.model_dump(mode="json")


def _proven_until(w: Web, session: LoginSession) -> datetime | None:
    policy: SessionPolicy = w.container.session_policy()
    if session.second_factor_at is None or not is_proven(session, w.clock.now(), policy):
        return None
    return session.second_factor_at + policy.second_factor_life
