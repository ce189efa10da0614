"""Amounts in the forms of royalty terms: people write them in the major unit, terms keep minor units."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.errors import BuddyError, Invalid, InvalidValue
from buddy_core.kernel.money import Money

_COUNTED = ("gross", "net")
"""What tiers count in money; their bands are amounts then."""
_GROUPED = re.compile(r"-?[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}(\.[0-9]*)?")
"""Thousands, or lakhs and crores, with commas; `1,50` is neither."""


@frozen
class Currencies:
    """In which currency a deal's amounts are: its account's, or the entity's own where it names none."""

    own: str
    of_accounts: Mapping[str, str] = MappingProxyType({})

    def of(self, account: str) -> str:
        """Return the currency of an account, which may be none."""
        return self.of_accounts.get(account, self.own)


def minor_of(text: str, currency: str) -> int:
    """Return the minor units of an amount such as `1,500.50`.

    Raises:
        Invalid: it is none, or has more digits after the point than the currency.
    """
    plain = text.replace(" ", "")
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    if len(plain.partition(".")[2]) > minor_digits(currency):
        # A person who types 3.000 may mean three thousand.
        raise InvalidValue("amount", f"{text!r} has too many digits after the point")
    return Money.from_major(plain, currency).minor


def how_to_write(currency: str) -> str:
    """Say how an amount of a currency is written."""
    digits = minor_digits(currency)
    shown = Money(15_005 * 10**digits // 10, currency).major_text() if digits else "1500"
    fewer = f"with at most {digits} digits after the point" if digits else "without a point"
    return f"Write an amount in {currency} {fewer}, such as {shown}."


def read_amounts(found: Any, currency: str) -> tuple[Any, list[str]]:
    """Return terms typed as JSON with their amounts in minor units, and what is wrong with these.

    An amount is written in quotes, in the major unit, as in the fields: a bare number could be either.
    """
    problems: list[str] = []

    def read(place: str, value: Any) -> Any:
        if value is None or (value == 0 and type(value) is int):
            return value
        if isinstance(value, str):
            try:
                return minor_of(value, currency)
            except Invalid:
                pass
        problems.append(f"{place}: {how_to_write(currency)} In quotes.")
        return value

    return _changed(found, read), problems


def shown_amounts(terms: Any, currency: str) -> Any:
    """Return terms with their amounts as they are typed into the field of JSON."""
    return _changed(
        terms, lambda _, value: Money(value, currency).major_text() if value and type(value) is int else value
    )


def is_currency(code: str) -> bool:
    """Tell whether amounts can be in a currency."""
    try:
        minor_digits(code)
    except BuddyError:
        return False
    return True


def _changed(terms: Any, change: Callable[[str, Any], Any]) -> Any:
    """Return terms with every amount changed that has no field of its own; others as they are."""
    if not isinstance(terms, Mapping):
        return terms
    found = dict(terms)
    if isinstance(guarantees := found.get("guarantees"), list):
        found["guarantees"] = [
            _with(item, f"guarantees[{place}].", ("minimum",), change)
            for place, item in enumerate(guarantees)
        ]
    if isinstance(steps := found.get("steps"), list):
        names = ("amount", "cap", "taken_before")
        found["steps"] = [_with(item, f"steps[{place}].", names, change) for place, item in enumerate(steps)]
    if isinstance(rates := found.get("rates"), Mapping):
        found["rates"] = {model: _tiers(rate, f"rates.{model}.", change) for model, rate in rates.items()}
    return found


def _tiers(rate: Any, place: str, change: Callable[[str, Any], Any]) -> Any:
    if not isinstance(rate, Mapping) or rate.get("basis") not in _COUNTED:
        return rate
    bands = rate.get("bands")
    if not isinstance(bands, list):
        return rate
    read = [
        _with(band, f"{place}bands[{number}].", ("over", "up_to"), change)
        for number, band in enumerate(bands)
    ]
    return {**rate, "bands": read}


def _with(item: Any, place: str, names: tuple[str, ...], change: Callable[[str, Any], Any]) -> Any:
    if not isinstance(item, Mapping):
        return item
    return {name: change(place + name, value) if name in names else value for name, value in item.items()}
