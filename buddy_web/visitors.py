"""What the visitor's cookies say, read once a request, and written with the answer."""

from __future__ import annotations

from attrs import frozen
from flask import Flask, g, request
from werkzeug.wrappers import Response

from buddy_core.kernel.ids import DeviceId
from buddy_core.sessions import AccessClaims, Started
from buddy_web.cookies import ACCESS, LOOKING, REFRESH, DeviceCookie, Guest, GuestCookie, SessionCookies

BEARER = "Bearer "


@frozen
class Visitors:
    """The visitor of the present request as the cookies name them; `guests` makes it certain."""

    guest_cookie: GuestCookie
    sessions: SessionCookies
    device: DeviceCookie

    def bearer(self) -> str | None:
        """Return the access token of the `Authorization` header, None without one."""
        sent = request.headers.get("Authorization", "")
        return sent.removeprefix(BEARER).strip() if sent.startswith(BEARER) else None

    def guest(self) -> Guest | None:
        """Return the guest of the cookie."""
        if self._ignored():
            return None
        if "guest" not in g:
            g.guest = self.guest_cookie.read(request)
        guest: Guest | None = g.guest
        return guest

    def claims(self) -> tuple[AccessClaims, ...]:
        """Return what the session's access token may say, expired or not; nothing without one of ours."""
        if self._ignored():
            return ()
        if "claims" not in g:
            g.claims = self.sessions.claims(request)
        claims: tuple[AccessClaims, ...] = g.claims
        return claims

    def refresh_token(self) -> str | None:
        """Return the session's refresh token."""
        return None if self._ignored() else self.sessions.refresh_token(request)

    def looking(self) -> tuple[AccessClaims, ...]:
        """Return the claims of staff who look as somebody else."""
        if self._ignored() or g.get("looking_forgotten", False):
            return ()
        return self.sessions.claims(request, LOOKING)

    def has_cookies(self) -> bool:
        """Tell whether the browser sent any cookie that says who it is."""
        names = (self.guest_cookie.name, ACCESS, REFRESH, LOOKING)
        return any(name in request.cookies for name in names)

    def token_owner(self) -> str:
        """Return whom form tokens are bound to: the session, else the guest, else nobody.

        It stays the same while a session's tokens rotate.
        """
        claims, guest = self.claims(), self.guest()
        if claims:
            looking = self.looking()
            # A form of somebody else's page is no form of one's own, once the looking has ended.
            own = claims[0].session_id
            return f"{own}~{looking[0].session_id}" if looking else own
        return guest.account_id.hex if guest else "nobody"

    def remember_guest(self, guest: Guest) -> None:
        """Make this guest the visitor from here on, and write it with the answer."""
        g.guest, g.guest_changed = guest, True

    def remember_session(self, started: Started) -> None:
        """Make this session the visitor's from here on, and write it with the answer.

        The guest's cookie goes: what the guest had has gone to the member.
        """
        g.claims, g.started = (started.claims,), started
        g.guest, g.guest_changed = None, True

    def forget(self) -> None:
        """Sign out: the visitor is unknown from here on, and the cookies go with the answer."""
        g.guest, g.guest_changed = None, True
        g.claims, g.started, g.session_forgotten = (), None, True

    def remember_looking(self, started: Started) -> None:
        """Write the access token of staff who look as somebody else."""
        g.looking_started = started

    def forget_looking(self) -> None:
        """Let staff be themselves again from here on."""
        g.looking_forgotten = True

    def has_stopped_looking(self) -> bool:
        """Tell whether the browser still named a look that is over."""
        found: bool = g.get("looking_forgotten", False)
        return found

    def device_id(self) -> DeviceId | None:
        """Return the device's id; None if it has none yet."""
        if "device_id" not in g:
            g.device_id = self.device.read(request)
        device_id: DeviceId | None = g.device_id
        return device_id

    def remember_device(self, device_id: DeviceId) -> None:
        """Give this browser a device id, and write it with the answer."""
        g.device_id = device_id
        g.device_changed = True

    def install(self, app: Flask) -> None:
        """Write changed cookies, and roll the cookie of a guest who came back."""

        @app.after_request
        def write(response: Response) -> Response:
            self._write_guest(response)
            self._write_session(response)
            if g.get("device_changed", False):
                self.device.write(response, g.device_id)
            return response

    def _write_guest(self, response: Response) -> None:
        guest: Guest | None = g.get("guest")
        if guest is None:
            if g.get("guest_changed", False) and self.guest_cookie.name in request.cookies:
                self.guest_cookie.clear(response)
        elif g.get("guest_changed", False):
            self.guest_cookie.write(response, guest)
        elif self.guest_cookie.due(guest):
            self.guest_cookie.write(response, self.guest_cookie.issue(guest.account_id))

    def _write_session(self, response: Response) -> None:
        started: Started | None = g.get("started")
        looking: Started | None = g.get("looking_started")
        if g.get("session_forgotten", False):
            self.sessions.clear(response)
        if started is not None:
            self.sessions.write(response, started.claims, started.refresh_token)
        if looking is not None:
            self.sessions.write_looking(response, looking.claims)
        elif g.get("looking_forgotten", False):
            self.sessions.clear_looking(response)

    def _ignored(self) -> bool:
        """Tell whether the request's cookies say nothing.

        A route that is exempt from the form token must never act on a cookie, nor
        must a request that brings an access token of its own.
        """
        return bool(g.get("cookies_ignored", False)) or self.bearer() is not None
