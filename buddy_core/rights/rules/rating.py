"""Certificates of the boards and the ages they stand for; aliases are understood on input."""

from __future__ import annotations

from collections.abc import Mapping

from buddy_core.kernel.countries import country as known_country
from buddy_core.kernel.territories import specificity
from buddy_core.rights.errors import RatingUnknown
from buddy_core.rights.model.books import TitleRights

SCALE: Mapping[str, int] = {
    # India: Cinematograph (Certification) Rules 2024 and IT Rules 2021: U, UA 7+, UA 13+, UA 16+, A.
    "U": 0,
    "UA 7+": 7,
    "UA 13+": 13,
    "UA 16+": 16,
    "A": 18,
}
"""The project's own scale, in its order."""

_BOARDS: Mapping[str, Mapping[str, int]] = {
    # India before November 2024: Cinematograph (Certification) Rules 1983, parental guidance below 12.
    "IN": {"UA": 12, "S": 18},
    # BBFC classification guidelines 2024. A PG "should not unsettle a child aged around eight or older";
    # a 12A admits younger children with an adult, whom a profile cannot show, so it counts as 12.
    "GB": {"U": 0, "PG": 8, "12A": 12, "12": 12, "15": 15, "18": 18, "R18": 18},
    # MPA film ratings (filmratings.com): an R admits below 17 with a parent only; an NC-17 nobody of 17 or
    # below. PG names no age and counts as the BBFC's.
    "US": {"G": 0, "PG": 8, "PG-13": 13, "R": 17, "NC-17": 18},
    # TV Parental Guidelines (tvguidelines.org).
    "US television": {
        "TV-Y": 0,
        "TV-Y7": 7,
        "TV-Y7-FV": 7,
        "TV-G": 0,
        "TV-PG": 8,
        "TV-14": 14,
        "TV-MA": 17,
    },
    # UAE Media Council, age classification of films (21+ since December 2021).
    "AE": {"G": 0, "PG": 8, "PG-13": 13, "PG-15": 15, "15+": 15, "18+": 18, "21+": 21},
    # Australian Classification Board: MA 15+ and R 18+ are restricted, M is advice from 15 on. New Zealand's
    # M is advice from 16 on, so M counts as the stricter of the two.
    "AU": {"G": 0, "PG": 8, "M": 16, "MA 15+": 15, "R 18+": 18},
    # New Zealand: Te Mana Whakaatu Classification Office, restricted and parental labels.
    "NZ": {"G": 0, "PG": 8, "M": 16, "RP13": 13, "RP16": 16, "RP18": 18, "R13": 13, "R15": 15, "R16": 16},
    # Germany: Jugendschutzgesetz, section 14(2).
    "DE": {"FSK 0": 0, "FSK 6": 6, "FSK 12": 12, "FSK 16": 16, "FSK 18": 18},
}
"""Labels of the boards and the age that each counts as. One label has one age, whoever gives it."""

AGES: Mapping[str, int] = {
    **{label: age for board in _BOARDS.values() for label, age in board.items()},
    **SCALE,
}
"""Every certificate as it is shown, and from which age what has it may be seen."""

_ALIASES: Mapping[str, str] = {
    "UA7": "UA 7+",
    "UA13": "UA 13+",
    "UA16": "UA 16+",
}
"""Other ways to write one, beside those that differ in capitals, blanks, hyphens and strokes only."""


def _key(label: str) -> str:
    return "".join(sign for sign in label.upper() if sign not in " -/_")


_BY_KEY: Mapping[str, str] = {**{_key(label): label for label in AGES}, **_ALIASES}


def canonical(label: str) -> str:
    """Return a certificate as it is shown: `u/a 7+` is `UA 7+`, `pg13` is `PG-13`.

    Raises:
        RatingUnknown: the label is neither of the scale nor one of its aliases.
    """
    found = _BY_KEY.get(_key(label))
    if found is None:
        raise RatingUnknown(label)
    return found


def age_of(label: str) -> int:
    """Return from which age a title with this certificate may be seen.

    Raises:
        RatingUnknown: the label is neither of the scale nor one of its aliases.
    """
    return AGES[label] if label in AGES else AGES[canonical(label)]


def rating_for(book: TitleRights | None, default_label: str, country: str) -> tuple[str, int]:
    """Return the certificate that a title shows in a country and the age it stands for.

    The certificate of the smallest territory that has the country decides; without one the
    title's own, `default_label`.

    Raises:
        CountryUnknown: it is no country. RatingUnknown: the title's own certificate is not known.
    """
    known_country(country)
    found = (
        (specificity(rating.territories.included, country), place, rating)
        for place, rating in enumerate(book.ratings if book else ())
        if country in rating.territories
    )
    best = min(((size, place, rating) for size, place, rating in found if size is not None), default=None)
    if best is None:
        return canonical(default_label), age_of(default_label)
    return best[2].label, best[2].age
