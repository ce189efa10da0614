"""Joining, signing in and out, and the demo's country switch."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from attrs import evolve
from flask import Blueprint, abort, redirect, request
from werkzeug.wrappers import Response

from buddy_core.accounts import (
    AccountNotFound,
    BadEmail,
    CannotMerge,
    EmailTaken,
    WeakPassword,
    WrongCredentials,
)
from buddy_core.flows import Joined, Register, SignedIn, SignIn
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.sessions import SecondFactor, SignInLocked, Started
from buddy_core.views import DemoLogin, JoinPage, SignInPage, Visitor
from buddy_core.views.account import FormProblem
from buddy_web.app import Web, web
from buddy_web.browsers import browser_label
from buddy_web.cookies import LIFETIME
from buddy_web.demo.seed import DEMO_PASSWORD, LOGINS
from buddy_web.errors import status_of
from buddy_web.forms import submission_key, text
from buddy_web.guests import current_visitor, who_asks
from buddy_web.logs import correlation_id
from buddy_web.network import DEMO_COUNTRY_COOKIE
from buddy_web.pages import go, local_path, show
from buddy_web.permissions import PUBLIC, permission

joining = Blueprint("account_pages", __name__)

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_DEMO_LOGINS = tuple(DemoLogin(login.role, login.email, DEMO_PASSWORD) for login in LOGINS)
_PROBLEMS: dict[type[BuddyError], FormProblem] = {
    BadEmail: "email_invalid",
    EmailTaken: "email_taken",
    WeakPassword: "password_short",
    WrongCredentials: "wrong_credentials",
    SignInLocked: "too_many_tries",
}


@joining.get("/join")
@permission(PUBLIC)
def join_page() -> Response:
    """Show what joining keeps, and the form."""
    w = web()
    visitor = current_visitor(w)
    if not visitor.is_guest:
        return redirect(_next() or "/", 303)
    return show(w, "join.html", visitor, _join(w, visitor))


@joining.post("/join")
@permission(PUBLIC)
def join() -> Response:
    """Make a member of the guest; everything they have comes along. Sent twice, it is done once."""
    w = web()
    guest = w.visitors.guest()
    if guest is None:
        visitor = current_visitor(w)
        if not visitor.is_guest:
            return go(_next() or "/")
        guest_id = visitor.account_id
    else:
        # As the cookie says it, even if that guest has joined a moment ago: a repeat needs the same name.
        guest_id = guest.account_id
    email, password = text(request.form, "email"), text(request.form, "password")
    key = submission_key(request.form) or w.container.ids().opaque("reg")
    try:
        joined = _register(w, Register(email, password, guest_id, key))
    except IdempotencyMismatch:
        # The key has made another member: a page of before, sent with other words.
        return go("/join")
    except (BadEmail, WeakPassword, EmailTaken) as error:
        visitor = current_visitor(w)
        page = _join(w, visitor, email, error)
        return show(w, "join.html", visitor, page, status=status_of(error)[0])
    return _enter(w, _begun(w, joined))


@joining.get("/sign-in")
@permission(PUBLIC)
def sign_in_page() -> Response:
    """Show the form, and in the demo the accounts to try."""
    w = web()
    visitor = current_visitor(w)
    return show(w, "sign_in.html", visitor, _sign_in(w, visitor))


@joining.post("/sign-in")
@permission(PUBLIC)
def sign_in() -> Response:
    """Sign in; what the guest on this device has comes along. A second factor is asked for next."""
    w = web()
    visitor = current_visitor(w)
    email, password = text(request.form, "email"), text(request.form, "password")
    guest = visitor.account_id if visitor.is_guest else None
    try:
        signed: SignedIn = w.call(
            w.container.sign_in, SignIn(email, password, guest, label(), w.ip_text(), correlation_id.get())
        )
    except (BadEmail, WrongCredentials, SignInLocked) as error:
        page = _sign_in(w, visitor, email, error)
        response = show(w, "sign_in.html", visitor, page, status=status_of(error)[0])
        if isinstance(error, SignInLocked):
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    return _enter(w, signed.started)


@joining.post("/sign-out")
@permission(PUBLIC)
def sign_out() -> Response:
    """End the session: its tokens open nothing any more. The next page greets a new guest."""
    w = web()
    who = who_asks(w)
    if who is not None and who.session is not None:
        w.call(w.container.sign_out, who.actor, who.session, correlation_id=correlation_id.get())
    w.visitors.forget()
    return go("/")


@joining.post("/country")
@permission(PUBLIC)
def country() -> Response:
    """Watch from another country; only the demo has this."""
    w = web()
    if not w.settings.demo:
        abort(404)
    chosen = request.form.get("country", "")
    response = go(_next() or "/")
    if _COUNTRY.fullmatch(chosen):
        response.set_cookie(
            DEMO_COUNTRY_COOKIE,
            chosen,
            max_age=LIFETIME,
            secure=w.settings.secure,
            httponly=True,
            samesite="Lax",
        )
    return response


def _register(w: Web, command: Register) -> Joined:
    """Register, and anew as somebody who brings nothing if the guest is another's by now.

    Raises:
        BadEmail, WeakPassword, EmailTaken, IdempotencyMismatch.
    """
    try:
        joined: Joined = w.call(w.container.register, command)
    except (CannotMerge, AccountNotFound):
        joined = w.call(w.container.register, evolve(command, guest_id=None))
    return joined


def end_former(w: Web) -> None:
    """End the session that this browser had before: its tokens are overwritten now."""
    who = who_asks(w)
    if who is not None and who.session is not None:
        w.call(w.container.sign_out, who.actor, who.session, correlation_id=correlation_id.get())


def label() -> str:
    """Return what the browser calls itself, for the list of sessions."""
    return browser_label(request.headers.get("User-Agent", ""))


def _begun(w: Web, joined: Joined) -> Started:
    started: Started = w.call(
        w.container.begin_session,
        joined.account_id,
        label(),
        ip=w.ip_text(),
        correlation_id=correlation_id.get(),
    )
    return started


def _enter(w: Web, started: Started) -> Response:
    """Give the browser its session, and go on, by way of the second factor if the account has one."""
    end_former(w)
    w.visitors.remember_session(started)
    factor: SecondFactor | None = w.call(w.container.find_second_factor, started.session.account_id)
    where = _next() or "/"
    if factor is not None and factor.confirmed_at is not None:
        where = f"/account/second-factor?{urlencode({'next': where})}"
    return go(where)


def _join(w: Web, visitor: Visitor, email: str = "", error: BuddyError | None = None) -> JoinPage:
    return JoinPage(
        kept=w.call(w.container.kept, visitor),
        email=email,
        problem=_PROBLEMS[type(error)] if error else None,
        next_url=_next(),
        password_lacks=error.lacks if isinstance(error, WeakPassword) else (),
        idempotency_key=w.container.ids().opaque("reg"),
    )


def _sign_in(w: Web, visitor: Visitor, email: str = "", error: BuddyError | None = None) -> SignInPage:
    return SignInPage(
        kept=w.call(w.container.kept, visitor),
        email=email,
        problem=_PROBLEMS[type(error)] if error else None,
        next_url=_next(),
        demo_logins=_DEMO_LOGINS if w.settings.demo else (),
        wait_s=error.retry_after_s if isinstance(error, SignInLocked) else 0,
    )


def _next() -> str | None:
    return local_path(request.values.get("next"))
