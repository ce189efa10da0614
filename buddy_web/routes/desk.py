"""What all pages of the staff's desk share: the count of requests that wait, and where accounts stand."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import abort
from werkzeug.wrappers import Response

from buddy_core.access import may
from buddy_core.accounts import Account, AccountNotFound
from buddy_core.flows import Asked
from buddy_web.app import Web
from buddy_web.guests import current_visitor
from buddy_web.pages import show
from buddy_web.permissions import current_actor


def show_desk(w: Web, template: str, page: Any, *, status: int = 200, **more: Any) -> Response:
    """Return a page of the desk, with how many requests wait for a second person."""
    more.setdefault("waiting", count_waiting(w))
    more["user_url"] = lambda account_id: f"/admin/users/{w.public_ids.show(account_id)}"
    return show(w, template, current_visitor(w), page, status=status, **more)


def count_waiting(w: Web) -> int:
    """Return how many requests wait; none where the actor may not see them."""
    actor = current_actor()
    if not may(actor, "approval:read"):
        return 0
    found: Sequence[Asked] = w.call(w.container.list_requests, actor)
    return len(found)


def user_named(w: Web, public_id: str) -> Account:
    """Return the account that a public id stands for; for none of them there is no page."""
    found: Account | None = None
    for candidate in w.public_ids.read(public_id):
        with suppress(AccountNotFound):
            found = w.call(w.container.find_account, candidate)
    return found if found is not None else abort(404)
