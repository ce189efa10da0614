"""Sets of countries: worldwide, regions and countries, with exclusions; the most specific says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from types import MappingProxyType

import attrs
from attrs import field, frozen

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.errors import Invalid

WORLDWIDE = "*"
REGIONS: Mapping[str, frozenset[str]] = {
    # The 27 members of the European Union since 2020-02-01 (europa.eu, country profiles).
    "EU": frozenset(
        "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
    ),
    # The European Economic Area: the 27 and IS, LI, NO (EEA Agreement; efta.int, EEA members).
    "EEA": frozenset(
        "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
    ),
    # The six states of the Gulf Cooperation Council (its Charter of 1981-05-25; gcc-sg.org, member states).
    "GCC": frozenset(("AE", "BH", "KW", "OM", "QA", "SA")),
    # The eight members of the South Asian Association for Regional Cooperation since 2007
    # (saarc-sec.org, member states).
    "SAARC": frozenset(("AF", "BD", "BT", "IN", "LK", "MV", "NP", "PK")),
}
"""What each name stands for, for good: a licence that names a region must not change when a state joins or
leaves it. Then the region gets a new name here."""


_MEANT = {"UK": "GB", "EL": "GR", "UAE": "AE", "USA": "US", "KSA": "SA"}
"""Codes in common use that ISO 3166-1 alpha-2 does not have, and what they stand for."""


@attrs.define
class TerritoryUnknown(Invalid):
    """A code names no country, no region and not the world."""

    code = "kernel.territory_unknown"

    given: str

    def message(self) -> str:
        if self.given == WORLDWIDE or self.given in REGIONS:
            return f"{self.given!r} is no single country. Give the two capital letters of one, such as 'IN'."
        meant = _MEANT.get(self.given.upper(), self.given.upper())
        if meant != self.given and (meant in COUNTRIES or meant in REGIONS):
            return f"{self.given!r} is no territory. Did you mean {meant}?"
        regions = ", ".join(sorted(REGIONS))
        return (
            f"{self.given!r} is no territory. Give {WORLDWIDE!r} for everywhere, a region ({regions}) or the "
            "two capital letters of a country, such as 'IN'."
        )


def members(code: str) -> frozenset[str]:
    """Return the countries that a code stands for: `*`, a region of `REGIONS`, or an ISO 3166-1 country.

    Raises:
        TerritoryUnknown: it is none of these.
    """
    if code == WORLDWIDE:
        return COUNTRIES
    if code in REGIONS:
        return REGIONS[code]
    if code in COUNTRIES:
        return frozenset((code,))
    raise TerritoryUnknown(code)


def country_named(code: str) -> str:
    """Return the code of a country that somebody typed.

    Raises:
        TerritoryUnknown: it is none; with what was probably meant.
    """
    if code not in COUNTRIES:
        raise TerritoryUnknown(code)
    return code


def _codes(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value} if isinstance(value, str) else set(value)))


@frozen
class Territories:
    """Countries by codes: `included` and `excluded` hold `*`, regions, or ISO 3166-1 codes.

    For a country the most specific code that has it decides: the country itself, then the
    smallest region, then `*`; of an inclusion and an exclusion of the same size the exclusion.
    """

    included: tuple[str, ...] = field(converter=_codes)
    excluded: tuple[str, ...] = field(default=(), converter=_codes)

    def __attrs_post_init__(self) -> None:
        if not self.included:
            raise TerritoryUnknown("")
        # An unknown code is refused here, not when somebody asks.
        _ = self.sizes

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Of each country, how many countries the code stands for that includes it: 1 for its own."""
        return _resolved(self.included, self.excluded)

    @cached_property
    def countries(self) -> frozenset[str]:
        """The countries that these codes come to."""
        return frozenset(self.sizes)

    def __contains__(self, country: object) -> bool:
        return country in self.sizes


def territories(value: Territories | Sequence[str]) -> Territories:
    """Return territories, made of their codes if need be."""
    return value if isinstance(value, Territories) else Territories(tuple(value))


def specificity(included: Iterable[str], country: str) -> int | None:
    """Return how many countries the smallest code that has `country` stands for; None if none has it."""
    return min((len(members(code)) for code in included if country in members(code)), default=None)


@lru_cache(maxsize=4096)
def _resolved(included: tuple[str, ...], excluded: tuple[str, ...]) -> Mapping[str, int]:
    size: dict[str, int] = {}
    found: dict[str, bool] = {}
    for codes, says in ((excluded, False), (included, True)):
        for code in codes:
            countries = members(code)
            for country in countries:
                if country not in size or len(countries) < size[country]:
                    size[country], found[country] = len(countries), says
    return MappingProxyType({country: size[country] for country, says in found.items() if says})
