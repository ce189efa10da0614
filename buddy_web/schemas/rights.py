"""A title's rights: licences, windows, certificates, takedowns, their calendar and their history."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from flask_openapi3.models import RawModel
from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema
from pydantic.functional_validators import BeforeValidator

from buddy_core.kernel.errors import InvalidValue
from buddy_core.rights import ASSETS, Closed, WindowType, read_part
from buddy_web.schemas.common import (
    MAX_INT,
    Answer,
    Body,
    Exact,
    Instant,
    Reason,
    ShortIdText,
    Text,
    TitleType,
    When,
)

Asset = Literal["feature", "trailer", "subtitles", "dub", "downloads"]
assert set(ASSETS) == {"feature", "trailer", "subtitles", "dub", "downloads"}, "the schema names the assets"


def _all_assets() -> list[Asset]:
    return ["feature", "trailer", "subtitles", "dub", "downloads"]


WindowName = Annotated[
    str,
    StringConstraints(pattern=r"^win_[0-9a-f]{32}$"),
    Field(description="A window's public id: `win_` and 32 digits."),
]
LicenceName = Annotated[
    str,
    StringConstraints(pattern=r"^lic_[0-9a-f]{32}$"),
    Field(description="A licence's public id: `lic_` and 32 digits."),
]
TakedownName = Annotated[
    str,
    StringConstraints(pattern=r"^tkd_[0-9a-f]{32}$"),
    Field(description="A takedown's public id: `tkd_` and 32 digits."),
]
GrantName = Annotated[str, StringConstraints(pattern=r"^gra_[0-9a-f]{32}$")]
Code = Annotated[str, StringConstraints(max_length=8, pattern=r"^[^\x00-\x1f\x7f]*$"), Field(examples=["IN"])]
Codes = Annotated[list[Code], Field(min_length=1, max_length=300, examples=[["*"]])]
NoCodes = Annotated[list[Code], Field(default_factory=list, max_length=300)]
Country = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(description="ISO 3166-1, such as AE.")
]
TierName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]
Notice = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$", max_length=1000)]


def _text(value: object) -> object:
    # A number such as 0.3333 would be rounded before anybody sees it.
    if not isinstance(value, str):
        raise ValueError("must be a text such as '3/5' or '33.34%', so that it stays exact")
    return value


def _part(value: object) -> Fraction:
    try:
        return read_part(str(_text(value)))
    except InvalidValue as error:
        raise ValueError(error.problem) from None


Part = Annotated[
    Fraction,
    BeforeValidator(_part),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^([0-9]{1,12}/0*[1-9][0-9]{0,10}|[0-9]{1,3}(\.[0-9]{1,12})?%)$",
            "examples": ["3/5", "33.34%"],
            "description": "An exact part: a fraction such as `3/5`, or per cent such as `33.34%`.",
        }
    ),
]


class TitlePath(BaseModel):
    """Which title, by its type and short id."""

    type: TitleType
    id: ShortIdText


class TitleName(Answer):
    """A title by its type and short id."""

    type: TitleType
    id: str
    name: Text


class PartnerName(Answer):
    """A producer by short id."""

    id: str
    name: Text


class Licence(Answer):
    """A partner's permission to show the title."""

    id: str
    partner: PartnerName
    ownership: Exact = Field(description="The part of the title that is the partner's.")
    share: Exact = Field(description="The partner's part of what viewers' tokens are worth.")
    territories: list[str]
    excluding: list[str]
    starts_at: Instant
    ends_at: Instant | None
    is_exclusive: bool
    has_tail: bool = Field(description="What was bought plays on after its end.")
    assets: list[str]


class FreeRights(Answer):
    """What somebody without a grant gets where the window is free to watch."""

    max_height: int
    ads: bool
    downloads: bool
    streams: int


class Window(Answer):
    """What may be sold or watched where and when; half-open."""

    id: str
    type: WindowType
    territories: list[str]
    excluding: list[str]
    starts_at: Instant
    ends_at: Instant | None
    tiers: list[str]
    is_free: bool
    sells_tokens: bool | None = Field(description="Null: as usual for the type.")
    sells: list[str] = Field(description="What it sells.")
    free: FreeRights


class Rating(Answer):
    """A certificate, as its board writes it."""

    territories: list[str]
    excluding: list[str]
    label: str
    age: int = Field(description="From which age it may be seen.")


class Takedown(Answer):
    """Where the title is stopped for everybody; without an end it still is."""

    id: str
    territories: list[str]
    excluding: list[str]
    notice: str
    starts_at: Instant
    ends_at: Instant | None


class Items(Answer):
    """Things of a book."""

    licences: list[Licence]
    windows: list[Window]
    ratings: list[Rating]
    takedowns: list[Takedown]


class Book(Items):
    """Everything agreed on the title, with the change that made it so."""

    title: TitleName
    revision: int = Field(description="Send it as `base` of a change; 0: there is nothing yet.")
    recorded_at: Instant | None
    recorded_by: Text | None
    reason: str | None


class HistoryQuery(BaseModel):
    """Which part of the history."""

    before: int | None = Field(
        default=None, ge=1, le=MAX_INT, description="`next_before` of the page before."
    )
    limit: int = Field(default=20, ge=1, le=100)


class Revision(Answer):
    """What one change did; what was altered is in both lists."""

    revision: int
    recorded_at: Instant
    recorded_by: Text
    reason: str
    gone: Items
    come: Items


class History(Answer):
    """Revisions, newest first."""

    revisions: list[Revision]
    next_before: int | None


class AddWindowBody(Body):
    """Add a window."""

    do: Literal["add_window"]
    type: WindowType
    territories: Codes
    excluding: NoCodes
    starts_at: When
    ends_at: When | None = None
    tiers: list[TierName] = Field(default_factory=list, max_length=20)
    is_free: bool = False
    sells_tokens: bool | None = None


class MoveWindowBody(Body):
    """Give a window other dates, and territories if they are named; of one that has begun only the end."""

    do: Literal["move_window"]
    window: WindowName
    starts_at: When
    ends_at: When | None = Field(description="null: no end.")
    territories: Annotated[list[Code], Field(min_length=1, max_length=300)] | None = None
    excluding: NoCodes


class EndWindowBody(Body):
    """Move a window's end; null: no end."""

    do: Literal["end_window"]
    window: WindowName
    ends_at: When | None


class RemoveWindowBody(Body):
    """Take away a window that has not begun."""

    do: Literal["remove_window"]
    window: WindowName


class AddLicenceBody(Body):
    """Add a licence. Those who own a title together are added together, in one change."""

    do: Literal["add_licence"]
    partner: ShortIdText
    ownership: Part = Fraction(1)
    share: Part
    territories: Codes
    excluding: NoCodes
    starts_at: When
    ends_at: When | None = None
    is_exclusive: bool = False
    has_tail: bool = True
    assets: list[Asset] = Field(default_factory=_all_assets, min_length=1, max_length=5)


class EndLicenceBody(Body):
    """Move a licence's end; null: no end."""

    do: Literal["end_licence"]
    licence: LicenceName
    ends_at: When | None


class RemoveLicenceBody(Body):
    """Take away a licence that has not begun."""

    do: Literal["remove_licence"]
    licence: LicenceName


class SetRatingBody(Body):
    """Give the title a certificate in each of these territories; null takes away that of each code.

    A certificate is kept by the code it was given for, `IN`, `EU` or `*`, and takes the place of the one
    of its code, also where that is excluded now.
    """

    do: Literal["set_rating"]
    territories: Codes
    excluding: NoCodes
    label: Annotated[str, StringConstraints(max_length=40)] | None


class ApplyLadderBody(Body):
    """Add the windows of the usual ladder, from the release on."""

    do: Literal["apply_ladder"]
    released_at: When
    territories: Codes
    excluding: NoCodes


Edit = Annotated[
    AddWindowBody
    | MoveWindowBody
    | EndWindowBody
    | RemoveWindowBody
    | AddLicenceBody
    | EndLicenceBody
    | RemoveLicenceBody
    | SetRatingBody
    | ApplyLadderBody,
    Field(discriminator="do"),
]


class ChangesBody(Body):
    """Changes that are made together, all of them or none, and why."""

    changes: list[Edit] = Field(min_length=1, max_length=500)
    base: Annotated[int, Field(ge=0, le=MAX_INT, strict=True)] | None = Field(
        default=None, description="Refuse if this is not the last revision any more; 0: there was none."
    )
    reason: Reason


class TakedownBody(Body):
    """Where, by whose notice, and why."""

    territories: Codes
    excluding: NoCodes
    notice: Notice = Field(description="Whose notice, and what it says; staff see it.")
    reason: Reason


class TakenDown(Answer):
    """What was stopped: with a series its episodes too."""

    id: str
    titles: int
    owed: int = Field(description="How many grants are owed.")


class RestoreBody(Body):
    """Which takedown, and why."""

    takedown: TakedownName
    reason: Reason


class Restored(Answer):
    """How many titles are there again."""

    titles: int


class TakedownPath(BaseModel):
    """Which takedown."""

    takedown: TakedownName


class OwedQuery(BaseModel):
    """Where in the list."""

    cursor: GrantName | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int = Field(default=100, ge=1, le=500)


class Owed(Answer):
    """Somebody who had paid for what was stopped."""

    grant: str
    user_id: str
    title: TitleName
    kind: str
    country: str | None = Field(description="Where it was sold, if that is known.")
    tokens: int | None = Field(
        description="How many tokens are still owed: paid less refunded; null if something else was paid."
    )
    refunded: int = Field(
        description="How many tokens went back since; with `tokens` it makes what was paid."
    )
    source: str
    recorded_at: Instant


class OwedPage(Answer):
    """A part of the list; empty where there is no such takedown."""

    owed: list[Owed]
    next_cursor: str | None


class CalendarQuery(BaseModel):
    """From when to when, and where; a year from now, and everywhere."""

    since: When | None = Field(default=None, alias="from")
    until: When | None = None
    country: Country | None = None


class Spell(Answer):
    """A half-open time in which nothing changes."""

    starts_at: Instant
    ends_at: Instant
    types: list[WindowType]
    windows: list[str]
    licences: list[str]
    takedowns: list[str]
    is_available: bool = Field(description="Anything is sold or watched.")
    is_gap: bool = Field(description="It is licensed and not taken down, and nothing is sold or watched.")
    is_unlicensed: bool = Field(description="Windows are open that count for nothing: no licence holds.")


class Strip(Answer):
    """Countries whose rights are the same all the time."""

    countries: list[str]
    spells: list[Spell]


class Calendar(Answer):
    """What is open where and when."""

    since: Instant
    until: Instant
    strips: list[Strip]


class WhyQuery(BaseModel):
    """Where, and when; else now."""

    country: Country
    at: When | None = None


class WhyNot(Answer):
    """Why nothing is sold or watched there, and what would change it."""

    country: str
    at: Instant
    is_available: bool
    closed: Closed | None
    because: str | None
    change: str | None
    sentence: str
    by: str | None = Field(description="The takedown, licence or window that it lies at.")
    opens_at: Instant | None


class SheetBody(RawModel):
    """A CSV file, UTF-8: `title,type,territories,starts,ends,tiers,free,tokens`, then a window a line."""

    mimetypes: list[str] = ["text/csv"]  # noqa: RUF012


class SheetQuery(BaseModel):
    """Why, and whether the good lines are taken where others cannot be."""

    reason: Reason
    lines: Literal["all", "good"] = Field(
        default="all", description="`all`: all lines or none; `good`: those that can be, without the others."
    )


class SheetAdded(Answer):
    """What was added, and which lines were left out."""

    windows: int
    titles: int
    faults: list[str] = Field(description="Line, column, problem and fix of each line that was left out.")
    more: int = Field(description="How many faults there are besides.")


class Added(Answer):
    """Something that a change added."""

    change: int = Field(description="Which of the changes, the first one 0.")
    id: str


class Changed(Answer):
    """The revision that says so now, and the ids of what was added."""

    revision: int
    added: list[Added]
