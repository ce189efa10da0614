"""What a period comes to: lines with what each was worked out from, accounts, and the reconciliation."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from buddy_core.royalty.model.balances import AccountBalance, Balances
from buddy_core.royalty.model.facts import FxRate, Model

RULES = "royalty/1"
"""The version of the rules; it stands on every line."""


@frozen
class Line:
    """What one holder has of one title in one country by one model; exact minor units."""

    holder: str
    title: str
    territory: str
    model: Model
    currency: str
    deal: str | None
    """None on what the platform has without one, and on what a step of a waterfall takes."""
    net: Fraction
    """What the title netted, before anybody's part; on a deal's line, what its waterfall left of that."""
    part: Fraction
    fee: Fraction
    """Distribution fee, an amount."""
    expenses: Fraction
    """Taken back, an amount."""
    base: Fraction
    """`net` x `part` - `fee` - `expenses`: what the rate is of."""
    rate: Fraction
    """Of tiers: what their bands come to on this period's units."""
    amount: Fraction
    """`base` x `rate`."""
    inputs: Mapping[str, Any] = field(factory=dict, hash=False)
    """What `net` and `rate` were worked out from, by name."""
    adjusts: str = ""
    """On an adjustment: the closed month that it belongs to."""
    rules: str = RULES

    @property
    def step(self) -> str:
        """The step of the title's waterfall that takes it; empty on all other lines."""
        return self._told("step")

    @property
    def plan(self) -> str:
        """The plan whose money it is a part of; empty on what is of no plan."""
        return self._told("pool").rsplit("/", 2)[0] if self.model is Model.SUBSCRIPTION else ""

    @property
    def kind(self) -> str:
        """The kind of the tokens that were spent; empty on all other lines."""
        return self._told("kind")

    @property
    def refund_of(self) -> str:
        """The month of what it gives back, such as 2026-08; empty where nothing is."""
        return self._told("refund_of")

    def _told(self, name: str) -> str:
        found: str = self.inputs.get(name, "")
        return found


@frozen
class SettlingStep:
    """One step of settling an account: what it did, and what was there after it."""

    name: str
    amount: int
    left: int
    note: str = ""


@frozen
class Settlement:
    """An account's period in minor units: from what it opened with to what is paid."""

    account: str
    holder: str
    currency: str
    opening: AccountBalance
    earned: int
    steps: tuple[SettlingStep, ...]
    payable: int
    """What is paid out, after tax withheld; never below zero."""
    withheld: int
    topped_up: int
    """What the platform adds so that a guarantee is met."""
    forgiven: int
    """What was below zero and is forgotten, borne by the platform."""
    closing: AccountBalance


@frozen
class AccountShare:
    """What one account has of what a statement comes to."""

    account: str
    adjusts: str
    """The closed month that it adjusts; empty for the period's own."""
    minor: int
    """Minor units of the statement's currency; all shares add up to its `earned`."""
    rate: Fraction
    """Minor units of the account's currency for one of the statement's."""
    amount: int
    """`minor` x `rate`, rounded half up: what reaches the account."""
    fx: FxRate | None = None
    """The rate of exchange as it was stamped, by whom and when; None where no currency changes."""


@frozen
class HolderStatement:
    """One holder's period in one currency."""

    holder: str
    currency: str
    lines: tuple[Line, ...]
    exact: Fraction
    earned: int
    """`exact` rounded once, as the holder's part of the whole period."""
    shares: tuple[AccountShare, ...]
    settlements: tuple[Settlement, ...]

    @property
    def rounding(self) -> Fraction:
        """What rounding added or took."""
        return self.earned - self.exact


@frozen
class Fund:
    """The token fund: what rewarded ads brought in, against what the tokens spent are worth."""

    paid_in: int
    attributed: Fraction
    """What spends of the fund's kinds are worth, all holders and the platform together."""
    result: Fraction
    """Surplus, or deficit below zero, which the platform bears."""


@frozen
class PoolReport:
    """What became of a pool."""

    name: str
    currency: str
    net: int
    method: str
    attributed: Fraction
    """To titles."""
    kept: Fraction
    """By the platform: of silent subscribers, or all of it where nobody watched."""
    carried: Fraction
    """To the next period's pool, by the rule for silent subscribers."""
    counted: Fraction
    """Seconds or impressions that count."""
    note: str = ""
    silent: Fraction = Fraction(0)
    """Paid by subscribers who used nothing that counts; where it went, `note` says."""
    silent_accounts: int = 0


@frozen
class PeriodReconciliation:
    """Where all money of a currency went: what came in, with `rounding`, is what went out."""

    currency: str
    gross: int
    """Sales, subscriptions and ads, those of rewarded ads as well."""
    stamped: Fraction
    """Worth of spent tokens that viewers had paid for, as stamped."""
    tax: int
    refunds: int
    chargebacks: int
    fees: int
    holders: int
    platform: int
    fund: int
    brought: Fraction
    """Kept by the period before for this one's pools."""
    carried: Fraction
    """Kept for the next period's pools."""
    rounding: Fraction
    """What rounding the whole once added or took: nothing where no exact worth of tokens or pool is in it."""

    @property
    def residual(self) -> Fraction:
        """What is not accounted for: always 0."""
        out = self.tax + self.refunds + self.chargebacks + self.fees
        shared = self.holders + self.platform + self.fund + self.carried
        return self.gross + self.stamped + self.brought + self.rounding - out - shared


@frozen
class PeriodResult:
    """A period's statements, what is carried to the next one, and where everything went."""

    statements: tuple[HolderStatement, ...]
    platform: tuple[Line, ...]
    """What is the platform's, by title, country and model."""
    pools: tuple[PoolReport, ...]
    funds: Mapping[str, Fund]
    reconciliations: tuple[PeriodReconciliation, ...]
    balances: Balances
