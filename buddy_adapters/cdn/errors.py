"""The ways a signed link, or the settings behind it, is refused."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import Forbidden, Invalid


@attrs.define
class LinkRefused(Forbidden):
    """The link's hash is missing, malformed, or not the one that the secret gives."""

    code = "cdn.link_refused"

    problem: str

    def message(self) -> str:
        return f"This link is not valid: {self.problem}. Ask for a new one."


@attrs.define
class LinkExpired(Forbidden):
    """The link is genuine, but its time is over."""

    code = "cdn.link_expired"

    expired_at: datetime

    def message(self) -> str:
        return f"This link expired at {self.expired_at.isoformat()}. Ask for a new one."


@attrs.define
class LinkSettingsWrong(Invalid):
    """The scheme as configured cannot sign this link, or would sign it without protecting it."""

    code = "cdn.link_settings_wrong"

    problem: str

    def message(self) -> str:
        return f"The link cannot be signed: {self.problem}."
