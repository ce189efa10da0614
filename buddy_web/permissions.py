"""Permissions at the route: who asks and what they may, before a view runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec
from urllib.parse import urlencode

import attrs
from flask import Blueprint, Flask, current_app, make_response, redirect, request
from werkzeug.wrappers import Response

from buddy_core.access import (
    MEMBER_PERMISSIONS,
    Actor,
    NotPermitted,
    Reason,
    SecondFactorNeeded,
    may_anywhere,
)
from buddy_core.flows import Who
from buddy_core.kernel.errors import Forbidden
from buddy_core.kernel.ids import AccountId, LoginSessionId
from buddy_web.app import Web, web
from buddy_web.guests import current_account, who_asks

PUBLIC = "public"
"""Declares that a view asks for no permission and no account."""
OWN = "own"
"""Declares that a view answers the owner of what is asked for alone; to others it is not there."""
API_PREFIX = "/v1/"
SIGN_IN, SECOND_FACTOR = "/sign-in", "/account/second-factor"
_PERMISSION = "_buddy_permission"

P = ParamSpec("P")


@attrs.define
class SignInNeeded(Forbidden):
    """The request comes without an account."""

    code = "web.sign_in_needed"

    def message(self) -> str:
        return "This needs an account. Sign in, or begin as a guest (POST /v1/guests), and ask again."


def permission(name: str) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Let only those run a view whose roles have the permission `name`; `PUBLIC` lets everybody.

    The permission stands on the view, for the documentation and the tests. A page
    sends a visitor who has not signed in to the sign-in page.
    """

    def mark(view: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            refusal = _checked(name)
            return view(*args, **kwargs) if refusal is None else refusal

        setattr(guarded, _PERMISSION, name)
        return guarded

    return mark


def check_first(routes: Blueprint) -> None:
    """Have the permissions of a blueprint's views checked before what was sent is looked at."""

    @routes.before_request
    def check() -> Response | None:
        view = current_app.view_functions.get(request.endpoint or "")
        name: str | None = getattr(view, _PERMISSION, None)
        return None if name is None else _checked(name)


def permissions_of(app: Flask) -> dict[str, str]:
    """Return the permission of each endpoint that has one, for the documentation and the tests."""
    found = {name: getattr(view, _PERMISSION, "") for name, view in app.view_functions.items()}
    return {name: permission for name, permission in found.items() if permission}


def current_who() -> Who:
    """Return who asks.

    Raises:
        SignInNeeded: the request comes without an account, or with one that is not there any more.
        TokenRefused: an access token was sent, and it is not accepted.
    """
    found = who_asks(web())
    if found is None:
        raise SignInNeeded
    return found


def current_actor() -> Actor:
    """Return who asks, with their roles.

    Raises:
        SignInNeeded, TokenRefused: as `current_who`.
    """
    return current_who().actor


def current_session() -> LoginSessionId:
    """Return the session of who asks.

    Raises:
        SignInNeeded: a guest has none.
        TokenRefused: as `current_who`.
    """
    session = current_who().session
    if session is None:
        raise SignInNeeded
    return session.id


def acting_account() -> AccountId:
    """Return the account that asks.

    Raises:
        SignInNeeded, TokenRefused: as `current_who`.
    """
    return current_who().account.id


def _checked(name: str) -> Response | None:
    """Return nothing if the visitor may; else the way to the page where that would be helped.

    Raises:
        SignInNeeded, NotPermitted, SecondFactorNeeded: there is none, or the visitor asked for data.
    """
    if name in (PUBLIC, OWN):
        return None
    w = web()
    is_page = not request.path.startswith(API_PREFIX)
    who = _asking(w, name, is_page)
    if who is None:
        return _to(SIGN_IN)
    verdict = may_anywhere(who.actor, name)
    if verdict:
        return None
    if verdict.reason is Reason.NEEDS_SECOND_FACTOR:
        if is_page:
            return _to(SECOND_FACTOR)
        raise SecondFactorNeeded(name)
    if is_page and who.session is None:
        return _to(SIGN_IN)
    raise NotPermitted(name, verdict.reason.value)


def _asking(w: Web, name: str, is_page: bool) -> Who | None:
    """Return who asks; a page that members use greets a new guest, others send nobody to sign in."""
    if not is_page:
        return current_who()
    return current_account(w) if name in MEMBER_PERMISSIONS else who_asks(w)


def _to(page: str) -> Response:
    back = request.full_path.rstrip("?") if request.method == "GET" else request.path
    where = f"{page}?{urlencode({'next': back})}"
    if request.headers.get("HX-Request"):
        # A redirect would put the sign-in page into a part of this one.
        return make_response("", 204, {"HX-Redirect": where})
    return redirect(where, 303)
