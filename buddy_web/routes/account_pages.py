"""Joining, signing in and out, and the demo's country switch."""

from __future__ import annotations

import re

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
from buddy_core.flows import Joined, Register
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.views import DemoLogin, JoinPage, SignInPage, Visitor
from buddy_core.views.account import FormProblem
from buddy_web.app import Web, web
from buddy_web.cookies import LIFETIME, VisitorKind
from buddy_web.demo.seed import DEMO_PASSWORD, LOGINS
from buddy_web.errors import status_of
from buddy_web.forms import submission_key, text
from buddy_web.guests import current_visitor
from buddy_web.network import DEMO_COUNTRY_COOKIE
from buddy_web.pages import go, local_path, show

joining = Blueprint("account_pages", __name__)

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_DEMO_LOGINS = tuple(DemoLogin(login.role, login.email, DEMO_PASSWORD) for login in LOGINS)
_PROBLEMS: dict[type[BuddyError], FormProblem] = {
    BadEmail: "email_invalid",
    EmailTaken: "email_taken",
    WeakPassword: "password_short",
    WrongCredentials: "wrong_credentials",
}


@joining.get("/join")
def join_page() -> Response:
    """Show what joining keeps, and the form."""
    w = web()
    visitor = current_visitor(w)
    if not visitor.is_guest:
        return redirect(_next() or "/", 303)
    return show(w, "join.html", visitor, _join(w, visitor))


@joining.post("/join")
def join() -> Response:
    """Make a member of the guest; everything they have comes along. Sent twice, it is done once."""
    w = web()
    identity = w.visitors.identity()
    if identity is None or identity.kind is VisitorKind.MEMBER:
        visitor = current_visitor(w)
        if not visitor.is_guest:
            return go(_next() or "/")
        guest = visitor.account_id
    else:
        # As the cookie says it, even if that guest has joined a moment ago: a repeat needs the same name.
        guest = identity.account_id
    email, password = text(request.form, "email"), text(request.form, "password")
    key = submission_key(request.form) or w.container.ids().opaque("reg")
    try:
        joined = _register(w, Register(email, password, guest, key))
    except IdempotencyMismatch:
        # The key has made another member: a page of before, sent with other words.
        return go("/join")
    except (BadEmail, WeakPassword, EmailTaken) as error:
        visitor = current_visitor(w)
        page = _join(w, visitor, email, error)
        return show(w, "join.html", visitor, page, status=status_of(error)[0])
    return _enter(w, joined)


@joining.get("/sign-in")
def sign_in_page() -> Response:
    """Show the form, and in the demo the accounts to try."""
    w = web()
    visitor = current_visitor(w)
    return show(w, "sign_in.html", visitor, _sign_in(w, visitor))


@joining.post("/sign-in")
def sign_in() -> Response:
    """Sign in; what the guest on this device has comes along."""
    w = web()
    visitor = current_visitor(w)
    email, password = text(request.form, "email"), text(request.form, "password")
    guest = visitor.account_id if visitor.is_guest else None
    try:
        joined: Joined = w.call(w.container.sign_in, email, password, guest)
    except (BadEmail, WrongCredentials) as error:
        page = _sign_in(w, visitor, email, error)
        return show(w, "sign_in.html", visitor, page, status=status_of(error)[0])
    return _enter(w, joined)


@joining.post("/sign-out")
def sign_out() -> Response:
    """Forget who this browser is; the next page greets a new guest."""
    web().visitors.forget()
    return go("/")


@joining.post("/country")
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


def _enter(w: Web, joined: Joined) -> Response:
    """Write a new cookie for the member; the guest's leads to nobody from now on (see `guests`)."""
    w.visitors.remember(w.visitors.account.issue(joined.account_id, VisitorKind.MEMBER))
    return go(_next() or "/")


def _join(w: Web, visitor: Visitor, email: str = "", error: BuddyError | None = None) -> JoinPage:
    return JoinPage(
        kept=w.call(w.container.kept, visitor),
        email=email,
        problem=_PROBLEMS[type(error)] if error else None,
        next_url=_next(),
        problem_text=error.message() if isinstance(error, WeakPassword) else "",
        idempotency_key=w.container.ids().opaque("reg"),
    )


def _sign_in(w: Web, visitor: Visitor, email: str = "", error: BuddyError | None = None) -> SignInPage:
    return SignInPage(
        kept=w.call(w.container.kept, visitor),
        email=email,
        problem=_PROBLEMS[type(error)] if error else None,
        next_url=_next(),
        demo_logins=_DEMO_LOGINS if w.settings.demo else (),
    )


def _next() -> str | None:
    return local_path(request.values.get("next"))
