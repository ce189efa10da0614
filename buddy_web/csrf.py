"""Form tokens against forged requests (CSRF): double submit, signed and bound to the visitor.

A page carries a token, and the browser the same token in a cookie that other
sites can neither read nor make: it is signed for the account in the visitor's
cookie. Every request that changes something sends it back, as the form field
`csrf_token` or the header `X-CSRF-Token`. A route that takes no cookies (a
bearer token, a signed webhook) says so with `exempt`, and then has no visitor.
A page of an allowed origin (see `cors`) may ask from elsewhere; it needs the token all the same.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
from attrs import frozen
from flask import Flask, Request, current_app, g, request
from werkzeug.wrappers import Response

from buddy_core.kernel.errors import Forbidden
from buddy_web.keys import Signer
from buddy_web.visitors import Visitors

COOKIE = "buddy_csrf"
FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_EXEMPT = "_buddy_csrf_exempt"
_BARE = "_buddy_csrf_bare"

View = TypeVar("View", bound=Callable[..., Any])


@attrs.define
class FormTokenRefused(Forbidden):
    """A request that changes something came without its page's form token."""

    code = "web.form_token_refused"

    def message(self) -> str:
        return "This page is out of date, or the request came from another site. Reload it and try again."


def exempt(reason: str) -> Callable[[View], View]:
    """Declare that a view takes no cookies and so needs no form token; `reason` says what it takes.

    Put it nearest to the function, under the route's decorator.
    """

    def mark(view: View) -> View:
        setattr(view, _EXEMPT, reason)
        return view

    return mark


def bare(view: View) -> View:
    """Declare that a view also serves clients that keep no cookies: they prove themselves in the body.

    Without a cookie that says who asks there is nobody whom another site could make ask, so
    no form token is needed; the cookies are then not looked at, and none is given.
    Put it nearest to the function, under the route's decorator.
    """
    setattr(view, _BARE, True)
    return view


def exempt_routes(app: Flask) -> dict[str, str]:
    """Return the reason of each exempt endpoint, for the test that lists them."""
    found = {name: getattr(view, _EXEMPT, "") for name, view in app.view_functions.items()}
    return {name: reason for name, reason in found.items() if reason}


def _nobody(_: Request) -> bool:
    return False


@frozen
class FormTokens:
    """Makes form tokens and refuses requests without them."""

    signer: Signer
    visitors: Visitors
    secure: bool
    is_admitted: Callable[[Request], bool] = _nobody
    """Whether a request may come from another site's page: one that may use the API."""

    def token(self) -> str:
        """Return the token for the page being made; its cookie goes with the answer if it is new."""
        if "form_token" not in g:
            held = request.cookies.get(COOKIE, "")
            if self._ours(held):
                g.form_token = held
            else:
                g.form_token = self._new()
                g.form_token_is_new = True
        token: str = g.form_token
        return token

    def check(self) -> None:
        """Let the request pass if it changes nothing, is exempt, or brings the right token.

        Raises:
            FormTokenRefused: none of these.
        """
        if request.endpoint is None:
            return
        if getattr(current_app.view_functions[request.endpoint], _EXEMPT, ""):
            g.cookies_ignored = True
            return
        if request.method in _SAFE or self.visitors.bearer() is not None:
            # No browser adds an Authorization header by itself, and the cookies are not looked at.
            return
        view = current_app.view_functions[request.endpoint]
        if getattr(view, _BARE, False) and not self._submitted() and not self.visitors.has_cookies():
            g.cookies_ignored = True
            return
        # Browsers name the origin's relation themselves; older ones leave it out.
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if site not in ("same-origin", "none") and not self.is_admitted(request):
            raise FormTokenRefused
        held = request.cookies.get(COOKIE, "")
        if not (_same(held, self._submitted()) and self._ours(held)):
            raise FormTokenRefused

    def install(self, app: Flask) -> None:
        """Check each request, write new tokens' cookies, and give templates `csrf_token()`."""
        app.before_request(self.check)
        app.jinja_env.globals[FIELD] = self.token

        @app.after_request
        def write(response: Response) -> Response:
            if g.get("form_token_is_new", False):
                response.set_cookie(
                    COOKIE, g.form_token, path="/", secure=self.secure, httponly=True, samesite="Lax"
                )
            return response

    def _submitted(self) -> str:
        return request.headers.get(HEADER) or request.form.get(FIELD, "")

    def _new(self) -> str:
        nonce = secrets.token_urlsafe(24)
        return f"{nonce}.{self.signer.signature(self._bound(nonce))}"

    def _ours(self, token: str) -> bool:
        nonce, _, signature = token.partition(".")
        return self.signer.matches(self._bound(nonce), signature)

    def _bound(self, nonce: str) -> str:
        """Return what is signed: the nonce, and whom the token is for."""
        return f"{nonce}~{self.visitors.token_owner()}"


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))
