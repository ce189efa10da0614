"""Licences: who let us show a title where, when, and for what share."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import LicenceId, PartnerId, TitleId
from buddy_core.rights.errors import BadLicence

WORLDWIDE = "*"


def _utc_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def _share(_: object, __: Any, value: Any) -> None:
    if not isinstance(value, Fraction) or not 0 <= value <= 1:
        raise InvalidValue("share", "must be an exact Fraction from 0 to 1")


@frozen
class Licence:
    """A partner's permission to show a title in some countries for a half-open time.

    `share` is the partner's part of what viewers' tokens are worth on this title.
    `territories` holds ISO 3166-1 codes, or `*` for worldwide; `excluded` is taken out.
    """

    id: LicenceId
    title_id: TitleId
    partner_id: PartnerId
    share: Fraction = field(validator=_share)
    territories: tuple[str, ...]
    starts_at: datetime = field(converter=utc)
    ends_at: datetime | None = field(default=None, converter=_utc_or_none)
    excluded: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        unknown = sorted({*self.territories, *self.excluded} - COUNTRIES - {WORLDWIDE})
        if unknown or WORLDWIDE in self.excluded:
            raise BadLicence(f"{', '.join(unknown) or WORLDWIDE} is no country; use ISO 3166-1 codes or *")
        if not self.territories:
            raise BadLicence("it names no territory; use * for worldwide")
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise BadLicence("it would end before it begins")
