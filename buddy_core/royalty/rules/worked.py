"""What a line's rate and expenses were worked out from: flat figures, enough for a pocket calculator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from buddy_core.royalty.model.balances import DealBalance
from buddy_core.royalty.model.facts import FxRate
from buddy_core.royalty.model.terms import Band, Basis, Deal, Tiers

Inputs = Mapping[str, Any]


def plain(value: Fraction) -> Fraction | int:
    """Return a whole number as an int, anything else as it is."""
    return value.numerator if value.denominator == 1 else value


def of_tiers(tiers: Tiers, before: Fraction, now: Fraction, currency: str) -> dict[str, Any]:
    """Return what tiers counted before and now, and what of it is in which band.

    `(band_1_counted x band_1_rate + band_2_counted x band_2_rate + ...) / tier_now` is the rate
    of the line. `currency` is that of the count, where it is money in minor units.
    """
    found: dict[str, Any] = {
        "tier_basis": tiers.basis.value,
        "tier_counting": tiers.counting.value,
        "tier_before": plain(before),
        "tier_now": plain(now),
    }
    if tiers.basis is not Basis.UNITS:
        found["tier_currency"] = currency
    for number, band, counted in _in_bands(tiers.bands, before, now):
        found[f"band_{number}_over"] = band.over
        if band.up_to is not None:
            found[f"band_{number}_up_to"] = band.up_to
        found[f"band_{number}_rate"] = band.rate
        found[f"band_{number}_counted"] = plain(counted)
    return found


def _in_bands(
    bands: tuple[Band, ...], before: Fraction, now: Fraction
) -> Iterator[tuple[int, Band, Fraction]]:
    """Yield each band that something falls in, with its number and how much; below zero what came back."""
    low, high = (before, before + now) if now >= 0 else (before + now, before)
    for number, band in enumerate(bands, 1):
        if not now:
            # Of nothing at all it is the rate of the last that was counted.
            if band.up_to is None or low <= band.up_to:
                yield number, band, now
                return
            continue
        start = low if number == 1 or low > band.over else Fraction(band.over)
        end = high if band.up_to is None or high < band.up_to else Fraction(band.up_to)
        if start < end:
            yield number, band, end - start if now > 0 else start - end


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
