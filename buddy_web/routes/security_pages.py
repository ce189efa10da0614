"""A member's own account: where they are signed in, and their second factor."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from buddy_core.access import SecondFactorNeeded
from buddy_core.accounts import WrongCredentials
from buddy_core.flows import Who
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import LoginSessionId
from buddy_core.sessions import (
    Enrolled,
    LoginSession,
    LoginSessionNotFound,
    NotWhileImpersonating,
    SecondFactor,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorWrong,
    SignInLocked,
)
from buddy_core.views import AccountPage, SecondFactorPage, SessionShown
from buddy_web.app import Web, web
from buddy_web.demo.codes import demo_code
from buddy_web.errors import status_of
from buddy_web.forms import text
from buddy_web.guests import current_visitor, who_asks
from buddy_web.logs import correlation_id
from buddy_web.pages import go, local_path, show
from buddy_web.permissions import (
    PUBLIC,
    SECOND_FACTOR,
    SIGN_IN,
    current_actor,
    current_session,
    current_who,
    permission,
)

security_pages = Blueprint("security_pages", __name__, url_prefix="/account")

ACCOUNT = "/account"
_DONE = {"ended", "others_ended", "factor_set", "factor_removed"}
_URI = re.compile(r"otpauth://totp/[!-~]{1,400}", re.ASCII)
_GROUP = re.compile(".{1,4}")


@security_pages.get("")
@permission("account:read")
def account() -> Response:
    """Show where the member is signed in, and whether there is a second factor; a guest may join."""
    w = web()
    who, done = current_who(), request.args.get("done", "")
    page = AccountPage(done=done if done in _DONE else None)
    if who.session is not None:
        factor = _factor(w, who)
        page = AccountPage(
            sessions=_sessions(w, who),
            has_second_factor=factor is not None,
            factor_since=factor.confirmed_at if factor else None,
            done=page.done,
        )
    return show(w, "account.html", current_visitor(w), page)


@security_pages.post("/sessions/<opaque_id:session_id>")
@permission("account:manage")
def end_session(session_id: str) -> Response:
    """Sign one browser out; one that is signed out already stays so."""
    w = web()
    try:
        w.call(
            w.container.end_own_session,
            current_actor(),
            LoginSessionId(session_id),
            correlation_id=correlation_id.get(),
        )
    except LoginSessionNotFound:
        return go(ACCOUNT)
    return go(f"{ACCOUNT}?done=ended")


@security_pages.post("/sessions")
@permission("account:manage")
def end_others() -> Response:
    """Sign out everywhere but here."""
    w = web()
    w.call(
        w.container.end_own_sessions,
        current_actor(),
        except_=current_session(),
        correlation_id=correlation_id.get(),
    )
    return go(f"{ACCOUNT}?done=others_ended")


@security_pages.get("/sessions", defaults={"session_id": ""})
@security_pages.get("/sessions/<opaque_id:session_id>")
@permission(PUBLIC)
def sessions(session_id: str) -> Response:
    """Lead back to the account: whoever proved themselves on the way to a form comes by here."""
    return redirect(ACCOUNT, 303)


@security_pages.get("/second-factor")
@permission(PUBLIC)
def second_factor() -> Response:
    """Ask for the six digits, or show how a second factor is set up or taken away."""
    w = web()
    who = who_asks(w)
    if who is None or who.session is None:
        return _to_sign_in()
    return _shown(w, who)


@security_pages.post("/second-factor")
@permission(PUBLIC)
def prove() -> Response:
    """Take the six digits, and go on to where they were asked for."""
    w = web()
    who = who_asks(w)
    if who is None or who.session is None:
        return _to_sign_in()
    try:
        w.call(w.container.prove_second_factor, who.account.id, who.session.id, _code())
    except (SecondFactorWrong, SignInLocked) as error:
        return _shown(w, who, error)
    except SecondFactorMissing:
        return _back()
    except LoginSessionNotFound:
        return _to_sign_in()
    return go(_next() or ACCOUNT)


@security_pages.post("/second-factor/set-up")
@permission(PUBLIC)
def set_up() -> Response:
    """Make a secret, and show it once, as a picture and as text."""
    w = web()
    who = _owner(w)
    if who is None:
        return _to_sign_in()
    try:
        made: Enrolled = w.call(
            w.container.set_up_second_factor, who.actor, text(request.form, "password", longest=200)
        )
    except SecondFactorExists:
        return _back()
    except (WrongCredentials, SignInLocked) as error:
        page = SecondFactorPage("none", _next(), problem=_said(error))
        return _page(w, page, error)
    return _enrolling(w, made.uri)


@security_pages.post("/second-factor/confirm")
@permission(PUBLIC)
def confirm() -> Response:
    """Take the first code of the new secret; from then on the second factor counts."""
    w = web()
    who = _owner(w)
    if who is None:
        return _to_sign_in()
    uri = text(request.form, "uri")
    try:
        w.call(
            w.container.confirm_second_factor,
            who.actor,
            current_session(),
            _code(),
            correlation_id=correlation_id.get(),
        )
    except (SecondFactorWrong, SignInLocked) as error:
        # The secret is told once; the page that showed it hands it back, so that nothing is scanned anew.
        return _enrolling(w, uri, error) if _URI.fullmatch(uri) else _back()
    except (SecondFactorMissing, SecondFactorExists):
        return _back()
    return go(_next() or f"{ACCOUNT}?done=factor_set")


@security_pages.post("/second-factor/remove")
@permission("account:manage")
def remove() -> Response:
    """Take the second factor away; only a session that has just proved it may."""
    w = web()
    try:
        w.call(
            w.container.remove_second_factor,
            current_actor(),
            current_session(),
            correlation_id=correlation_id.get(),
        )
    except (SecondFactorMissing, SecondFactorNeeded):
        return _back()
    return go(f"{ACCOUNT}?done=factor_removed")


@security_pages.get("/second-factor/<any('set-up', confirm, remove):step>")
@permission(PUBLIC)
def step_back(step: str) -> Response:
    """Lead back to the page that has the forms."""
    return _back()


def _sessions(w: Web, who: Who) -> tuple[SessionShown, ...]:
    found: list[LoginSession] = w.call(w.container.list_sessions, who.account.id)
    this = who.session.id if who.session else None
    return tuple(
        SessionShown(
            item.id,
            item.label,
            item.last_used_at,
            item.started_at,
            is_this=item.id == this,
            is_proven=item.second_factor_at is not None,
            is_staff_looking=item.impersonator is not None,
        )
        for item in sorted(found, key=lambda item: item.id != this)
    )


def _factor(w: Web, who: Who) -> SecondFactor | None:
    """Return the second factor if it counts."""
    found: SecondFactor | None = w.call(w.container.find_second_factor, who.account.id)
    return found if found is not None and found.confirmed_at is not None else None


def _owner(w: Web) -> Who | None:
    """Return who asks, as the owner of an account who may set a second factor; None: sign in first.

    Raises:
        NotWhileImpersonating: staff look at somebody else's account.
    """
    who = who_asks(w)
    if who is None or who.session is None:
        return None
    if who.actor.impersonator is not None:
        raise NotWhileImpersonating
    return who


def _shown(w: Web, who: Who, error: BuddyError | None = None) -> Response:
    """Show what stands between this session and a proven second factor.

    Raises:
        NotWhileImpersonating: it is somebody else's.
    """
    if who.actor.impersonator is not None:
        raise NotWhileImpersonating
    factor = _factor(w, who)
    if factor is None:
        page = SecondFactorPage("none", _next())
    elif who.actor.has_second_factor:
        page = SecondFactorPage("proven", _next())
    else:
        code = None
        if w.settings.demo:
            code = demo_code(who.account, factor, w.container.sealer(), w.clock.now())
        page = SecondFactorPage(
            "asked", _next(), problem=_said(error), is_locked=isinstance(error, SignInLocked), demo=code
        )
    return _page(w, page, error)


def _enrolling(w: Web, uri: str, error: BuddyError | None = None) -> Response:
    secret = parse_qs(urlsplit(uri).query).get("secret", [""])[0]
    grouped = " ".join(_GROUP.findall(secret))
    locked = isinstance(error, SignInLocked)
    return _page(w, SecondFactorPage("enrolling", _next(), uri, grouped, _said(error), locked), error)


def _page(w: Web, page: SecondFactorPage, error: BuddyError | None) -> Response:
    status = status_of(error)[0] if error else 200
    response = show(w, "second_factor.html", current_visitor(w), page, status=status)
    if isinstance(error, SignInLocked):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _said(error: BuddyError | None) -> str | None:
    return error.message() if error else None


def _code() -> str:
    """Return the digits as typed: apps show them as 123 456."""
    return text(request.form, "code", longest=20).replace(" ", "")


def _next() -> str | None:
    return local_path(request.values.get("next"))


def _back() -> Response:
    """Return to the second factor's page, and keep where it leads."""
    chosen = _next()
    return redirect(f"{SECOND_FACTOR}?{urlencode({'next': chosen})}" if chosen else SECOND_FACTOR, 303)


def _to_sign_in() -> Response:
    where = _next() or SECOND_FACTOR
    return redirect(f"{SIGN_IN}?{urlencode({'next': where})}", 303)
