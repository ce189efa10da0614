"""The ways pricing says no."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, NotFound, Rejected


@attrs.define
class BadCost(Invalid):
    """A cost must be a whole number of tokens, at least one."""

    code = "pricing.bad_cost"

    name: str
    cost: object

    def message(self) -> str:
        return f"The cost of {self.name} is {self.cost!r}; give a whole number of tokens, at least 1."


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
class NoTokenCosts(NotFound):
    """No table of token costs is in force yet."""

    code = "pricing.no_token_costs"

    def message(self) -> str:
        return "No costs are in force yet. Run `buddy seed`, or add a version that has taken effect."
