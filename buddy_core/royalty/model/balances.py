"""What goes from one period to the next: of each account and of each deal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.rounding import exact
from buddy_core.royalty.model.facts import Model
from buddy_core.royalty.model.fields import a_number, by_name, each, exactly, many, not_negative, whole
from buddy_core.royalty.model.fields import name as a_name

_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")


def _month(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or _MONTH.fullmatch(value) is None:
        raise InvalidValue(attribute.name, f"is {value!r}; write a month such as 2026-10")


def _counted(value: Mapping[Any, Any]) -> Mapping[Model, Fraction]:
    """Return exact numbers by model; what is so already is left as it is, as there is one for every deal."""
    if type(value) is dict:
        for model, amount in value.items():
            if type(model) is not Model or type(amount) is not Fraction:
                break
        else:
            return value
    found: dict[Model, Fraction] = {}
    for key, amount in value.items():
        known = next((item for item in Model if key in (item, item.value)), None)
        if known is None:
            names = ", ".join(item.value for item in Model)
            raise InvalidValue("counted", f"has {key!r} for a model; write one of {names}")
        try:
            found[known] = exact(amount)
        except InvalidValue as error:
            raise InvalidValue(f"counted.{known.value}", error.problem) from None
    return found


def _exact_by_name(value: Mapping[str, Any]) -> Mapping[str, Fraction]:
    given: object = value
    if not isinstance(given, Mapping):
        return value
    return {name: exactly(amount) for name, amount in given.items()}


def _not_below_zero(_: object, attribute: Any, value: Fraction) -> None:
    a_number(_, attribute, value)
    if value.numerator < 0:
        raise InvalidValue(attribute.name, f"is {value}; it is never below zero")


@frozen
class Held:
    """What was held back in one month."""

    month: str = field(validator=_month)
    amount: int = field(validator=not_negative)


@frozen
class AccountBalance:
    """An account between two periods, in minor units."""

    recouped: int = field(default=0, validator=not_negative)
    """What earnings have covered of the advance."""
    carried: int = field(default=0, validator=whole)
    """Not paid yet, as it was below the threshold; below zero: set against what comes."""
    held: tuple[Held, ...] = field(default=(), converter=many, validator=each(Held, "Held"))
    in_term: int = field(default=0, validator=whole)
    """Earned in the guarantee's term so far."""


@frozen
class DealBalance:
    """A deal between two periods; exact."""

    counted: Mapping[Model, Fraction] = field(factory=dict, converter=_counted, hash=False)
    """What its tiers have counted by model."""
    laid_out: int = field(default=0, validator=not_negative)
    """Expenses so far, in minor units of its account."""
    taken_back: Fraction = field(default=Fraction(0), converter=exactly, validator=_not_below_zero)
    """What has been taken back of them."""


def _none_below_zero(_: object, attribute: Any, value: Mapping[str, Fraction]) -> None:
    for name, amount in value.items():
        if amount < 0:
            raise InvalidValue(
                f"{attribute.name}.{name}", f"is {amount}; a step never gives back more than it took"
            )


@frozen
class WaterfallBalance:
    """A title's waterfall between two periods: exact minor units of its currency."""

    title: str = field(validator=a_name)
    currency: str = field(validator=a_name)
    received: Fraction = field(default=Fraction(0), converter=exactly, validator=a_number)
    """What the title netted to date, since it has the waterfall."""
    since: Fraction = field(default=Fraction(0), converter=exactly, validator=a_number)
    """How much of that came before the steps were as they are now; they take of what came after."""
    before: Mapping[str, Fraction] = field(
        factory=dict,
        converter=_exact_by_name,
        hash=False,
        validator=[by_name(Fraction, "Fraction"), _none_below_zero],
    )
    """By step, what it had taken until then."""
    taken: Mapping[str, Fraction] = field(
        factory=dict,
        converter=_exact_by_name,
        hash=False,
        validator=[by_name(Fraction, "Fraction"), _none_below_zero],
    )
    """By step, what it has taken to date."""


@frozen
class Balances:
    """Everything that is carried between two periods; what is not named is at zero."""

    accounts: Mapping[str, AccountBalance] = field(
        factory=dict, hash=False, validator=by_name(AccountBalance, "AccountBalance")
    )
    deals: Mapping[str, DealBalance] = field(
        factory=dict, hash=False, validator=by_name(DealBalance, "DealBalance")
    )
    pools: Mapping[str, Fraction] = field(
        factory=dict, converter=_exact_by_name, hash=False, validator=by_name(Fraction, "Fraction")
    )
    """Money of silent subscribers by pool, exact; it is shared with the next period's."""
    waterfalls: Mapping[str, WaterfallBalance] = field(
        factory=dict, hash=False, validator=by_name(WaterfallBalance, "WaterfallBalance")
    )
