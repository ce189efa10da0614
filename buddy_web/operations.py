"""An operation of the API: its permission, its answers and its errors, declared once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, get_type_hints

from attrs import frozen
from flask import request
from flask.blueprints import BlueprintSetupState
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from buddy_core.access import (
    BUILT_IN,
    MEMBER_PERMISSIONS,
    ROLES,
    NotPermitted,
    ScopeKind,
    SecondFactorNeeded,
)
from buddy_core.kernel.errors import BuddyError
from buddy_core.limits import RateLimited
from buddy_web.bridge import TimedOut
from buddy_web.cookies import ACCESS
from buddy_web.csrf import HEADER, FormTokenRefused, bare
from buddy_web.errors import PROBLEM_TYPE, STATUSES, InvalidRequest
from buddy_web.guests import TokenRefused
from buddy_web.permissions import OWN, PUBLIC, SignInNeeded, check_first, permission

PERMISSION_FIELD = "x-permission"
CODES_FIELD = "x-codes"
ANY_FIELD = "x-permission-any"
SCOPES_FIELD = "x-scopes"
# Any operation may be sent an access token, and an operator's own policy may limit any of them.
_ALWAYS: tuple[type[BuddyError], ...] = (InvalidRequest, TokenRefused, RateLimited, TimedOut)
_BY_PERMISSION: tuple[type[BuddyError], ...] = (SignInNeeded, NotPermitted, SecondFactorNeeded)
# While staff look as somebody, whatever changes something is refused, public or not.
_BY_CHANGE: tuple[type[BuddyError], ...] = (FormTokenRefused, NotPermitted)

_SESSION, _GUEST, _BEARER, _FORM_TOKEN = "session", "guest", "bearer", "form_token"
SECURITY_SCHEMES: dict[str, Any] = {
    _BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "The `access_token` that signing in answers a client with that keeps no cookies.",
    },
    _SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": ACCESS,
        "description": "The signed cookie that signing in answers a browser with.",
    },
    _GUEST: {
        "type": "apiKey",
        "in": "cookie",
        "name": "buddy_account",
        "description": "The signed cookie that `POST /v1/guests` answers with.",
    },
    _FORM_TOKEN: {
        "type": "apiKey",
        "in": "header",
        "name": HEADER,
        "description": "The `csrf_token` of the last answer that had one, with its own cookie.",
    },
}
"""How a client says who it is, and that no other site made it ask."""


def _header(words: str, type: str = "string") -> dict[str, Any]:
    return {"description": words, "schema": {"type": type}}


_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": _header('`Bearer realm="buddy"`.')},
    429: {
        "Retry-After": _header("After how many seconds the same request may succeed.", "integer"),
        "RateLimit-Policy": _header("The limit that applies: `q` requests in `w` seconds."),
        "RateLimit": _header("What is left of it: `r` requests, and more after `t` seconds."),
    },
}
"""What comes with a refusal beside its body."""

View = Callable[..., Any]


@frozen
class File:
    """What an operation answers that sends a file: its media type, and what is in it."""

    media_type: str
    description: str

    def declared(self) -> dict[str, Any]:
        """Return the answer as the document has it."""
        content = {self.media_type: {"schema": {"type": "string"}}}
        return {"description": self.description, "content": content}


class Api:
    """A group of operations under `/v1`, each with what it needs and what may go wrong."""

    def __init__(self, name: str, description: str) -> None:
        tag = Tag(name=name, description=description)
        self.blueprint = APIBlueprint(f"api_{name}", __name__, url_prefix="/v1", abp_tags=[tag])
        check_first(self.blueprint)
        self.blueprint.record(_declare_schemes)

    def get(self, rule: str, **declared: Any) -> Callable[[View], View]:
        """Declare an operation that changes nothing."""
        return self._operation("get", rule, **declared)

    def post(self, rule: str, **declared: Any) -> Callable[[View], View]:
        """Declare an operation that changes something; it needs the form token."""
        return self._operation("post", rule, **declared)

    def put(self, rule: str, **declared: Any) -> Callable[[View], View]:
        """Declare an operation that replaces something; it needs the form token."""
        return self._operation("put", rule, **declared)

    def delete(self, rule: str, **declared: Any) -> Callable[[View], View]:
        """Declare an operation that takes something away; it needs the form token."""
        return self._operation("delete", rule, **declared)

    def _operation(
        self,
        method: str,
        rule: str,
        *,
        may: str,
        answer: type[BaseModel] | File | None,
        status: int = 200,
        also: dict[int, type[BaseModel] | None] | None = None,
        errors: Iterable[type[BuddyError]] = (),
        is_bare: bool = False,
        then_any: Iterable[str] = (),
    ) -> Callable[[View], View]:
        """Declare an operation: who may, what it answers with which status, and the errors it can raise.

        `then_any`: what is asked about decides which of these permissions its handler needs besides.
        `is_bare`: it also serves clients that keep no cookies and prove themselves in the body.
        """
        known = {*errors, *_ALWAYS}
        known |= set() if may in (PUBLIC, OWN) else set(_BY_PERMISSION)
        known |= {SignInNeeded} if may == OWN else set()
        known |= set() if method == "get" else set(_BY_CHANGE)
        answers: dict[str, Any] = {
            str(status): answer.declared() if isinstance(answer, File) else answer,
            **{str(code): model for code, model in (also or {}).items()},
        }

        def declare(view: View) -> View:
            register = getattr(self.blueprint, method)(
                rule,
                security=_security(may, is_change=method != "get", is_bare=is_bare),
                responses={**answers, **_problems(known)},
                openapi_extensions={
                    PERMISSION_FIELD: may,
                    SCOPES_FIELD: scopes_of(may),
                    **({ANY_FIELD: sorted(then_any)} if then_any else {}),
                    CODES_FIELD: sorted({error.code for error in known}),
                },
            )
            asked = _no_other_query(view)
            guarded: View = register(permission(may)(bare(asked) if is_bare else asked))
            return guarded

        return declare


def _no_other_query(view: View) -> View:
    """Return the view so that it refuses a field of the query that it does not have, as bodies are refused.

    flask-openapi3 hands on what it knows and says nothing of the rest: a filter that is misspelt would
    be answered as if it had not been sent.
    """
    model: type[BaseModel] | None = get_type_hints(view).get("query")
    fields = model.model_fields.items() if model is not None else ()
    known = frozenset(field.alias or name for name, field in fields)

    @functools.wraps(view)
    def asked(*args: Any, **kwargs: Any) -> Any:
        odd = sorted(request.args.keys() - known)
        if odd:
            there = f"it has {', '.join(sorted(known))}" if known else "it has none"
            problem = f"is not known in this address's query; {there}"
            raise InvalidRequest(tuple({"field": name[:100], "problem": problem} for name in odd[:20]))
        return view(*args, **kwargs)

    return asked


def scopes_of(permission: str) -> list[str]:
    """Return the kinds of scope in which a built-in role can hold a permission."""
    if permission in (PUBLIC, OWN):
        return []
    if permission in MEMBER_PERMISSIONS:
        return [ScopeKind.OWN.value]
    roles = [role for role in ROLES.values() if permission in BUILT_IN.permissions_of(role.name)]
    return sorted({kind.value for role in roles for kind in role.scopes})


def _security(may: str, *, is_change: bool, is_bare: bool) -> list[dict[str, list[str]]]:
    """Return the ways to prove who asks, any one of which is enough."""
    by_cookie: dict[str, list[str]] = {_FORM_TOKEN: []} if is_change else {}
    if may == PUBLIC:
        anybody: list[dict[str, list[str]]] = [{}] if is_bare or not is_change else []
        return [*anybody, *([by_cookie] if is_change else []), {_BEARER: []}]
    guests = [{_GUEST: [], **by_cookie}] if may in MEMBER_PERMISSIONS else []
    return [{_BEARER: []}, {_SESSION: [], **by_cookie}, *guests]


def _declare_schemes(state: BlueprintSetupState) -> None:
    """Put the schemes into the document of the application that takes the operations."""
    app: Any = state.app
    app.security_schemes = SECURITY_SCHEMES


def status_of_class(error: type[BuddyError]) -> int:
    """Return the HTTP status that errors of a class are answered with."""
    return next((status for kind, status, _ in STATUSES if issubclass(error, kind)), 500)


def _problems(errors: Iterable[type[BuddyError]]) -> dict[str, dict[str, Any]]:
    """Return one documented answer a status, with the codes that come with it."""
    codes: dict[int, set[str]] = {}
    for error in errors:
        codes.setdefault(status_of_class(error), set()).add(error.code)
    return {
        str(status): {
            "description": "Codes: " + ", ".join(f"`{code}`" for code in sorted(codes[status])) + ".",
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status in sorted(codes)
    }
