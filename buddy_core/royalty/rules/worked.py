"""What a line's rate and expenses were worked out from: flat figures, enough for a pocket calculator."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import Any

from buddy_core.royalty.model.balances import DealBalance
from buddy_core.royalty.model.facts import FxRate
from buddy_core.royalty.model.terms import Basis, Deal, Tiers

Inputs = Mapping[str, Any]


def plain(value: Fraction) -> Fraction | int:
    """Return a whole number as an int, anything else as it is."""
    return value.numerator if value.denominator == 1 else value


def of_tiers(tiers: Tiers, before: Fraction, now: Fraction, currency: str) -> dict[str, Any]:
    """Return what tiers counted before and now, and what of it is in which band.

    `(band_1_counted x band_1_rate + band_2_counted x band_2_rate + ...) / tier_now` is the rate
    of the line. `currency` is that of the count, where it is money in minor units.
    """
    # Counted in whole steps of one `unit`-th, so that no Fraction is made on the way: every deal has this.
    unit = lcm(before.denominator, now.denominator)
    start = before.numerator * (unit // before.denominator)
    more = now.numerator * (unit // now.denominator)
    found: dict[str, Any] = {
        "tier_basis": tiers.basis._value_,
        "tier_counting": tiers.counting._value_,
        "tier_before": start if unit == 1 else plain(before),
        "tier_now": more if unit == 1 else plain(now),
    }
    if tiers.basis is not Basis.UNITS:
        found["tier_currency"] = currency
    low, high = (start, start + more) if more >= 0 else (start + more, start)
    for number, band in enumerate(tiers.bands):
        over, up_to = band.over * unit, high if band.up_to is None else band.up_to * unit
        if more:
            # The first band reaches below zero: more may come back than was ever counted.
            over = low if not number or low > over else over
            up_to = high if high < up_to else up_to
            if over >= up_to:
                continue
            counted = up_to - over if more > 0 else over - up_to
        elif band.up_to is not None and low > up_to:
            continue  # of nothing at all it is the rate of the last that was counted
        else:
            counted = 0
        names = _BAND_NAMES[number] if number < len(_BAND_NAMES) else _band_names(number)
        found[names[0]] = band.over
        if band.up_to is not None:
            found[names[1]] = band.up_to
        found[names[2]] = band.rate
        found[names[3]] = counted if unit == 1 else plain(Fraction(counted, unit))
        if not more:
            break
    return found


def _band_names(place: int) -> tuple[str, str, str, str]:
    begin = f"band_{place + 1}_"
    return f"{begin}over", f"{begin}up_to", f"{begin}rate", f"{begin}counted"


_BAND_NAMES = [_band_names(place) for place in range(10)]


def of_expenses(
    deal: Deal, before: DealBalance, taken: Fraction, there: Fraction, currency: str
) -> dict[str, Any]:
    """Return what a deal laid out, its cap, what was taken back before and is now, and of how much.

    Money of `currency` in minor units. What a line gives is
    `(net x part - fee) x expenses_now / expenses_from`.
    """
    found: dict[str, Any] = {"expenses_laid_out": before.laid_out}
    if deal.expense_cap is not None:
        found["expenses_cap"] = deal.expense_cap
    found["expenses_before"] = plain(before.taken_back)
    found["expenses_now"] = plain(taken)
    found["expenses_from"] = plain(there)
    found["expenses_currency"] = currency
    return found


def of_rate(rate: FxRate | None) -> dict[str, Any]:
    """Return a rate of exchange as it was stamped; nothing where there is none."""
    if rate is None:
        return {}
    return {
        "fx_base": rate.base,
        "fx_quote": rate.quote,
        "fx_rate": plain(rate.rate),
        "fx_source": rate.source,
        "fx_at": rate.at.isoformat().replace("+00:00", "Z"),
    }
