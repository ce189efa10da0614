"""Which other sites' pages may use the API from a browser (CORS), as the Fetch standard words it.

A page of another origin may read the answers under `/v1/` only if its origin is in the
list of the settings, letter for letter. There is no wildcard, and `null` (a sandboxed
frame, a file) is never in the list: every such page has the same one.
"""

from __future__ import annotations

import attrs
from attrs import frozen
from flask import Flask, Request, make_response, request
from werkzeug.wrappers import Response

from buddy_core.kernel.errors import Forbidden
from buddy_web.csrf import HEADER as FORM_TOKEN_HEADER
from buddy_web.logs import HEADER as CORRELATION_HEADER

API_PREFIX = "/v1/"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""What the preflight allows everywhere: an address that does not take one says so itself, with 405."""
REQUEST_HEADERS = (
    "Content-Type", "Authorization", "Idempotency-Key", FORM_TOKEN_HEADER, CORRELATION_HEADER,
)  # fmt: skip
"""What a client may send besides what browsers let every page send."""
EXPOSED_HEADERS = (
    "Retry-After", "RateLimit", "RateLimit-Policy", CORRELATION_HEADER, "Content-Disposition", "Allow",
)  # fmt: skip
"""What a page may read of an answer besides its body."""
MAX_AGE_S = 86_400
"""How long a browser may remember a preflight; browsers cut it to their own limit."""


@attrs.define
class OriginNotAllowed(Forbidden):
    """A page of another site asked whether it may use the API."""

    code = "web.origin_not_allowed"

    def message(self) -> str:
        return "Pages of this origin may not use the API. Ask its operator to allow the origin."


@frozen
class CrossOrigins:
    """The origins whose pages may use the API."""

    allowed: frozenset[str] = frozenset()

    def admits(self, request: Request) -> bool:
        """Return whether the request is for the API and comes from a page of an allowed origin."""
        return request.path.startswith(API_PREFIX) and request.headers.get("Origin") in self.allowed

    def install(self, app: Flask) -> None:
        """Answer preflights, and name the origin on the API's answers to it.

        Register it after the logs and before all else: a preflight brings neither
        cookies nor form token, and must not use up what its sender may ask.
        """

        @app.before_request
        def answer_preflight() -> Response | None:
            if not _is_preflight(request):
                return None
            if not self.admits(request):
                raise OriginNotAllowed
            response = make_response("", 204)
            response.headers["Access-Control-Allow-Methods"] = ", ".join(METHODS)
            response.headers["Access-Control-Allow-Headers"] = ", ".join(REQUEST_HEADERS)
            response.headers["Access-Control-Max-Age"] = str(MAX_AGE_S)
            return response

        @app.after_request
        def name_origin(response: Response) -> Response:
            if not request.path.startswith(API_PREFIX):
                return response
            # Also where nobody is named: a cache must not give that answer to an allowed page.
            response.vary.add("Origin")
            if self.admits(request):
                response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
                response.headers["Access-Control-Allow-Credentials"] = "true"
                response.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED_HEADERS)
            return response


def _is_preflight(request: Request) -> bool:
    """Return whether a browser asks before it sends what a page wants sent to the API."""
    return (
        request.method == "OPTIONS"
        and request.path.startswith(API_PREFIX)
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )
