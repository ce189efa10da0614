"""The playback module's two link ports, signing and verifying, on nginx's scheme."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from buddy_adapters.cdn.errors import LinkSettingsWrong
from buddy_adapters.cdn.nginx.mapping import NginxSecureLink
from buddy_core.kernel.clock import utc

if TYPE_CHECKING:
    from buddy_core.playback import UrlSigner, UrlVerifier

PREFIX_VARIABLE = "remote_prefix"


@frozen
class NginxUrlSigner:
    """Signs and checks playback links as nginx does, so that either can stand in for the other.

    With `base_url` (`https://cdn.example`) signed links are absolute. The expression binds
    the viewer's network when it holds `$remote_prefix` (`remote_prefix()` computes the value).

    Raises:
        LinkSettingsWrong: the link has no expiry argument; playback links always expire.
    """

    link: NginxSecureLink
    base_url: str = ""

    def __attrs_post_init__(self) -> None:
        if self.link.expires_argument is None:
            raise LinkSettingsWrong("playback links expire; configure an argument for the expiry")

    def sign(self, path: str, *, expires_at: datetime, client_prefix: str | None) -> str:
        """Return the link to `path` that is good up to the second of `expires_at`.

        Raises:
            LinkSettingsWrong: a prefix is given that the expression does not bind, or the
                expression binds one and none is given.
        """
        expires = int(utc(expires_at, "expires_at").timestamp())
        return self.base_url + self.link.sign(path, expires, **self._bound(client_prefix))

    def check(self, url: str, *, at: datetime, client_prefix: str | None) -> None:
        """Return when the link is good at the instant `at` for this network.

        Raises:
            LinkRefused: the hash is not that of this path, expiry and network.
            LinkExpired: the link was good, but its time is over.
            LinkSettingsWrong: as `sign`.
        """
        self.link.check(url, at, **self._bound(client_prefix))

    def _bound(self, client_prefix: str | None) -> dict[str, str]:
        binds = PREFIX_VARIABLE in self.link.variables
        if binds and client_prefix is None:
            raise LinkSettingsWrong(f"the expression needs a value for ${PREFIX_VARIABLE}")
        if client_prefix is None:
            return {}
        if not binds:
            raise LinkSettingsWrong(
                f"the expression has no ${PREFIX_VARIABLE}, so the link would bind no network"
            )
        return {PREFIX_VARIABLE: client_prefix}


if TYPE_CHECKING:
    _any = NginxUrlSigner(NginxSecureLink("$secure_link_expires$uri"))
    _signs: UrlSigner = _any
    _checks: UrlVerifier = _any
