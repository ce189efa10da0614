"""The ways an AdMob callback, or the keys to check it, are refused."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Forbidden, Invalid, Unavailable


@attrs.define
class SsvRefused(Forbidden):
    """The callback is not proven to be Google's. `reason` is stable; nothing may be paid for it."""

    code = "ads.ssv_refused"

    reason: str
    """One of: encoding, parameter_unknown, parameter_repeated, parameter_order, separator_in_value,
    signature_missing, signature_malformed, key_unknown, signature_wrong, value_malformed."""
    detail: str

    def message(self) -> str:
        return f"The ad callback is refused ({self.reason}): {self.detail}. Nothing is paid for it."


@attrs.define
class SsvKeysWrong(Invalid):
    """A verification key, or the list of them, is not of the form that Google publishes."""

    code = "ads.ssv_keys_wrong"

    problem: str

    def message(self) -> str:
        return f"The list of verification keys cannot be used: {self.problem}."


@attrs.define
class SsvKeysUnavailable(Unavailable):
    """The key server did not give a usable list, and no list younger than a day is at hand."""

    code = "ads.ssv_keys_unavailable"

    problem: str

    def message(self) -> str:
        return f"The ad network's keys cannot be had now: {self.problem}. The callback may be sent again."
