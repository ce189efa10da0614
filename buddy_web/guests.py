"""Who is asking, made certain: the account behind the cookie, or a new guest in its place.

A signed cookie proves only that we wrote it. Whoever bears a guest's cookie is
that guest and nobody else: once the guest has joined or signed in, its account
points at the member, and the old cookie leads to a new guest, never to the
member. So a cookie planted in another's browser, or kept from before, opens nothing.
"""

from __future__ import annotations

from flask import abort, g, make_response, request

from buddy_core.accounts import AccountNotFound
from buddy_core.kernel.ids import DeviceId
from buddy_core.views import Visitor
from buddy_web.app import Web
from buddy_web.cookies import Identity, VisitorKind

_NO_ADDRESS = "no-address"
"""Counted together: clients whose address no proxy of ours named."""


def known_account(w: Web) -> Identity | None:
    """Return whose cookie this is while that account still stands for itself; makes no guest.

    For what never greets anybody: the API, players, status.
    """
    identity = w.visitors.identity()
    if identity is None or g.get("certain_identity") == identity:
        return identity
    try:
        account = w.call(w.container.find_account, identity.account_id)
    except AccountNotFound:
        return None
    if account.id != identity.account_id:
        return None
    g.certain_identity = identity
    return identity


def current_account(w: Web) -> Identity:
    """Return the visitor's identity, a new guest's if there is none; for pages that people open.

    HEAD asks for no page: a probe or a link checker is answered here, and leaves no account.
    """
    identity = known_account(w)
    if identity is None and request.method == "HEAD":
        abort(make_response("", 200, {"Content-Type": "text/html; charset=utf-8"}))
    if identity is None:
        guest = w.call(w.container.begin_guest)
        identity = w.visitors.account.issue(guest.id, VisitorKind.GUEST)
        w.visitors.remember(identity)
        g.certain_identity = identity
    return identity


def current_device(w: Web) -> DeviceId:
    """Return this browser's id, a new one if it has none."""
    device = w.visitors.device_id()
    if device is None:
        device = DeviceId(w.container.ids().opaque("dev"))
        w.visitors.remember_device(device)
    return device


def current_visitor(w: Web) -> Visitor:
    """Return all that views and handlers may know of who asks."""
    identity = current_account(w)
    return Visitor(
        account_id=identity.account_id,
        device_id=current_device(w),
        country=w.country(),
        ip_key=w.ip_key() or _NO_ADDRESS,
        is_guest=identity.kind is VisitorKind.GUEST,
        is_demo=w.settings.demo,
    )
