"""Facts of months from outside, and the terms by which months are stated."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask_openapi3.models import RawModel
from pydantic import BaseModel, Field, StringConstraints

from buddy_web.schemas.common import MAX_INT, Answer, Body, Exact, Instant, MonthText, TitleType

EntityText = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9-]{1,32}$"),
    Field(description="The selling entity, such as newtact."),
]
NameText = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]{0,118}[^\x00-\x20\x7f])?$", max_length=120
    ),
]
Kind = Literal["licence", "account", "pool", "waterfall"]
Section = Literal[
    "sales", "subscriptions", "pools", "ads", "watch", "impressions", "tokens", "expenses", "rates"
]


class FactsQuery(BaseModel):
    """Which month of which entity."""

    entity: EntityText
    month: MonthText


class FileQuery(BaseModel):
    """Which facts of an entity."""

    entity: EntityText
    name: NameText = Field(description="What the facts are called.")


class BringQuery(FactsQuery):
    """What the facts are called, and of a CSV what its rows are."""

    name: NameText = Field(description="Theirs for ever: the same facts under it again count once.")
    section: Section | None = Field(
        default=None, description="The kind of facts in a CSV; of JSON its keys say so."
    )


class FactsBody(RawModel):
    """Facts as docs/schemas/royalty-facts.json has them, or one kind of them as a CSV."""

    mimetypes: list[str] = ["application/json", "text/csv"]  # noqa: RUF012


class AnnounceBody(Body):
    """Facts that will come: the month is not closed before they have."""

    entity: EntityText
    month: MonthText
    name: NameText


class Brought(Answer):
    """Facts that were brought in or announced."""

    sequence: int = Field(description="Their place among all inputs of the entity.")
    facts: int = Field(description="How many there are.")
    is_new: bool = Field(description="False: they had been brought in before, and count once.")
    is_late: bool = Field(description="True: their month is closed, and the next one adjusts it.")


class FactsFile(Answer):
    """Facts of a month by their name."""

    name: str
    sequence: int
    facts: int
    at: Instant
    is_awaited: bool = Field(description="They are announced, and have not come yet.")
    is_late: bool


class MonthFacts(Answer):
    """What was brought in for a month, newest first."""

    entity: str
    month: str
    is_closed: bool
    files: list[FactsFile]


class TermsPath(BaseModel):
    """What the terms are of."""

    kind: Kind


class TermsQuery(BaseModel):
    """Whose terms of which entity's months."""

    entity: EntityText
    key: NameText = Field(
        description="A licence's number such as L-k3q7zmw2ah, an account's id, a plan, or a title."
    )


class SetQuery(TermsQuery):
    """Whose terms, and which were seen."""

    base: Annotated[int, Field(ge=0, le=MAX_INT)] | None = Field(
        default=None, description="`sequence` as it was read; if others were set since, nothing is."
    )


class EffectQuery(TermsQuery):
    """Whose terms, and the month that is stated by them."""

    month: MonthText


class TermsBody(RawModel):
    """What docs/schemas/royalty-terms.json has for an account, pool or waterfall, without id, plan and title.

    Of a licence: `preset`, `rates`, `fee`, `expense_cap`, `ads_by` and `account`. In an effect
    `null` stands for no terms at all.
    """

    mimetypes: list[str] = ["application/json"]  # noqa: RUF012


class BookQuery(BaseModel):
    """Which licences, by title, holder or number."""

    entity: EntityText
    q: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=200)] = ""
    page: int = Field(default=1, ge=1, le=100_000)


class ShownTerms(Answer):
    """The terms of a licence, an account, a plan's pools or a title's waterfall."""

    kind: Kind
    key: str
    terms: dict[str, Any] | None = Field(description="As they were set; null where a licence has none.")
    sequence: int = Field(description="Their place among all inputs; 0: none were ever set.")
    holder: str | None = Field(default=None, description="The short id of who is paid.")
    title_type: TitleType | None = None
    title_id: str | None = None
    title: str | None = None
    part: Exact | None = Field(default=None, description="What part of the title the licence is of.")
    territories: list[str] | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    shares: dict[str, list[str]] | None = Field(
        default=None, description="What the holder has of that part, and by which models."
    )


class TermsBook(Answer):
    """A page of licences, and all accounts, pool rules and waterfalls."""

    entity: str
    licences: list[ShownTerms]
    accounts: list[ShownTerms]
    pools: list[ShownTerms]
    waterfalls: list[ShownTerms]
    total: int = Field(description="How many licences there are in all.")


class TermsSet(Answer):
    """Where the terms stand among all inputs of the entity."""

    sequence: int


class TitleDifference(Answer):
    """What a holder has of a title, and would have; exact minor units."""

    holder: str
    title: str
    currency: str
    now: Exact
    then: Exact
    change: Exact


class HolderTotal(Answer):
    """A holder's month in whole minor units, and what it would be."""

    holder: str
    currency: str
    earned: int
    earned_then: int
    payable: int
    payable_then: int


class Effect(Answer):
    """A month as it is, and as it would be; nothing is written. The platform is named `platform`."""

    month: str
    is_changed: bool
    problems: list[str] = Field(
        description="Why the month cannot be stated, with these terms or without them; else empty."
    )
    totals: list[HolderTotal]
    differences: list[TitleDifference]
