"""An operation of the API: its permission, its answers and its errors, declared once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask.blueprints import BlueprintSetupState
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from buddy_core.access import NotPermitted
from buddy_core.kernel.errors import BuddyError
from buddy_web.bridge import TimedOut
from buddy_web.csrf import HEADER, FormTokenRefused
from buddy_web.errors import PROBLEM_TYPE, STATUSES, InvalidRequest
from buddy_web.permissions import PUBLIC, SignInNeeded, check_first, permission

PERMISSION_FIELD = "x-permission"
CODES_FIELD = "x-codes"
_ALWAYS: tuple[type[BuddyError], ...] = (InvalidRequest, TimedOut)

_ACCOUNT, _FORM_TOKEN = "account", "form_token"
SECURITY_SCHEMES: dict[str, Any] = {
    _ACCOUNT: {
        "type": "apiKey",
        "in": "cookie",
        "name": "buddy_account",
        "description": "The signed cookie that `POST /v1/guests` and signing in answer with.",
    },
    _FORM_TOKEN: {
        "type": "apiKey",
        "in": "header",
        "name": HEADER,
        "description": "The `csrf_token` of the last answer that had one, with its own cookie.",
    },
}
"""How a client says who it is, and that no other site made it ask."""

View = Callable[..., Any]


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

    def _operation(
        self,
        method: str,
        rule: str,
        *,
        may: str,
        answer: type[BaseModel] | None,
        status: int = 200,
        also: dict[int, type[BaseModel]] | None = None,
        errors: Iterable[type[BuddyError]] = (),
    ) -> Callable[[View], View]:
        """Declare an operation: who may, what it answers with which status, and the errors it can raise."""
        known = [*errors, *_ALWAYS]
        if may != PUBLIC:
            known += [SignInNeeded, NotPermitted]
        if method != "get":
            known.append(FormTokenRefused)
        answers: dict[str, Any] = {
            str(status): answer,
            **{str(code): model for code, model in (also or {}).items()},
        }

        needed: dict[str, list[str]] = {} if may == PUBLIC else {_ACCOUNT: []}
        needed |= {} if method == "get" else {_FORM_TOKEN: []}

        def declare(view: View) -> View:
            register = getattr(self.blueprint, method)(
                rule,
                security=[needed] if needed else None,
                responses={**answers, **_problems(known)},
                openapi_extensions={
                    PERMISSION_FIELD: may,
                    CODES_FIELD: sorted({error.code for error in known}),
                },
            )
            guarded: View = register(permission(may)(view))
            return guarded

        return declare


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
        }
        for status in sorted(codes)
    }
