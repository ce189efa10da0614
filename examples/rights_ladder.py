"""A release gets the usual ladder, and the calendar says what is open where; attrs is all it needs."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from buddy_core import rights
from buddy_core.kernel import LicenceId, PartnerId, TitleId

FILM, RELEASE = TitleId(UUID(int=1)), datetime(2026, 12, 1, tzinfo=UTC)

everywhere = rights.Territories(("*",))
licence = rights.Licence(
    LicenceId(UUID(int=2)), FILM, PartnerId(UUID(int=3)), Fraction(1, 2), everywhere, RELEASE
)
ladder = rights.apply_ladder(FILM, RELEASE, rights.Territories(("*",), ("AE",)))
edits: list[rights.RightsEdit] = [
    rights.AddLicence(licence),
    *(rights.AddWindow(window) for window in ladder),
]
book = rights.revise(None, edits, title_id=FILM, at=RELEASE, by="me", reason="release")

for spell in rights.spells(book, "IN", RELEASE, RELEASE + timedelta(days=400)):
    types = ", ".join(spell.types)
    print(f"{spell.starts_at:%Y-%m-%d} {types}{' (nothing to sell or see)' if spell.is_gap else ''}")
why = rights.why_not(book, "AE", RELEASE)
print(why.sentence if why else "Available in AE.")
