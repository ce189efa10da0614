"""May a title be watched here and now: the answer with its rights, its offers and its dates."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from buddy_core.entitlements import Reason
from buddy_core.pricing import QuoteKind
from buddy_core.rights import WindowType
from buddy_web.schemas.common import Answer, Body, Instant, Money, ShortIdText, TitleType

MAX_TITLES = 1_000
NO_END = "Null: no end."


class NumberUntil(Answer):
    """The best that is given of a right, and until when it is."""

    value: int
    until: Instant | None = Field(description=NO_END)


class FlagUntil(Answer):
    """Whether a right is given, and until when it is so."""

    value: bool
    until: Instant | None = Field(description=NO_END)


class AvailabilityRights(Answer):
    """How the title may be watched: the best of each right, each with its own end."""

    max_height: NumberUntil = Field(description="Lines of the picture at most.")
    ads: FlagUntil
    downloads: FlagUntil
    streams: NumberUntil = Field(description="How many may play at once.")


class AvailabilityOffer(Answer):
    """What would open the title, at its exact price: in tokens, or in money.

    It is honoured until it expires. Send `rule_version` back with what was shown.
    """

    kind: QuoteKind
    tokens: int | None
    price: Money | None
    hours: int | None = Field(description="How long a rental can be watched after its first play.")
    tier: str | None = Field(description="The tier of a plan.")
    period: str | None = Field(description="How often a plan is billed, such as `P1M`.")
    window: WindowType | None = Field(description="The type of the window that sells it.")
    rule: str = Field(description="The rule that set the price.")
    rule_version: int
    expires_at: Instant | None


class Availability(Answer):
    """Whether a title may be watched by the visitor, here and now; if not, why and what would open it."""

    type: TitleType
    id: str
    allowed: bool
    reason: Reason | None = Field(description="Why not; null where it may be watched.")
    unlockable_by: list[QuoteKind]
    opens_at: Instant | None = Field(description="When it opens by itself, where that is known.")
    via: str | None = Field(
        description="What opens it: the kind of grant, or the type of a window that is free."
    )
    until: Instant | None = Field(description="When access ends; null where it does not, or there is none.")
    is_in_grace: bool = Field(description="The plan that opens it is past due.")
    rights: AvailabilityRights | None
    offers: list[AvailabilityOffer] = Field(description="Empty in apps (`X-Buddy-Channel: app`).")


class AvailabilityTitle(Body):
    """Which title."""

    type: TitleType
    id: ShortIdText


class AvailabilityBody(Body):
    """The titles to ask about, in any order; one may stand twice."""

    titles: Annotated[list[AvailabilityTitle], Field(min_length=1, max_length=MAX_TITLES)]


class ItemError(Answer):
    """Why there is no answer for one title of many."""

    code: str = Field(examples=["catalog.title_not_found"])
    detail: str


class AvailabilityItem(Answer):
    """One title as it was asked about, with its answer or what was wrong with it."""

    type: TitleType
    id: str
    availability: Availability | None
    error: ItemError | None


class Availabilities(Answer):
    """An answer for each title that was asked about, in the same order."""

    items: list[AvailabilityItem]


class UpcomingWindow(Answer):
    """A window that is not open yet."""

    type: WindowType
    starts_at: Instant


class UpcomingWindows(Answer):
    """The windows of a title that open in the visitor's country later on, the next one first."""

    type: TitleType
    id: str
    country: str | None = Field(description="Null where it cannot be told; nothing is listed then.")
    windows: list[UpcomingWindow]
