"""The ways rewarded ads say no."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, NotFound, Rejected

_TOMORROW = "Come back tomorrow (UTC)."
_REGISTER = "Register to go on earning."
_CAPPED = {
    "account": ("this account today", _TOMORROW),
    "device": ("this device today", _TOMORROW),
    "ip": ("this internet address today", _TOMORROW),
    "guest": ("a guest", _REGISTER),
    "guest_device": ("the guests of this device", _REGISTER),
}


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
        whose, then = _CAPPED.get(self.scope, ("this viewer", _TOMORROW))
        return f"{self.limit} ads have been paid; that is all for {whose}. {then}"


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
class BadRewardRule(Invalid):
    """A rule's name is unknown, or its number is out of range."""

    code = "ads.bad_reward_rule"

    name: str
    problem: str

    def message(self) -> str:
        return f"{self.name} {self.problem}."


@attrs.define
class RewardRuleInPast(Rejected):
    """A rule takes effect a minute after it was recorded at the soonest, and after the last one."""

    code = "ads.reward_rule_in_past"

    effective_from: datetime
    earliest: datetime

    def message(self) -> str:
        return (
            f"A new reward rule can take effect from {self.earliest.isoformat()} on, not from "
            f"{self.effective_from.isoformat()}: what was paid keeps its rule. Choose a later instant."
        )


@attrs.define
class RewardRuleTooFar(Rejected):
    """A rule takes effect within a year: a date further off would stand in the way of every other."""

    code = "ads.reward_rule_too_far"

    effective_from: datetime
    latest: datetime

    def message(self) -> str:
        return (
            f"A new reward rule can take effect until {self.latest.isoformat()}, not from "
            f"{self.effective_from.isoformat()}. Choose a nearer instant."
        )


@attrs.define
class RewardRuleChanged(Conflict):
    """Somebody else added a rule since the one that a change began from."""

    code = "ads.reward_rule_changed"

    seen_version: int
    version: int

    def message(self) -> str:
        return (
            f"Version {self.version} of the reward rule has been added since you looked at version "
            f"{self.seen_version}. Nothing was saved; look at it, then change what is still to be changed."
        )


@attrs.define
class NoRewardRule(NotFound):
    """No reward rule is in force yet."""

    code = "ads.no_reward_rule"

    def message(self) -> str:
        return "No reward rule is in force yet. Run `buddy seed`, or add a version that has taken effect."
