"""Who is asking, made certain: the account behind the token or cookie, or a new guest in its place.

A signed cookie proves only that we wrote it. Whoever bears a guest's cookie is
that guest and nobody else: once the guest has joined or signed in, its account
points at the member, and the old cookie leads to a new guest, never to the
member. A member is known by a session alone, which the store is asked about with
each request: a token of a session that was ended opens nothing.
"""

from __future__ import annotations

from datetime import timedelta

import attrs
from flask import abort, g, make_response, request

from buddy_core.access import Actor
from buddy_core.accounts import AccountNotFound
from buddy_core.flows import Who
from buddy_core.kernel.errors import Unproven
from buddy_core.kernel.ids import DeviceId
from buddy_core.sessions import AccessClaims, Dead, DeadReason, RefreshRefused, Started
from buddy_core.views import Visitor
from buddy_web.app import Web
from buddy_web.channels import current_channel

_NO_ADDRESS = "no-address"
"""Counted together: clients whose address no proxy of ours named."""
TWO_TABS = timedelta(seconds=30)
"""How long after its use a browser may send its old refresh token again, as two tabs do (decision 11)."""

SEEN_EVERY = timedelta(minutes=5)
"""How exactly the list of sessions knows a session's last use; each time costs a write."""


@attrs.define
class TokenRefused(Unproven):
    """The access token in the `Authorization` header is not accepted."""

    code = "web.token_refused"

    reason: str

    def message(self) -> str:
        return "This access token is not accepted. Refresh it (POST /v1/auth/refresh), or sign in again."


def who_asks(w: Web) -> Who | None:
    """Return who asks, None if that is not known; makes no guest.

    Raises:
        TokenRefused: an access token was sent, and it is not accepted.
    """
    if "who" not in g:
        g.who = _by_bearer(w) or _by_looking(w) or _by_session(w) or _by_guest(w)
    found: Who | None = g.who
    return found


def forget_who(who: Who | None = None) -> None:
    """Take `who` for the visitor from here on; nothing given: look anew."""
    g.pop("who", None)
    if who is not None:
        g.who = who


def current_account(w: Web) -> Who:
    """Return who asks, a new guest if nobody is known; for pages that people open.

    HEAD asks for no page: a probe or a link checker is answered here, and leaves no account.
    """
    found = who_asks(w)
    if found is None and request.method == "HEAD":
        abort(make_response("", 200, {"Content-Type": "text/html; charset=utf-8"}))
    if found is None:
        guest = w.call(w.container.begin_guest)
        w.visitors.remember_guest(w.visitors.guest_cookie.issue(guest.id))
        found = w.call(w.container.identify_guest, guest.id, ip=w.ip_text())
        assert found is not None, "a new guest stands for itself"
        forget_who(found)
    return found


def known_device(w: Web) -> DeviceId | None:
    """Return this browser's or app's id; None if it has none yet.

    Raises:
        TokenRefused: as `who_asks`.
    """
    device = w.visitors.device_id()
    who = who_asks(w)
    if device is None and w.visitors.bearer() is not None and who is not None and who.session is not None:
        # An app that keeps no cookies is known by its sign-in.
        return DeviceId(who.session.id.replace("sgn_", "dev_"))
    return device


def current_device(w: Web) -> DeviceId:
    """Return this browser's or app's id, a new one if it has none."""
    device = known_device(w)
    if device is None:
        device = DeviceId(w.container.ids().opaque("dev"))
        w.visitors.remember_device(device)
    return device


def current_visitor(w: Web) -> Visitor:
    """Return all that views and handlers may know of who asks."""
    found = current_account(w)
    return Visitor(
        account_id=found.account.id,
        device_id=current_device(w),
        country=w.country(),
        ip_key=w.ip_key() or _NO_ADDRESS,
        is_guest=found.session is None,
        is_demo=w.settings.demo,
        channel=current_channel(),
        may=shown_permissions(found.actor),
    )


def shown_permissions(actor: Actor) -> frozenset[str]:
    """Return the permissions whose buttons an actor is shown: a second factor is asked for on the way."""
    return frozenset(
        name
        for holding in actor.holdings
        for name, permission in holding.permissions.items()
        if actor.impersonator is None or permission.while_impersonating
    )


def _by_bearer(w: Web) -> Who | None:
    sent = w.visitors.bearer()
    if sent is None:
        return None
    claims = w.tokens.decode_all(sent)
    if not claims:
        raise TokenRefused("unknown")
    found = _identified(w, claims)
    if isinstance(found, Dead):
        raise TokenRefused(found.reason.value)
    return found


def _by_looking(w: Web) -> Who | None:
    claims = w.visitors.looking()
    if not claims:
        return None
    found = _identified(w, claims)
    if isinstance(found, Dead):
        w.visitors.forget_looking()
        return None
    return found


def _by_session(w: Web) -> Who | None:
    claims = w.visitors.claims()
    if claims:
        found = _identified(w, claims)
        if not isinstance(found, Dead):
            return found
    token = w.visitors.refresh_token()
    if token is None:
        return None
    try:
        started: Started = w.call(w.container.refresh_session, token, leeway=TWO_TABS)
    except RefreshRefused:
        w.visitors.forget()
        return None
    w.visitors.remember_session(started)
    again = _identified(w, (started.claims,))
    return None if isinstance(again, Dead) else again


def _by_guest(w: Web) -> Who | None:
    guest = w.visitors.guest()
    if guest is None:
        return None
    try:
        found: Who | None = w.call(w.container.identify_guest, guest.account_id, ip=w.ip_text())
    except AccountNotFound:
        return None
    return found


def _identified(w: Web, claims: tuple[AccessClaims, ...]) -> Who | Dead:
    """Return whom the token stands for; after a change of keys more than one account may be meant."""
    found: Who | Dead = Dead(DeadReason.UNKNOWN)
    for candidate in claims:
        found = w.call(w.container.identify, candidate, ip=w.ip_text())
        if found != Dead(DeadReason.UNKNOWN):
            break
    session = None if isinstance(found, Dead) else found.session
    if session is not None and w.clock.now() - session.last_used_at >= SEEN_EVERY:
        w.call(w.container.touch_session, session.id)
    return found
