"""Permissions at the route: who asks and what they may, before a view runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec
from urllib.parse import urlencode

import attrs
from flask import Blueprint, Flask, current_app, g, make_response, redirect, request
from werkzeug.wrappers import Response

from buddy_core.access import Actor, NotPermitted, may
from buddy_core.kernel.errors import Forbidden
from buddy_core.kernel.ids import AccountId
from buddy_web.app import web
from buddy_web.cookies import VisitorKind
from buddy_web.guests import known_account

PUBLIC = "public"
"""Declares that a view asks for no permission and no account."""
API_PREFIX = "/v1/"
SIGN_IN = "/sign-in"
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


def current_actor() -> Actor:
    """Return who asks, with their roles.

    Raises:
        SignInNeeded: the request comes without an account, or with one that is not there any more.
    """
    if "actor" not in g:
        identity = known_account(web())
        if identity is None:
            raise SignInNeeded
        g.actor = web().call(web().container.actor_of, identity.account_id)
    actor: Actor = g.actor
    return actor


def acting_account() -> AccountId:
    """Return the account that asks.

    Raises:
        SignInNeeded: the request comes without one.
    """
    account = current_actor().account_id
    if account is None:
        raise SignInNeeded
    return account


def _checked(name: str) -> Response | None:
    """Return nothing if the visitor may; else the way to the sign-in page, if that would help.

    Raises:
        SignInNeeded, NotPermitted: it would not, or the visitor asked for data.
    """
    if name == PUBLIC:
        return None
    identity = known_account(web())
    is_page = not request.path.startswith(API_PREFIX)
    if is_page and identity is None:
        return _to_sign_in()
    if may(current_actor(), name):
        return None
    if is_page and identity is not None and identity.kind is VisitorKind.GUEST:
        return _to_sign_in()
    raise NotPermitted(name)


def _to_sign_in() -> Response:
    back = request.full_path.rstrip("?") if request.method == "GET" else request.path
    where = f"{SIGN_IN}?{urlencode({'next': back})}"
    if request.headers.get("HX-Request"):
        # A redirect would put the sign-in page into a part of this one.
        return make_response("", 204, {"HX-Redirect": where})
    return redirect(where, 303)
