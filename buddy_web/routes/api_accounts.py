"""The API's accounts: beginning as a guest, registering, signing in and out, and the flags of the service."""

from __future__ import annotations

from typing import Any

from flask import g

from buddy_core.accounts import (
    AccountNotFound,
    BadEmail,
    CannotMerge,
    EmailTaken,
    WeakPassword,
    WrongCredentials,
)
from buddy_core.flows import Joined, Register, SignedIn, SignIn
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.kernel.ids import AccountId
from buddy_core.sessions import LoginSessionNotFound, RefreshRefused, SignInLocked, Started
from buddy_web.app import Web, web
from buddy_web.guests import current_account, current_device, forget_who, who_asks
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import PUBLIC
from buddy_web.routes.account_pages import end_former, label
from buddy_web.schemas.accounts import Config, LoginBody, Me, RefreshBody, RegisterBody, Tokens
from buddy_web.schemas.accounts import Joined as JoinedAnswer
from buddy_web.schemas.common import OptionalIdempotencyHeader

api = Api(
    "accounts",
    "Who asks: known by an access token, or by signed cookies and, for what changes something, a form token.",
)


@api.get("/me", may=PUBLIC, answer=Me)
def me() -> dict[str, Any]:
    """Say who asks, and give the token that a client sends with whatever changes something."""
    return Me(**describe(web())).model_dump(mode="json")


@api.post("/guests", may=PUBLIC, answer=Me, status=201)
def begin_guest() -> tuple[dict[str, Any], int]:
    """Begin as a guest: an account without a name, kept by the cookie. Whoever has an account keeps it."""
    w = web()
    current_account(w)
    current_device(w)
    return Me(**describe(w)).model_dump(mode="json"), 201


@api.post(
    "/auth/register",
    may=PUBLIC,
    answer=JoinedAnswer,
    status=201,
    errors=(
        BadEmail,
        WeakPassword,
        EmailTaken,
        CannotMerge,
        AccountNotFound,
        IdempotencyMismatch,
        Contention,
    ),
    is_bare=True,
)
def register(header: OptionalIdempotencyHeader, body: RegisterBody) -> tuple[dict[str, Any], int]:
    """Register, and bring along all that the guest has who asks."""
    w = web()
    key = header.idempotency_key or w.container.ids().opaque("reg")
    command = Register(body.email, body.password, _guest(w), key)
    joined: Joined = w.call(w.container.register, command)
    started: Started = w.call(
        w.container.begin_session,
        joined.account_id,
        label(),
        ip=w.ip_text(),
        correlation_id=correlation_id.get(),
    )
    return _enter(w, joined, started), 201


@api.post(
    "/auth/login",
    may=PUBLIC,
    answer=JoinedAnswer,
    errors=(BadEmail, WrongCredentials, SignInLocked, CannotMerge, AccountNotFound, Contention),
    is_bare=True,
)
def login(body: LoginBody) -> dict[str, Any]:
    """Sign in, and bring along what a guest on this device has."""
    w = web()
    command = SignIn(body.email, body.password, _guest(w), label(), w.ip_text(), correlation_id.get())
    signed: SignedIn = w.call(w.container.sign_in, command)
    return _enter(w, signed.joined, signed.started)


@api.post("/auth/refresh", may=PUBLIC, answer=Tokens, errors=(RefreshRefused, Contention), is_bare=True)
def refresh(body: RefreshBody) -> dict[str, Any]:
    """Give new tokens for a refresh token, which works once: sent again, it ends its session.

    Send no access token with it: one that is over is refused here as everywhere.
    """
    w = web()
    started: Started = w.call(w.container.refresh_session, body.refresh_token)
    return _tokens(w, started).model_dump(mode="json")


@api.post("/auth/logout", may=PUBLIC, answer=Me, errors=(LoginSessionNotFound, Contention))
def logout() -> dict[str, Any]:
    """Sign out: the session ends, and its tokens open nothing any more.

    Staff who look as a member stop looking. With cookies their own session ends as well.
    """
    w = web()
    who = who_asks(w)
    if who is not None and who.session is not None:
        w.call(
            w.container.sign_out,
            who.actor,
            who.session,
            keep_parent=w.visitors.bearer() is not None,
            correlation_id=correlation_id.get(),
        )
    w.visitors.forget()
    forget_who()
    return Me(**describe_nobody(w)).model_dump(mode="json")


@api.get("/config", may=PUBLIC, answer=Config)
def config() -> dict[str, Any]:
    """Return how the service's switches stand."""
    w = web()
    return Config(flags=w.call(w.container.list_flags)).model_dump(mode="json")


def _enter(w: Web, joined: Joined, started: Started) -> dict[str, Any]:
    """Give a client its session: cookies if it keeps some, else the tokens themselves."""
    by_cookie = _keeps_cookies(w)
    if by_cookie:
        end_former(w)
        w.visitors.remember_session(started)
        current_device(w)
    forget_who(w.call(w.container.identify, started.claims, ip=w.ip_text()))
    answer = JoinedAnswer(
        **describe(w),
        tokens_moved=joined.tokens_moved,
        tokens_expired_by_cap=joined.tokens_expired_by_cap,
        unlocks_moved=joined.unlocks_moved,
        unlocks_superseded=joined.unlocks_superseded,
        **({} if by_cookie else _tokens(w, started).model_dump()),
    )
    return answer.model_dump(mode="json")


def _tokens(w: Web, started: Started) -> Tokens:
    assert started.refresh_token is not None, "without a leeway a refresh gives both tokens"
    return Tokens(
        access_token=w.tokens.encode(started.claims),
        refresh_token=started.refresh_token,
        expires_at=started.claims.expires_at,
    )


def describe(w: Web) -> dict[str, Any]:
    """Return what the answers say of who asks."""
    who = who_asks(w)
    if who is None:
        return describe_nobody(w)
    partners = who.actor.partners
    return {
        **describe_nobody(w),
        "kind": "guest" if who.session is None else "member",
        "user_id": w.public_ids.show(who.account.id),
        "email": who.account.email,
        "roles": sorted(who.actor.roles),
        "producer": w.call(w.container.producer_name, partners[0]) if len(partners) == 1 else None,
        "needs_second_factor": who.actor.owes_second_factor,
    }


def describe_nobody(w: Web) -> dict[str, Any]:
    """Return what the answers say of somebody unknown."""
    token = w.form_tokens.token() if _keeps_cookies(w) else None
    return {"kind": "nobody", "country": w.country(), "csrf_token": token}


def _keeps_cookies(w: Web) -> bool:
    """Tell a browser from an app, which brings an access token, or nothing but what it proves itself by."""
    return w.visitors.bearer() is None and not g.get("cookies_ignored", False)


def _guest(w: Web) -> AccountId | None:
    """Return the account of a guest who asks; a member brings nothing along."""
    who = who_asks(w)
    return who.account.id if who and who.session is None else None
