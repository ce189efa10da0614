"""The API's availability: may it be watched here and now, for one title or many; and what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import make_response, request
from pydantic import BaseModel
from werkzeug.wrappers import Response

from buddy_core.catalog import TitleNotFound
from buddy_core.entitlements import Allowed
from buddy_core.flows import Answer
from buddy_core.playback import NoMedia
from buddy_core.pricing import Quote, QuoteKind
from buddy_core.rights import WindowType
from buddy_core.views import Asker, Named, UpcomingWindow
from buddy_web.app import Web, web
from buddy_web.channels import HEADER, current_context
from buddy_web.guests import who_asks
from buddy_web.operations import Api
from buddy_web.permissions import PUBLIC
from buddy_web.schemas import availability as schema
from buddy_web.schemas.common import Money
from buddy_web.schemas.titles import TitlePath

api = Api("availability", "May it be watched here and now, until when and how; if not, why and what would.")

FRESH = "private, no-cache"
"""Nobody shares it, and who keeps it asks whether it still holds before they use it."""


@api.get(
    "/titles/<type>/<id>/availability",
    may=PUBLIC,
    answer=schema.Availability,
    also={304: None},
    errors=(TitleNotFound, NoMedia),
)
def availability(path: TitlePath) -> Response:
    """Say whether the visitor may watch a title here and now.

    A hint for showing it, not a ticket: playing decides again. With `If-None-Match` an
    answer that is still the same comes as 304. A series that is not licensed by itself is
    `playback.no_media`: ask about its episodes. An app sends `X-Buddy-Channel: app` and is
    answered without offers.
    """
    w = web()
    [found] = _answers(w, [Named(path.type, path.id)])
    if found is None:
        raise TitleNotFound(path.type, path.id)
    if found.is_of_parts:
        raise NoMedia
    return _conditional(_availability(found))


@api.post("/availability", may=PUBLIC, answer=schema.Availabilities)
def many(body: schema.AvailabilityBody) -> dict[str, Any]:
    """Say of up to 1,000 titles what the single question says of each, in the order asked.

    One that does not exist, and a series that is not licensed by itself, is an item with an
    error; the others are answered.
    """
    w = web()
    found = _answers(w, [Named(item.type, item.id) for item in body.titles])
    items = [_item(*pair) for pair in zip(body.titles, found, strict=True)]
    return schema.Availabilities(items=items).model_dump(mode="json")


@api.get(
    "/titles/<type>/<id>/windows",
    may=PUBLIC,
    answer=schema.UpcomingWindows,
    also={304: None},
    errors=(TitleNotFound,),
)
def windows(path: TitlePath) -> Response:
    """List the windows of a title that open in the visitor's country later on: which, and from when."""
    w = web()
    country = w.country()
    found: list[UpcomingWindow] = w.call(w.container.upcoming_windows, Named(path.type, path.id), country)
    answer = schema.UpcomingWindows(
        type=path.type,
        id=path.id,
        country=country,
        windows=[schema.UpcomingWindow(type=item.type, starts_at=item.starts_at) for item in found],
    )
    return _conditional(answer)


def _answers(w: Web, asked: Sequence[Named]) -> list[Answer | None]:
    """Return the answer for each title in its place; what is kept is answered in this very thread."""
    who = who_asks(w)
    asker = Asker(who.account.id if who else None, current_context(w))
    found: list[Answer | None] | None = w.container.kept_availability(asker, asked)
    if found is None:
        found = w.call(w.container.availability, asker, asked)
    return found


def _conditional(answer: BaseModel) -> Response:
    """Return an answer that its asker may keep and ask about again."""
    response = make_response(answer.model_dump(mode="json"))
    response.headers["Cache-Control"] = FRESH
    response.vary.update(("Cookie", "Authorization", HEADER))
    response.add_etag()
    response.make_conditional(request)
    return response


def _item(asked: schema.AvailabilityTitle, found: Answer | None) -> schema.AvailabilityItem:
    if found is not None and not found.is_of_parts:
        return schema.AvailabilityItem(
            type=asked.type, id=asked.id, availability=_availability(found), error=None
        )
    missing = TitleNotFound(asked.type, asked.id) if found is None else NoMedia()
    error = schema.ItemError(code=missing.code, detail=missing.message())
    return schema.AvailabilityItem(type=asked.type, id=asked.id, availability=None, error=error)


def _availability(found: Answer) -> schema.Availability:
    title, said = found.title, found.decision
    allowed = said if isinstance(said, Allowed) else None
    denied = None if isinstance(said, Allowed) else said
    return schema.Availability(
        type=title.type.value,
        id=title.short_id,
        allowed=allowed is not None,
        reason=denied.reason if denied else None,
        unlockable_by=[QuoteKind(way) for way in denied.unlockable_by] if denied else [],
        opens_at=denied.opens_at if denied else None,
        via=allowed.kind if allowed else None,
        until=allowed.until if allowed else None,
        is_in_grace=allowed is not None and allowed.is_in_grace,
        rights=_rights(allowed) if allowed else None,
        offers=[_offer(item, title.short_id) for item in found.offers],
    )


def _rights(said: Allowed) -> schema.AvailabilityRights:
    ends = said.untils
    return schema.AvailabilityRights(
        max_height=schema.NumberUntil(value=said.max_height, until=ends.max_height),
        ads=schema.FlagUntil(value=said.ads, until=ends.ads),
        downloads=schema.FlagUntil(value=said.downloads, until=ends.downloads),
        streams=schema.NumberUntil(value=said.streams, until=ends.streams),
    )


def _offer(item: Quote, short_id: str) -> schema.AvailabilityOffer:
    return schema.AvailabilityOffer(
        kind=item.kind,
        tokens=item.tokens or None,
        price=Money.of(item.price) if item.price else None,
        hours=item.hours,
        tier=item.tier,
        period=item.period,
        window=WindowType(item.window) if item.window else None,
        # A title's own token cost is named by the title's id, which outside is the short one.
        rule=item.rule.replace(str(item.title_id), short_id),
        rule_version=item.rule_version,
        expires_at=item.expires_at,
    )
