"""Who gets what part of what a title earns: deals, tiers, accounts, pools and the period's policies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from attrs import field, frozen
from attrs.validators import optional

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.rounding import exact
from buddy_core.kernel.territories import Territories, territories
from buddy_core.royalty.model.facts import Model
from buddy_core.royalty.model.fields import (
    Word,
    a_part,
    each,
    each_text,
    end,
    end_or_none,
    exactly,
    many,
    name,
    optional_texts,
    start,
    start_or_none,
    texts,
    texts_or_none,
)
from buddy_core.royalty.model.waterfalls import FilmWaterfall


def _not_negative(_: object, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidValue(attribute.name, "must be a whole number of minor units, not below zero")


def _one_or_more(_: object, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidValue(attribute.name, "must be a whole number from 1 on")


def _too_early(end: datetime, start: datetime) -> str:
    return f"is {end.isoformat()}, and it starts at {start.isoformat()}; let the end be after the start"


class Basis(Word):
    """What a tier counts."""

    UNITS = "units"
    GROSS = "gross"
    NET = "net"


class Counting(Word):
    """Since when a tier counts."""

    LIFE = "life"
    """All periods of the deal together."""
    PERIOD = "period"
    """Each period from nothing."""


@frozen
class Band:
    """From `over` on, up to and with `up_to`, a rate; the last band is open."""

    over: int = field(validator=_not_negative)
    up_to: int | None = field(validator=optional(_not_negative))
    rate: Fraction = field(converter=exactly, validator=a_part)


@frozen
class Tiers:
    """Marginal rates: each unit, or minor unit, has the rate of the band that it falls in."""

    bands: tuple[Band, ...] = field(converter=many, validator=each(Band, "Band"))
    basis: Basis = field(default=Basis.UNITS, converter=Basis)
    counting: Counting = field(default=Counting.LIFE, converter=Counting)

    @bands.validator
    def _follow_each_other(self, _: object, bands: tuple[Band, ...]) -> None:
        end: int | None = 0
        for band in bands:
            if end is None or band.over != end:
                raise InvalidValue("bands", f"begin at 0 and follow each other; one begins over {band.over}")
            if band.up_to is not None and band.up_to <= band.over:
                raise InvalidValue("bands", f"the band over {band.over} ends at {band.up_to}")
            end = band.up_to
        if not bands or end is not None:
            raise InvalidValue("bands", "the last one has no end; write up_to as null")


@frozen
class From:
    """A rate from an instant on."""

    at: datetime = field(converter=utc)
    rate: Fraction = field(converter=exactly, validator=a_part)


@frozen
class Escalator:
    """A rate that changes by date: `first`, and then each from its instant on."""

    first: Fraction = field(converter=exactly, validator=a_part)
    then: tuple[From, ...] = field(default=(), converter=many, validator=each(From, "From"))

    @then.validator
    def _in_order(self, _: object, then: tuple[From, ...]) -> None:
        if [step.at for step in then] != sorted({step.at for step in then}):
            raise InvalidValue("then", "its instants follow each other")

    def rate_at(self, at: datetime) -> Fraction:
        """Return the rate that holds at an instant."""
        return next((step.rate for step in reversed(self.then) if step.at <= at), self.first)


Rate = Fraction | Tiers | Escalator


def _rates(value: Mapping[Any, Any]) -> Mapping[Model, Rate]:
    found: dict[Model, Rate] = {}
    for model, rate in value.items():
        found[Model(model)] = rate if isinstance(rate, Tiers | Escalator) else _flat(model, rate)
    return MappingProxyType(found)


def _flat(model: Any, rate: Any) -> Fraction:
    value = exact(rate)
    if not 0 <= value <= 1:
        raise InvalidValue(f"rates.{Model(model).value}", f"is {value}; a part is from 0 to 1")
    return value


class AdsBy(Word):
    """By what a title's part of the ad revenue of a country is measured."""

    WATCH = "watch"
    IMPRESSIONS = "impressions"


@frozen
class Deal:
    """One holder's terms for one title in some territories, for a half-open time.

    Of what the title nets there the holder owns `part`; the distribution fee goes out of
    that, then expenses up to their cap; of what is left the holder gets `rates` by model,
    and the platform the rest. The parts of all deals of a title make exactly 1 in each
    territory at each instant, or there is none and all of it is the platform's.
    """

    id: str = field(validator=name)
    title: str = field(validator=name)
    holder: str = field(validator=name)
    rates: Mapping[Model, Rate] = field(converter=_rates, hash=False)
    part: Fraction = field(default=Fraction(1), converter=exactly, validator=a_part)
    territories: Territories = field(default=Territories(("*",)), converter=territories)
    starts_at: datetime | None = field(default=None, converter=start_or_none)
    ends_at: datetime | None = field(default=None, converter=end_or_none)
    account: str | None = field(default=None, validator=optional(name))
    """Where it is settled; without one, the holder's own account of the currency."""
    fee: Fraction = field(default=Fraction(0), converter=exactly, validator=a_part)
    """Distribution fee: the part that goes to the platform first."""
    expense_cap: int | None = field(default=None, validator=optional(_not_negative))
    """Expenses that may be taken back over the life of the deal, in minor units; None is no cap."""
    ads_by: AdsBy = field(default=AdsBy.WATCH, converter=AdsBy)

    @ends_at.validator
    def _after_its_start(self, _: object, value: datetime | None) -> None:
        if value is not None and self.starts_at is not None and value <= self.starts_at:
            raise InvalidValue("ends_at", _too_early(value, self.starts_at))

    def holds(self, territory: str, at: datetime) -> bool:
        """Say whether it is the deal for a country at an instant."""
        return self.holds_at(at) and territory in self.territories

    def holds_at(self, at: datetime) -> bool:
        """Say whether it holds anywhere at an instant."""
        return (self.starts_at is None or self.starts_at <= at) and (
            self.ends_at is None or at < self.ends_at
        )


class Negative(Word):
    """What becomes of a period that comes to less than nothing."""

    CARRY = "carry"
    """It is set against later periods."""
    FORGIVE = "forgive"
    """It is forgotten, and the platform bears it."""


@frozen
class Guarantee:
    """What the holder has by the end of a term at least, settled once, at its end."""

    minimum: int = field(validator=_not_negative)
    starts_at: datetime = field(converter=start)
    ends_at: datetime = field(converter=end)

    @ends_at.validator
    def _after_its_start(self, _: object, value: datetime) -> None:
        if value <= self.starts_at:
            raise InvalidValue("ends_at", _too_early(value, self.starts_at))


@frozen
class Reserve:
    """A part of what was earned that is held back against refunds, and released after some periods."""

    part: Fraction = field(converter=exactly, validator=a_part)
    periods: int = field(validator=_one_or_more)


@frozen
class Withholding:
    """Tax that is kept back from what is paid, from an instant on."""

    rate: Fraction = field(converter=exactly, validator=a_part)
    starts_at: datetime = field(converter=start)
    key: str = field(validator=name)
    """Which rule it is, such as `IN:194J`; rates and keys are data."""


@frozen
class Account:
    """Where what a holder earns in one currency is set against advances, reserves and guarantees."""

    id: str = field(validator=name)
    holder: str = field(validator=name)
    currency: str = field(validator=name)
    advance: int = field(default=0, validator=_not_negative)
    """All that was ever paid in advance; what earnings have not covered yet is never owed in cash."""
    recoups: tuple[str, ...] = field(default=(), converter=many, validator=each(str, "names of accounts"))
    """Other accounts of the holder whose advances this one's earnings cover as well: explicit links alone."""
    guarantees: tuple[Guarantee, ...] = field(
        default=(), converter=many, validator=each(Guarantee, "Guarantee")
    )
    """One at a time: their terms must not overlap."""
    reserve: Reserve | None = None
    threshold: int = field(default=0, validator=_not_negative)
    """Less than this is not paid but carried."""
    negative: Negative = field(default=Negative.CARRY, converter=Negative)
    withholding: tuple[Withholding, ...] = field(
        default=(), converter=many, validator=each(Withholding, "Withholding")
    )


class PoolMethod(Word, field="method"):
    """How a pool is shared over its players: holders, or titles."""

    PRO_RATA = "pro_rata"
    """`pool x units of the player / all units`."""
    USER_CENTRIC = "user_centric"
    """The sum over subscribers of `what they paid x units of the player / all their units`."""
    EQUAL_PER_SUBSCRIBER = "equal_per_subscriber"
    """The sum over subscribers of `what they paid / players they used`, for each player used. With
    holders as players it is the Shapley value of the pass game (Ginsburgh and Zang 2003)."""
    EQUAL_PER_TITLE = "equal_per_title"
    """The same with titles as players: who has more titles has more parts."""


class SilentMoney(Word, field="silent"):
    """Whose the money is of subscribers who used nothing that counts."""

    POOL = "pool"
    """Everybody's, in proportion to all counted units."""
    PLATFORM = "platform"
    CARRY = "carry"
    """Nobody's yet: it is carried over to a later period."""


@frozen
class PoolRule:
    """How the pools of one plan, or of all, are shared."""

    plan: str = field(default="*", validator=name)
    method: PoolMethod = field(default=PoolMethod.PRO_RATA, converter=PoolMethod)
    min_seconds: int = field(default=0, validator=_not_negative)
    """Of one account and title; less does not count."""
    max_seconds: int | None = field(default=None, validator=optional(_not_negative))
    """Of one account over all titles; more is scaled down to it."""
    excluded_accounts: frozenset[str] = field(default=frozenset(), converter=texts, validator=each_text)
    excluded_titles: frozenset[str] = field(default=frozenset(), converter=texts, validator=each_text)
    silent: SilentMoney = field(default=SilentMoney.POOL, converter=SilentMoney)


@frozen
class Terms:
    """All that says how a period's money is shared."""

    deals: tuple[Deal, ...] = field(default=(), converter=many, validator=each(Deal, "Deal"))
    accounts: tuple[Account, ...] = field(default=(), converter=many, validator=each(Account, "Account"))
    pools: tuple[PoolRule, ...] = field(
        default=(PoolRule(),), converter=many, validator=each(PoolRule, "PoolRule")
    )
    fund_kinds: frozenset[str] = field(default=frozenset(("bonus",)), converter=texts, validator=each_text)
    """Kinds of tokens whose value the token fund pays; that of others was paid by viewers."""
    own_titles: frozenset[str] | None = field(
        default=frozenset(), converter=optional_texts, validator=texts_or_none
    )
    """Titles that are the platform's own and may earn without a deal; None: all that have no deal."""
    waterfalls: tuple[FilmWaterfall, ...] = field(
        default=(), converter=many, validator=each(FilmWaterfall, "FilmWaterfall")
    )
    """Titles whose deals share what ordered steps leave."""
