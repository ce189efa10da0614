"""What guards every answer and request: security headers, cache rules, and the limit on bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, TypeVar

from attrs import define
from flask import Flask, abort, current_app, g, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from buddy_web.errors import InvalidRequest

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self' blob: data:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
"""No inline script or style; `blob:` for media and workers alone, which hls.js and shaka need.

`data:` media is an empty WebVTT file, with which hls.js begins each captions track.
"""

STRICT_TRANSPORT = "max-age=31536000; includeSubDomains; preload"
PERMISSIONS_POLICY = (
    "camera=(), microphone=(), geolocation=(), usb=(), payment=(self), autoplay=(self), "
    "encrypted-media=(self), fullscreen=(self), picture-in-picture=(self)"
)
HEADERS: dict[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
}
PRIVATE = "private, no-store"
_BODY_LIMIT = "_buddy_body_limit"
_READ_ON = 4
"""How many times its limit a body that is refused is read all the same, and kept nowhere.

Many clients send all of it before they listen: one that is cut off learns that the connection broke, not why.
"""
_PIECE = 2**16

View = TypeVar("View", bound=Callable[..., Any])


def body_limit(max_bytes: int) -> Callable[[View], View]:
    """Declare that a view takes bodies of another size than most; put it nearest to the function."""

    def mark(view: View) -> View:
        setattr(view, _BODY_LIMIT, max_bytes)
        return view

    return mark


@define
class _Undeclared:
    """A body that does not say how long it is: reading fails once more than `left` bytes have come."""

    stream: IO[bytes]
    left: int

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise RequestEntityTooLarge
        return data


def _read_away(stream: IO[bytes], length: int) -> None:
    """Read a body that nobody wants, up to its end or to where its sender stops."""
    while length > 0 and (piece := stream.read(min(_PIECE, length))):
        length -= len(piece)


def install_security(app: Flask, *, secure: bool, max_body_bytes: int) -> None:
    """Put the headers on every answer, keep answers out of caches, and refuse bodies that are too large."""
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes

    @app.before_request
    def limit_body() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        limit = getattr(view, _BODY_LIMIT, max_body_bytes)
        g.body_limit = limit
        if request.content_length is None:
            request.environ["wsgi.input"] = _Undeclared(request.environ["wsgi.input"], limit)
            # Else the body would be cut at the limit without a word, and its beginning taken for the whole.
            request.max_content_length = limit + 1
            return
        request.max_content_length = limit
        # Refused before a view sees it.
        if request.content_length > limit:
            if request.content_length <= limit * _READ_ON:
                _read_away(request.environ["wsgi.input"], request.content_length)
            raise RequestEntityTooLarge

    @app.before_request
    def refuse_nul() -> None:
        # PostgreSQL stores no NUL, and nobody types one: a clear answer beats a fault in the database.
        if "\0" in request.path:
            abort(404)
        for name, value in (*request.args.items(multi=True), *request.form.items(multi=True)):
            if "\0" in name or "\0" in value:
                problem = {"field": name.replace("\0", ""), "problem": "must not hold a NUL character"}
                raise InvalidRequest((problem,))

    @app.after_request
    def guard(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers[name] = value
        if secure:
            response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        # Whatever is not declared cacheable is somebody's own; a cookie is that always.
        if "Cache-Control" not in response.headers or "Set-Cookie" in response.headers:
            response.headers["Cache-Control"] = PRIVATE
        return response
