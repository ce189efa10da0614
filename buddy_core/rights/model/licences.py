"""Licences: who let us show a title where, when, with what, and for what share."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import LicenceId, PartnerId, TitleId
from buddy_core.kernel.territories import Territories, territories
from buddy_core.rights.errors import BadLicence

ASSETS = ("feature", "trailer", "subtitles", "dub", "downloads")
"""What a licence may let us use."""


def _utc_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def _share(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, Fraction) or not 0 <= value <= 1:
        raise InvalidValue(attribute.name, "must be an exact Fraction from 0 to 1")


@frozen
class Licence:
    """A partner's permission to show a title in some territories for a half-open time.

    `ownership` is the part of the title that is theirs: the licences of a title that hold
    at one time in one country own the whole together. `share` is what the partner has of
    what that part earns, by every model for which no royalty terms say otherwise. With
    `has_tail` what was bought plays on after the end.
    """

    id: LicenceId
    title_id: TitleId
    partner_id: PartnerId
    share: Fraction = field(validator=_share)
    territories: Territories = field(converter=territories)
    starts_at: datetime = field(converter=utc)
    ends_at: datetime | None = field(default=None, converter=_utc_or_none)
    ownership: Fraction = field(default=Fraction(1), validator=_share)
    is_exclusive: bool = False
    assets: tuple[str, ...] = ASSETS
    has_tail: bool = True

    @property
    def number(self) -> str:
        """What it is called outside, in statements and files: `L-` and ten letters or digits, from its id."""
        digest = hashlib.sha256(self.id.bytes).digest()
        return f"L-{b32encode(digest)[:10].decode().lower()}"

    def __attrs_post_init__(self) -> None:
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise BadLicence("it would end before it begins")
        if not self.territories.countries:
            raise BadLicence("it is of no country; name one that is not excluded")
        unknown = sorted(set(self.assets) - set(ASSETS))
        if unknown or not self.assets:
            raise BadLicence(f"{', '.join(unknown) or 'nothing'} is no asset; use {', '.join(ASSETS)}")
