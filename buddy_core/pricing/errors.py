"""The ways pricing says no."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, NotFound, Rejected
from buddy_core.kernel.money import Money


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
    """The price is no longer what the request had seen; nothing was spent."""

    code = "pricing.price_changed"

    seen_tokens: int
    seen_version: int
    tokens: int
    """What it costs now in tokens; 0 where it is sold for money or not sold like this any more."""
    version: int
    seen_price: Money | None = None
    price: Money | None = None

    def message(self) -> str:
        seen = f"{self.seen_tokens} tokens" if self.seen_price is None else str(self.seen_price)
        now = f"{self.tokens} tokens" if self.price is None else str(self.price)
        if self.price is None and not self.tokens:
            return "This is not sold like that any more. Nothing was spent; look at what is offered now."
        if now == seen:
            return f"There is a new price list; the cost is still {now}. Confirm it once more."
        return f"The cost is now {now}, not {seen}. Nothing was spent; look at the new cost and confirm it."


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


@attrs.define
class BadPriceRule(Invalid):
    """A rule of the price book contradicts itself or lacks something."""

    code = "pricing.bad_price_rule"

    rule: str
    problem: str

    def message(self) -> str:
        return f"Price rule {self.rule}: it {self.problem}."


@attrs.define
class BadAmount(Invalid):
    """A price must be a whole number of minor units, above zero."""

    code = "pricing.bad_amount"

    rule: str
    amount: str

    def message(self) -> str:
        return (
            f"Price rule {self.rule}: the amount is {self.amount}; give a whole number of minor units above "
            "0, such as 4900 for INR 49.00. Only a tier of a subscription may be free."
        )


@attrs.define
class BadCurrency(Invalid):
    """A price is in no currency that money can be counted in."""

    code = "pricing.bad_currency"

    rule: str
    currency: str

    def message(self) -> str:
        return (
            f"Price rule {self.rule}: {self.currency!r} is no currency to pay in; give three capital letters "
            "of ISO 4217, such as 'INR'."
        )


@attrs.define
class BadTerritory(Invalid):
    """A price is for no territory that there is."""

    code = "pricing.bad_territory"

    rule: str
    territory: str

    def message(self) -> str:
        return (
            f"Price rule {self.rule}: {self.territory!r} is no territory; give '*' for everywhere, a region "
            "such as 'EU', or the two capital letters of a country, such as 'IN'."
        )


@attrs.define
class BadHours(Invalid):
    """A rental lasts 24, 36, 48 or 72 hours."""

    code = "pricing.bad_hours"

    rule: str
    hours: str

    def message(self) -> str:
        return f"Price rule {self.rule}: the hours are {self.hours}; a rental lasts 24, 36, 48 or 72."


@attrs.define
class BadDates(Invalid):
    """A price would end before it begins."""

    code = "pricing.bad_dates"

    rule: str
    starts_at: datetime
    ends_at: datetime

    def message(self) -> str:
        return (
            f"Price rule {self.rule}: it would end at {self.ends_at.isoformat()}, not after it begins at "
            f"{self.starts_at.isoformat()}. Move one of the two."
        )


@attrs.define
class SameRank(Invalid):
    """Two prices would win equally for one viewer, so that nobody could tell which is meant."""

    code = "pricing.same_rank"

    rule: str
    other: str
    country: str

    def message(self) -> str:
        return (
            f"Price rules {self.rule} and {self.other} are for the same and equally close to {self.country}. "
            "Drop one, or make one more specific: by title, territory, plan, window or start."
        )


@attrs.define
class PricesInPast(Rejected):
    """Prices take effect a minute after they were recorded at the soonest, and after the last ones."""

    code = "pricing.prices_in_past"

    effective_from: datetime
    earliest: datetime

    def message(self) -> str:
        return (
            f"New prices can take effect from {self.earliest.isoformat()} on, not from "
            f"{self.effective_from.isoformat()}: what was quoted stays. Choose a later instant."
        )


@attrs.define
class PricesTooFar(Rejected):
    """Prices take effect within a year: a date further off would stand in the way of all others."""

    code = "pricing.prices_too_far"

    effective_from: datetime
    latest: datetime

    def message(self) -> str:
        return (
            f"New prices can take effect until {self.latest.isoformat()}, not from "
            f"{self.effective_from.isoformat()}. Choose a nearer instant."
        )


@attrs.define
class PricesChanged(Conflict):
    """Somebody else added prices since the ones that a change began from."""

    code = "pricing.prices_changed"

    seen_version: int
    version: int

    def message(self) -> str:
        return (
            f"Version {self.version} of the prices has been added since you looked at version "
            f"{self.seen_version}. Nothing was saved; look at it, then change what is still to be changed."
        )


@attrs.define
class NoPrices(NotFound):
    """No book of prices is in force yet."""

    code = "pricing.no_prices"

    def message(self) -> str:
        return "No prices are in force yet. Run `buddy seed`, or add a version that has taken effect."
