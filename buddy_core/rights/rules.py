"""Which licences hold for a country at an instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from buddy_core.kernel.countries import country
from buddy_core.rights.model import WORLDWIDE, Licence


def holds(licence: Licence, place: str | None, at: datetime) -> bool:
    """Tell whether a licence lets us show its title in `place` at `at`.

    Raises:
        CountryUnknown: the place could not be told; a licensed title is then denied.
    """
    code = country(place)
    in_time = licence.starts_at <= at and (licence.ends_at is None or at < licence.ends_at)
    in_place = code in licence.territories or (
        WORLDWIDE in licence.territories and code not in licence.excluded
    )
    return in_time and in_place


def licences_for(licences: Iterable[Licence], place: str | None, at: datetime) -> tuple[Licence, ...]:
    """Return the licences that hold for `place` at `at`, in id order."""
    return tuple(sorted((item for item in licences if holds(item, place, at)), key=lambda item: item.id))
