"""How a page is answered: whole, or as the part that htmx asked for; and where it may lead on to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from attrs import frozen
from flask import Flask, g, make_response, redirect, render_template, request
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response

from buddy_core.flows import Who
from buddy_core.views import Visitor
from buddy_web import formats
from buddy_web.app import Web, web
from buddy_web.forms import whole_number
from buddy_web.guests import who_asks

_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,500}")


@frozen
class Looking:
    """What the banner says while staff look as somebody else."""

    email: str
    until: datetime
    reason: str


def install_pages(app: Flask) -> None:
    """Give templates their filters and what each of them needs."""
    formats.install(app.jinja_env)

    def common() -> dict[str, Any]:
        return {
            # Templates show the token as a word; it is bound to who the visitor is by now.
            "csrf_token": web().form_tokens.token(),
            "locale": formats.DEFAULT_LOCALE,
            "zone": formats.DEFAULT_ZONE,
            "path": request.path,
            "looking": _looking(),
        }

    app.context_processor(common)


def _looking() -> Looking | None:
    """Return as whom staff look; an error page shows even where nobody can say."""
    w = web()
    who: Who | None = g.get("who")
    if who is None and w.visitors.looking():
        with suppress(Exception):
            who = who_asks(w)
    session = who.session if who else None
    if who is None or session is None or session.impersonator is None or session.ends_at is None:
        return None
    return Looking(who.account.email or "a guest", session.ends_at, session.reason)


def show(w: Web, template: str, visitor: Visitor, page: Any, *, status: int = 200, **more: Any) -> Response:
    """Return a template with its page, its viewer as they are now, and what else it wants."""
    response = show_part(w, template, visitor, {**more, "page": page})
    response.status_code = status
    return response


def show_part(w: Web, template: str, visitor: Visitor, context: Mapping[str, Any]) -> Response:
    """Return a template with just this context and its viewer as they are now."""
    viewer = w.call(w.container.viewer, visitor)
    response = make_response(render_template(template, viewer=viewer, **context))
    response.vary.add("HX-Request")
    return response


def wants_part() -> bool:
    """Return whether htmx asks for a part of an open page."""
    return request.headers.get("HX-Request") == "true"


def asked_before() -> int | None:
    """Return before which place of a list the older part is asked for; None for what is no such place."""
    return whole_number(request.args, "before") or None


def go(address: str) -> Response:
    """Send the browser on after a form; htmx changes the page instead of swapping a part."""
    if wants_part():
        response = make_response("", 204)
        # A header holds no letters beyond Latin-1; a redirect is written so by werkzeug itself.
        response.headers["HX-Redirect"] = iri_to_uri(address)
        return response
    return redirect(address, 303)


def with_query(address: str) -> str:
    """Return an address with the present request's query, for a redirect to the right form of the same."""
    return f"{address}?{request.query_string.decode('latin-1')}" if request.query_string else address


def local_path(text: str | None) -> str | None:
    """Return an address on this site as given, or None: a link may never lead elsewhere from here."""
    return text if text and _LOCAL.fullmatch(text) else None
