"""Who is asking: reads the visitor's cookies once a request and writes them with the answer."""

from __future__ import annotations

from attrs import frozen
from flask import Flask, g, request
from werkzeug.wrappers import Response

from buddy_core.kernel.ids import DeviceId
from buddy_web.cookies import AccountCookie, DeviceCookie, Identity


@frozen
class Visitors:
    """The visitor of the present request, by account and by device."""

    account: AccountCookie
    device: DeviceCookie

    def identity(self) -> Identity | None:
        """Return who the visitor is; None if unknown, or if the route takes no cookies.

        A route that is exempt from the form token must never act on a cookie, so
        there the cookie is not read at all.
        """
        if g.get("cookies_ignored", False):
            return None
        if "identity" not in g:
            g.identity = self.account.read(request)
        identity: Identity | None = g.identity
        return identity

    def remember(self, identity: Identity) -> None:
        """Make `identity` the visitor from here on, and write it with the answer."""
        g.identity = identity
        g.identity_changed = True

    def forget(self) -> None:
        """Sign out: the visitor is unknown from here on, and the cookie goes with the answer."""
        g.identity = None
        g.identity_changed = True

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
        """Write changed cookies, and roll the account cookie of a visitor who came back."""

        @app.after_request
        def write(response: Response) -> Response:
            identity: Identity | None = g.get("identity")
            if g.get("identity_changed", False):
                if identity is None:
                    self.account.clear(response)
                else:
                    self.account.write(response, identity)
            elif identity is not None and self.account.due(identity):
                renewed = self.account.issue(identity.account_id, identity.kind, identity.session_version)
                self.account.write(response, renewed)
            if g.get("device_changed", False):
                self.device.write(response, g.device_id)
            return response
