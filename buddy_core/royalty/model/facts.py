"""What happened in a period, as royalty's own plain values; they come from outside and know no store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty.model.fields import (
    Word,
    a_number,
    at_or_none,
    each,
    exactly,
    many,
    name,
    not_negative,
    sold_or_none,
    spent_or_none,
    whole,
)


class Model(Word):
    """How a title earned: what terms give shares by."""

    RENTAL = "rental"
    EST = "est"
    PVOD = "pvod"
    PPV = "ppv"
    FESTIVAL = "festival"
    EDITION = "edition"
    SUBSCRIPTION = "subscription"
    ADS = "ads"
    TOKENS = "tokens"


SOLD = (Model.RENTAL, Model.EST, Model.PVOD, Model.PPV, Model.FESTIVAL, Model.EDITION)
"""What is sold title by title, and so needs no pool."""


def _money(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, Paid):
        raise InvalidValue(
            attribute.name, f"is a {type(value).__name__}; give Paid, with what was paid as gross"
        )


@frozen
class Paid:
    """Money that came in and what leaves it before anything is shared, in minor units.

    A refund in a later period is a fact of its own: `gross` 0, `refund` what went back, and
    `tax` below zero by the tax that is no longer owed. Added to the sale it leaves what was kept.
    """

    gross: int = field(default=0, validator=whole)
    """What was paid, its tax included."""
    tax: int = field(default=0, validator=whole)
    """Tax owed on it."""
    refund: int = field(default=0, validator=whole)
    """What went back to buyers, its tax included."""
    chargeback: int = field(default=0, validator=whole)
    """What banks took back, its tax included."""
    fee: int = field(default=0, validator=whole)
    """What gateways, app stores or ad networks kept."""

    @property
    def net(self) -> int:
        """What is left to be shared."""
        return self.gross - self.tax - self.refund - self.chargeback - self.fee

    def __sub__(self, other: Paid) -> Paid:
        return Paid(
            self.gross - other.gross,
            self.tax - other.tax,
            self.refund - other.refund,
            self.chargeback - other.chargeback,
            self.fee - other.fee,
        )

    def __add__(self, other: Paid) -> Paid:
        return Paid(
            self.gross + other.gross,
            self.tax + other.tax,
            self.refund + other.refund,
            self.chargeback + other.chargeback,
            self.fee + other.fee,
        )


@frozen
class Sale:
    """Copies of one title sold by one model in one country: attributed to it directly."""

    id: str = field(validator=name)
    model: Model = field(converter=Model)
    title: str = field(validator=name)
    territory: str = field(validator=name)
    currency: str = field(validator=name)
    paid: Paid = field(validator=_money)
    at: datetime = field(converter=utc)
    units: int = field(validator=whole)
    """Copies; below zero where copies came back. Where nothing is said, 1 if something was paid."""
    sold_at: datetime | None = field(default=None, converter=sold_or_none)
    """On a refund: when it was sold, whose terms count."""

    @units.default
    def _one_where_paid(self) -> int:
        # What is no Paid is refused where all fields are looked at, after this.
        paid: object = self.paid
        return 1 if isinstance(paid, Paid) and paid.gross > 0 else 0

    @model.validator
    def _sold(self, _: object, value: Model) -> None:
        if value not in SOLD:
            raise InvalidValue("model", f"{value.value} is not sold title by title")

    @property
    def terms_at(self) -> datetime:
        """The instant whose terms count."""
        return self.at if self.sold_at is None else self.sold_at


@frozen
class SubscriptionRevenue:
    """What one account, or all of a plan together, paid for a plan in the period."""

    id: str = field(validator=name)
    plan: str = field(validator=name)
    territory: str = field(validator=name)
    currency: str = field(validator=name)
    paid: Paid = field(validator=_money)
    account: str | None = None
    """Needed where a pool is shared subscriber by subscriber."""


@frozen
class PoolPart:
    """What of a shared pool is a title's, and by how many counted seconds or impressions."""

    title: str = field(validator=name)
    amount: Fraction = field(converter=exactly, validator=a_number)
    """Minor units."""
    counted: Fraction = field(converter=exactly, validator=a_number)


@frozen
class SharedPool:
    """A plan's pool of one country and currency that was shared where its rows are, as at scale.

    It stands for the revenue and the watch of that pool, which are then no facts of their own.
    """

    id: str = field(validator=name)
    plan: str = field(validator=name)
    territory: str = field(validator=name)
    currency: str = field(validator=name)
    paid: Paid = field(validator=_money)
    method: str = field(validator=name)
    """By which rule, such as `user_centric`."""
    parts: tuple[PoolPart, ...] = field(converter=many, validator=each(PoolPart, "PoolPart"))
    """By title, one each; with `kept` and `carried` they make the net of `paid` exactly."""
    kept: int = field(default=0, validator=whole)
    """By the platform."""
    carried: int = field(default=0, validator=whole)
    """To the next period's pool."""


@frozen
class AdRevenue:
    """What advertisers paid in a country; that of rewarded ads goes to the token fund and nowhere else."""

    id: str = field(validator=name)
    territory: str = field(validator=name)
    currency: str = field(validator=name)
    paid: Paid = field(validator=_money)
    is_rewarded: bool = False


@frozen
class Watch:
    """Seconds that one account watched one title; with a plan in its pool, without one among the ads."""

    account: str = field(validator=name)
    title: str = field(validator=name)
    territory: str = field(validator=name)
    seconds: int = field(validator=not_negative)
    plan: str | None = None
    at: datetime | None = field(default=None, converter=at_or_none)
    """Needed only where the title's terms change within the period."""


@frozen
class Impressions:
    """Ads that were shown with a title in a country."""

    title: str = field(validator=name)
    territory: str = field(validator=name)
    count: int = field(validator=not_negative)
    at: datetime | None = field(default=None, converter=at_or_none)


@frozen
class TokenUse:
    """Tokens of one kind spent on a title, with the exact value that was stamped on the spend.

    A refund has tokens and value below zero, and says in `spent_at` when they had been spent.
    """

    id: str = field(validator=name)
    title: str = field(validator=name)
    territory: str = field(validator=name)
    kind: str = field(validator=name)
    tokens: int = field(validator=whole)
    version: int = field(validator=whole)
    """The value version that was in force."""
    currency: str = field(validator=name)
    value: Fraction = field(converter=exactly, validator=a_number)
    """Minor units for all the tokens together."""
    at: datetime = field(converter=utc)
    spent_at: datetime | None = field(default=None, converter=spent_or_none)

    @spent_at.validator
    def _told_on_refunds_alone(self, _: object, value: Any) -> None:
        if (self.tokens < 0) != (value is not None):
            raise InvalidValue("spent_at", "says when the tokens of a refund were spent, and of nothing else")

    @property
    def terms_at(self) -> datetime:
        """The instant whose terms count: a refund takes from those who got it."""
        return self.at if self.spent_at is None else self.spent_at


@frozen
class Expense:
    """Money the platform laid out for a title under a deal, to be taken back from what it earns."""

    id: str = field(validator=name)
    deal: str = field(validator=name)
    amount: int = field(validator=not_negative)
    """Minor units of the deal's account."""


@frozen
class FxRate:
    """One unit of `base` in units of `quote`, as stamped: by whom, and when."""

    base: str = field(validator=name)
    quote: str = field(validator=name)
    rate: Fraction = field(converter=exactly)
    """Major units of `quote` for one major unit of `base`."""
    source: str = field(validator=name)
    at: datetime = field(converter=utc)

    @quote.validator
    def _another(self, _: object, value: str) -> None:
        if value == self.base:
            raise InvalidValue("quote", f"is {value}, as base is; a rate is between two currencies")

    @rate.validator
    def _positive(self, attribute: Any, value: Fraction) -> None:
        a_number(self, attribute, value)
        if value <= 0:
            raise InvalidValue("rate", "must be above zero")


Fact = Sale | SubscriptionRevenue | SharedPool | AdRevenue | Watch | Impressions | TokenUse | Expense | FxRate


@frozen
class Facts:
    """All facts of one period; their order makes no difference."""

    sales: tuple[Sale, ...] = field(default=(), converter=many, validator=each(Sale, "Sale"))
    subscriptions: tuple[SubscriptionRevenue, ...] = field(
        default=(), converter=many, validator=each(SubscriptionRevenue, "SubscriptionRevenue")
    )
    pools: tuple[SharedPool, ...] = field(
        default=(), converter=many, validator=each(SharedPool, "SharedPool")
    )
    ads: tuple[AdRevenue, ...] = field(default=(), converter=many, validator=each(AdRevenue, "AdRevenue"))
    watch: tuple[Watch, ...] = field(default=(), converter=many, validator=each(Watch, "Watch"))
    impressions: tuple[Impressions, ...] = field(
        default=(), converter=many, validator=each(Impressions, "Impressions")
    )
    tokens: tuple[TokenUse, ...] = field(default=(), converter=many, validator=each(TokenUse, "TokenUse"))
    expenses: tuple[Expense, ...] = field(default=(), converter=many, validator=each(Expense, "Expense"))
    rates: tuple[FxRate, ...] = field(default=(), converter=many, validator=each(FxRate, "FxRate"))

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> Facts:
        """Sort facts of any kind into their places.

        Raises:
            InvalidValue: something else is among them.
        """
        found: Mapping[str, list[Any]] = {name: [] for name in _PLACES.values()}
        for fact in facts:
            place = _PLACES.get(type(fact))
            if place is None:
                raise InvalidValue("facts", f"has a {type(fact).__name__} in it, which is no fact")
            found[place].append(fact)
        return cls(**{name: tuple(values) for name, values in found.items()})

    def __add__(self, more: Facts) -> Facts:
        return Facts(**{name: getattr(self, name) + getattr(more, name) for name in _PLACES.values()})


_PLACES: Mapping[type, str] = {
    Sale: "sales",
    SubscriptionRevenue: "subscriptions",
    SharedPool: "pools",
    AdRevenue: "ads",
    Watch: "watch",
    Impressions: "impressions",
    TokenUse: "tokens",
    Expense: "expenses",
    FxRate: "rates",
}
