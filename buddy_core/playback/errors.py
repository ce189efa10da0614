"""The ways playback says no."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import NotFound, Rejected

_WORDS = {
    "taken_down": "This title has been taken down.",
    "not_published": "This title is not out yet.",
    "no_licence": "This title is not available in your country.",
    "country_unknown": "We could not tell which country you are in. Turn off a VPN and try again.",
    "not_yet": "This title is not available here yet.",
    "over": "This title is no longer available here.",
    "maturity": "This title is above the age that this profile may watch.",
    "profile_pin": "Enter the profile's PIN to watch this title.",
    "no_grant": "This title is not unlocked yet.",
    "not_in_plan": "Your plan does not include this title.",
    "not_begun": "What you have for this title begins later.",
    "rental_not_started": "The time to start this rental is over.",
    "rental_ended": "Your rental of this title has ended.",
    "consumed": "You have watched this title; it could be watched once.",
    "plan_paused": "Your plan is paused.",
    "plan_lapsed": "Your plan has ended.",
    "grant_ended": "Your access to this title has ended.",
    "refunded": "Your access to this title has ended, for it was refunded.",
    "revoked": "Your access to this title was taken back.",
    "too_many_streams": "As many devices are playing as your access allows. Stop one of them first.",
}
_WAYS = {
    "tokens": "unlock it with tokens",
    "subscription": "subscribe",
    "rental": "rent it",
    "watch_once": "pay to watch it once",
    "pvod": "rent it early",
    "ppv": "buy a ticket to the event",
    "festival_pass": "buy a festival ticket",
    "est": "buy it",
    "edition": "buy an edition",
}


@attrs.define
class PlaybackDenied(Rejected):
    """The title may not be watched by this viewer here and now."""

    code = "playback.denied"

    reason: str
    unlockable_by: tuple[str, ...] = ()
    opens_at: datetime | None = None

    def message(self) -> str:
        said = _WORDS.get(self.reason, "This title cannot be played.")
        if self.opens_at is not None:
            said = f"{said} It opens on {self.opens_at:%Y-%m-%d at %H:%M} UTC."
        ways = " or ".join(_WAYS.get(way, way) for way in self.unlockable_by)
        return f"{said} You can {ways}." if ways else said


@attrs.define
class TakenDown(PlaybackDenied):
    """The title was taken down where the viewer is: links to it give 451."""

    code = "playback.taken_down"


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
