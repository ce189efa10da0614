"""Money: a whole number of minor units in one currency, with no floats and no division."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import attrs
from attrs import field, frozen

from buddy_core.kernel.allocation import AllocationRule, Weight, allocate
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.errors import Invalid, InvalidValue
from buddy_core.kernel.rounding import Rounding, round_fraction

_MAJOR = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?")


@attrs.define
class CurrencyMismatch(Invalid):
    """Two amounts of different currencies met in one sum or comparison."""

    code = "kernel.currency_mismatch"

    left: str
    right: str

    def message(self) -> str:
        return (
            f"{self.left} and {self.right} cannot be added or compared. Convert one at a stated rate first."
        )


def _check_minor(_: object, __: object, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue("minor", f"is a {type(value).__name__}; give a whole number of minor units")


def _decimal_parts(text: object) -> tuple[str, str, str]:
    match = _MAJOR.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidValue("amount", f"{text!r} is not a plain decimal text, such as '-12.34'")
    return match[1], match[2], match[3] or ""


def _check_currency(_: object, __: object, value: str) -> None:
    minor_digits(value)


@frozen(order=False)
class Money:
    """An amount in minor units (paise, cents) of an ISO 4217 currency; may be negative.

    Amounts of two currencies are never equal; ordering, adding or subtracting
    them is refused. There is no division: use `allocate` or `scaled`.

    Raises:
        InvalidValue: `minor` is not an int (floats, bools and decimals are refused).
        UnknownCurrency, NoMinorUnit: the currency cannot be paid in.
    """

    minor: int = field(validator=_check_minor)
    currency: str = field(validator=_check_currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return nothing, in that currency."""
        return cls(0, currency)

    @classmethod
    def from_major(cls, text: str, currency: str) -> Money:
        """Read a plain decimal such as `"1.234"`, up to 30 digits on each side of the point.

        Zeros beyond the currency's digits say nothing and are taken: 31.0 yen are 31.

        Raises:
            InvalidValue: not a plain decimal (`.5`, `+5` and `1e3` are none), or more digits
                after the point than the currency has.
        """
        digits = minor_digits(currency)
        sign, whole, part = _decimal_parts(text)
        if part[digits:].strip("0"):
            raise InvalidValue("amount", f"{text!r}: {currency} has {digits} digits after the point")
        return cls(int(sign + whole + part[:digits].ljust(digits, "0")), currency)

    def major_text(self) -> str:
        """Return the amount as a plain decimal with all digits of the currency: what `from_major` reads."""
        digits = minor_digits(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, part = divmod(abs(self.minor), 10**digits)
        return f"{sign}{whole}.{part:0{digits}d}" if digits else f"{sign}{whole}"

    def __str__(self) -> str:
        return f"{self.major_text()} {self.currency}"

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor <= self._same(other).minor

    def __gt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor > self._same(other).minor

    def __ge__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor >= self._same(other).minor

    def scaled(self, factor: Fraction | int, *, rounding: Rounding) -> Money:
        """Return the amount times an exact factor, rounded once to whole minor units.

        Raises:
            InvalidValue: the factor is not an int or Fraction.
        """
        exact: object = factor
        if isinstance(exact, bool) or not isinstance(exact, int | Fraction):
            raise InvalidValue("factor", f"is a {type(exact).__name__}; only int and Fraction are exact here")
        return Money(round_fraction(self.minor * exact, rounding), self.currency)

    def allocate(
        self,
        weights: Sequence[Weight],
        *,
        rule: AllocationRule,
        step: int | None = None,
        fractions_of_one: bool = False,
        share_rest: bool = False,
    ) -> AllocatedMoney:
        """Split the amount over `weights` by a named rule; errors and rules as `kernel.allocate`."""
        split = allocate(
            self.minor, weights, rule, step=step, fractions_of_one=fractions_of_one, share_rest=share_rest
        )
        return AllocatedMoney(
            tuple(Money(share, self.currency) for share in split.shares),
            Money(split.remainder, self.currency),
        )

    def _same(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other


@frozen
class AllocatedMoney:
    """Shares in the order of the weights, and what no share holds; together the amount split."""

    shares: tuple[Money, ...]
    remainder: Money


def total(moneys: Iterable[Money], currency: str) -> Money:
    """Return the sum of `moneys`, all in `currency`; nothing sums to zero of it.

    Raises:
        CurrencyMismatch: one amount is in another currency.
    """
    minor = 0
    for money in moneys:
        if money.currency != currency:
            raise CurrencyMismatch(currency, money.currency)
        minor += money.minor
    return Money(minor, currency)
