"""The ways playback says no."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import NotFound, Rejected


@attrs.define
class PlaybackDenied(Rejected):
    """The title may not be watched by this viewer here and now."""

    code = "playback.denied"

    reason: str
    unlockable_by: tuple[str, ...] = ()

    def message(self) -> str:
        words = {
            "not_published": "This title is not out yet.",
            "country_unknown": "We could not tell which country you are in. Turn off a VPN and try again.",
            "no_licence": "This title is not available in your country.",
            "no_grant": "This title is not unlocked yet.",
        }
        ways = f" Unlock it with {' or '.join(self.unlockable_by)}." if self.unlockable_by else ""
        return words.get(self.reason, "This title cannot be played.") + ways


@attrs.define
class SessionNotFound(NotFound):
    """There is no such playback session for this account and device."""

    code = "playback.session_not_found"

    def message(self) -> str:
        return "This playback session does not exist. Press play again to start a new one."


@attrs.define
class SessionEnded(Rejected):
    """The playback session is over."""

    code = "playback.session_ended"

    def message(self) -> str:
        return "This playback session has ended. Press play again to go on where you were."


@attrs.define
class NoMedia(Rejected):
    """The title itself has nothing to play."""

    code = "playback.no_media"

    def message(self) -> str:
        return "There is nothing to play here; open one of the episodes."
