"""Staff who look as a member: nothing may be changed meanwhile, all they see is recorded."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from buddy_core.access import NotPermitted, Reason
from buddy_web.app import web
from buddy_web.csrf import FormTokenRefused
from buddy_web.guests import who_asks
from buddy_web.logs import correlation_id
from buddy_web.pages import go
from buddy_web.permissions import PUBLIC, permission

looking = Blueprint("looking", __name__)

MAX_SEEN = 200
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ENDINGS = frozenset(
    {"looking.end", "account_pages.sign_out", "api_accounts.logout", "api_users.end_impersonation"}
)
"""The only changes that staff make while they look as somebody else: they stop."""


@looking.before_app_request
def guard() -> None:
    """Refuse whatever would change something, and write down what is seen.

    Raises:
        NotPermitted: staff look as somebody else, and this is theirs alone.
        FormTokenRefused: the look that the page was seen in is over.
    """
    w = web()
    if request.endpoint in (None, "static"):
        return
    is_change = request.method not in _SAFE and request.endpoint not in _ENDINGS
    who = who_asks(w) if w.visitors.looking() or w.visitors.bearer() else None
    if is_change and w.visitors.has_stopped_looking():
        # The form was on the member's page: sent after the look, it would change the staff's own account.
        raise FormTokenRefused
    if who is None or who.actor.impersonator is None:
        return
    seen = f"{request.method} {request.path}"[:MAX_SEEN]
    w.call(w.container.record_look, who.actor, seen, correlation_id=correlation_id.get())
    if is_change:
        raise NotPermitted("account:manage", Reason.IMPERSONATING.value)


@looking.post("/looking/end")
@permission(PUBLIC)
def end() -> Response:
    """Stop looking as somebody else."""
    w = web()
    who = who_asks(w)
    if who is not None and who.session is not None and who.actor.impersonator is not None:
        w.call(w.container.end_impersonation, who.actor, who.session.id, correlation_id=correlation_id.get())
    w.visitors.forget_looking()
    return go("/admin/users")
