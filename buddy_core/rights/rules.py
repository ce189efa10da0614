"""Which licences hold for a country at an instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

from buddy_core.kernel.countries import COUNTRIES, country
from buddy_core.rights.errors import SharesExceedWhole
from buddy_core.rights.model import WORLDWIDE, Licence


def holds(licence: Licence, place: str | None, at: datetime) -> bool:
    """Tell whether a licence lets us show its title in `place` at `at`.

    Raises:
        CountryUnknown: the place could not be told; a licensed title is then denied.
    """
    code = country(place)
    return _in_time(licence, at) and covers(licence, code)


def covers(licence: Licence, code: str) -> bool:
    """Tell whether a country is among a licence's territories; what is excluded never is."""
    named = code in licence.territories or WORLDWIDE in licence.territories
    return named and code not in licence.excluded


def check_shares(licences: Iterable[Licence]) -> None:
    """Refuse licences of one title that would give away more than the whole, anywhere, at any time.

    Raises:
        SharesExceedWhole: the sum of the shares is above one in a country at an instant.
    """
    found = list(licences)
    for at in sorted({licence.starts_at for licence in found}):
        live = [
            item for item in found if item.starts_at <= at and (item.ends_at is None or at < item.ends_at)
        ]
        for code in sorted(COUNTRIES):
            total = sum((item.share for item in live if covers(item, code)), Fraction(0))
            if total > 1:
                raise SharesExceedWhole(code, at, total)


def licences_for(licences: Iterable[Licence], place: str | None, at: datetime) -> tuple[Licence, ...]:
    """Return the licences that hold for `place` at `at`, in id order."""
    return tuple(sorted((item for item in licences if holds(item, place, at)), key=lambda item: item.id))


def _in_time(licence: Licence, at: datetime) -> bool:
    return licence.starts_at <= at and (licence.ends_at is None or at < licence.ends_at)
