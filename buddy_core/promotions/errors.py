"""The ways promotions say no."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, NotFound, Rejected

_NAMES = {"tokens": "Tokens a claim", "days": "Days", "limit": "The limit", "ends_at": "The end"}
_JOIN = "Join with an e-mail address, and it is yours."


@attrs.define
class BadCode(Invalid):
    """What was typed cannot be a code."""

    code = "promotions.bad_code"

    problem: str

    def message(self) -> str:
        return f"A code {self.problem}. Case, blanks and hyphens do not count."


@attrs.define
class BadPromotion(Invalid):
    """A number or day of a promotion is out of range."""

    code = "promotions.bad_promotion"

    name: str
    problem: str

    def message(self) -> str:
        return f"{_NAMES.get(self.name, self.name)} must be {self.problem}."


@attrs.define
class UnknownCode(NotFound):
    """There is no such code, or none that this viewer should hear more of."""

    code = "promotions.unknown_code"

    def message(self) -> str:
        return "This code is not known, or it does not count now. Check how it is written."


@attrs.define
class NotBegun(Rejected):
    """The promotion begins later."""

    code = "promotions.not_begun"

    starts_at: datetime

    def message(self) -> str:
        return f"This code counts from {self.starts_at:%d %b %Y %H:%M} UTC. Come back then."


@attrs.define
class Over(Rejected):
    """The promotion has ended."""

    code = "promotions.over"

    ended_at: datetime

    def message(self) -> str:
        return f"This code counted until {self.ended_at:%d %b %Y %H:%M} UTC. It brings nothing any more."


@attrs.define
class UsedUp(Rejected):
    """As many accounts have claimed as the promotion has room for."""

    code = "promotions.used_up"

    limit: int

    def message(self) -> str:
        return f"All {self.limit} of this code are gone. It brings nothing any more."


@attrs.define
class AlreadyClaimed(Rejected):
    """This account had it already, or a guest did who became this account."""

    code = "promotions.claimed"

    def message(self) -> str:
        return "You have used this code already. It works once for each account."


@attrs.define
class DeviceClaimed(Rejected):
    """Somebody on this device had it already, and a guest gets it once on a device."""

    code = "promotions.device_claimed"

    def message(self) -> str:
        return f"This code was used on this device already. {_JOIN}"


@attrs.define
class NotForGuests(Rejected):
    """Only members may claim it."""

    code = "promotions.not_for_guests"

    def message(self) -> str:
        return f"This code is for members. {_JOIN}"


@attrs.define
class GuestCapReached(Rejected):
    """It would bring a guest, or the guests of this device, past what guests may earn in all."""

    code = "promotions.guest_cap"

    limit: int

    def message(self) -> str:
        return f"Guests earn {self.limit} tokens at most, and this code would bring more. {_JOIN}"


@attrs.define
class CodeTaken(Conflict):
    """A code names one promotion for ever: those who had it must not get it again."""

    code = "promotions.code_taken"

    promotion: str

    def message(self) -> str:
        return f"The code {self.promotion} was given to a promotion before. Choose another one."
