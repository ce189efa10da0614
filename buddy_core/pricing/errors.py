"""The ways pricing says no."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, NotFound, Rejected


@attrs.define
class BadCost(Invalid):
    """A cost must be a whole number of tokens, from one to a million."""

    code = "pricing.bad_cost"

    name: str
    cost: object

    def message(self) -> str:
        return f"The cost of {self.name} is {self.cost!r}; give a whole number of tokens from 1 to 1000000."


@attrs.define
class NotForTokens(Rejected):
    """The title has no cost in tokens."""

    code = "pricing.not_for_tokens"

    type: str

    def message(self) -> str:
        return f"A {self.type} is not unlocked with tokens; open one of its parts."


@attrs.define
class PriceChanged(Conflict):
    """The cost is no longer what the request had seen; nothing was spent."""

    code = "pricing.price_changed"

    seen_tokens: int
    seen_version: int
    tokens: int
    version: int

    def message(self) -> str:
        if self.tokens == self.seen_tokens:
            return f"There is a new price list; the cost is still {self.tokens} tokens. Confirm it once more."
        return (
            f"The cost is now {self.tokens} tokens, not {self.seen_tokens}. "
            "Nothing was spent; look at the new cost and confirm it."
        )


@attrs.define
class CostsInPast(Rejected):
    """Costs take effect a minute after they were recorded at the soonest, and after the last ones."""

    code = "pricing.costs_in_past"

    effective_from: datetime
    earliest: datetime

    def message(self) -> str:
        return (
            f"New costs can take effect from {self.earliest.isoformat()} on, not from "
            f"{self.effective_from.isoformat()}: what was quoted stays. Choose a later instant."
        )


@attrs.define
class CostsTooFar(Rejected):
    """Costs take effect within a year: a date further off would stand in the way of all others."""

    code = "pricing.costs_too_far"

    effective_from: datetime
    latest: datetime

    def message(self) -> str:
        return (
            f"New costs can take effect until {self.latest.isoformat()}, not from "
            f"{self.effective_from.isoformat()}. Choose a nearer instant."
        )


@attrs.define
class CostsChanged(Conflict):
    """Somebody else added costs since the ones that a change began from."""

    code = "pricing.costs_changed"

    seen_version: int
    version: int

    def message(self) -> str:
        return (
            f"Version {self.version} of the costs has been added since you looked at version "
            f"{self.seen_version}. Nothing was saved; look at it, then change what is still to be changed."
        )


@attrs.define
class NoTokenCosts(NotFound):
    """No table of token costs is in force yet."""

    code = "pricing.no_token_costs"

    def message(self) -> str:
        return "No costs are in force yet. Run `buddy seed`, or add a version that has taken effect."
