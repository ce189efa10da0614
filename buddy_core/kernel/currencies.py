"""ISO 4217 currency codes and their minor-unit exponents, as dated data."""

from __future__ import annotations

from datetime import date

import attrs

from buddy_core.kernel.errors import Invalid

ISO_4217_SOURCE = "ISO 4217 list one (SIX), by way of the Python package iso4217 1.16.20260101"
ISO_4217_PUBLISHED = date(2026, 1, 1)

_CODES_BY_EXPONENT: dict[int | None, str] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF"
        " CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD"
        " GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL"
        " MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR"
        " PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP"
        " TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    None: "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX",
}

EXPONENTS: dict[str, int | None] = {
    code: digits for digits, codes in _CODES_BY_EXPONENT.items() for code in codes.split()
}
"""Digits after the point by alphabetic code; None where ISO defines no minor unit (gold, SDR, tests)."""


@attrs.define
class UnknownCurrency(Invalid):
    """The code is not an ISO 4217 currency code."""

    code = "kernel.unknown_currency"

    currency: str

    def message(self) -> str:
        return (
            f"{self.currency!r} is not in the ISO 4217 list of {ISO_4217_PUBLISHED}. "
            "Give three capital letters, such as 'INR'."
        )


@attrs.define
class NoMinorUnit(Invalid):
    """The currency has no minor unit, so no amount of money can be counted in it."""

    code = "kernel.no_minor_unit"

    currency: str

    def message(self) -> str:
        return f"{self.currency} has no minor unit in ISO 4217: it cannot be used for amounts of money."


def exponent(code: str) -> int | None:
    """Return the digits after the point of a currency, or None where ISO 4217 defines no minor unit.

    Raises:
        UnknownCurrency: `code` is not in the list; codes are three capital letters.
    """
    try:
        return EXPONENTS[code]
    except (KeyError, TypeError) as error:
        raise UnknownCurrency(str(code)) from error


def minor_digits(code: str) -> int:
    """Return the digits after the point of a currency that can be paid in.

    Raises:
        UnknownCurrency: `code` is not in the list.
        NoMinorUnit: the code names no minor unit, such as XAU (gold).
    """
    digits = exponent(code)
    if digits is None:
        raise NoMinorUnit(code)
    return digits
