"""The ways rewarded ads say no."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import NotFound, Rejected


@attrs.define
class CallbackRefused(Rejected):
    """A callback with a good signature does not belong to an open reward."""

    code = "ads.callback_refused"

    problem: str

    def message(self) -> str:
        return f"The callback is refused: {self.problem}."


@attrs.define
class RewardNotFound(NotFound):
    """There is no such reward for this account."""

    code = "ads.reward_not_found"

    reward_id: str

    def message(self) -> str:
        return "This ad is not known any more. Start another one."


@attrs.define
class RewardCapReached(Rejected):
    """No more ads pay here for now."""

    code = "ads.cap_reached"

    scope: str
    limit: int

    def message(self) -> str:
        when = "Register to go on earning." if self.scope == "guest" else "Come back tomorrow (UTC)."
        return f"You have earned from {self.limit} ads; that is all for this {self.scope}. {when}"


@attrs.define
class TooManyOpen(Rejected):
    """As many ads were begun as a day may pay, and none of them has ended."""

    code = "ads.too_many_open"

    limit: int
    next_at: datetime
    """When the oldest of them expires."""

    def message(self) -> str:
        return (
            f"You have begun {self.limit} ads that have not ended. Watch one to its end, or try again "
            f"after {self.next_at:%H:%M} UTC."
        )


@attrs.define
class RewardNotHeld(Rejected):
    """Only a held reward can be released or refused."""

    code = "ads.reward_not_held"

    status: str

    def message(self) -> str:
        return f"This reward is {self.status}, not held, so there is nothing to decide."


@attrs.define
class NoRewardRule(NotFound):
    """No reward rule is in force yet."""

    code = "ads.no_reward_rule"

    def message(self) -> str:
        return "No reward rule is in force yet. Run `buddy seed`, or add a version that has taken effect."
