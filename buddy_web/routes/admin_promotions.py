"""The desk's page of promotions: which there are, a new one, and ending one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import Factory, evolve, frozen
from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from buddy_core.access import SECOND_PERSON_RULES
from buddy_core.flows import Awaiting, PromotionNow
from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import BuddyError
from buddy_core.promotions import MOST_TOKENS, AddPromotion, EndPromotion, Promotion
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest, status_of
from buddy_web.forms import submission_key, text, texts, whole_number
from buddy_web.logs import correlation_id
from buddy_web.pages import go
from buddy_web.permissions import current_actor, permission
from buddy_web.routes.api_promotions import MANAGE
from buddy_web.routes.desk import show_desk

admin_promotions = Blueprint("admin_promotions", __name__, url_prefix="/admin/promotions")

PAGE, MOST_PAGES = 20, 100_000
_NUMBERS = ("tokens", "days", "limit")


@frozen
class PromotionsPage:
    """Promotions as they stand, and the form of a new one with what was typed into it."""

    promotions: tuple[PromotionNow, ...]
    zone: str
    """Days begin at midnight here."""
    alone: int
    """How many tokens one person's promotions may give."""
    most: int
    """How many tokens one claim brings at most."""
    key: str
    number: int = 1
    has_more: bool = False
    typed: Mapping[str, str] = Factory(dict)
    problem: str | None = None
    ending: str = ""
    """The code that the problem is about, where it is about ending."""
    done: str | None = None

    def was(self, name: str, otherwise: str = "") -> str:
        """Return what was typed into a field."""
        return self.typed.get(name, otherwise)


@admin_promotions.get("")
@permission(MANAGE)
def promotions() -> Response:
    """Show the promotions, and the form of a new one."""
    page = _page(web(), min(whole_number(request.args, "page") or 1, MOST_PAGES))
    return show_desk(web(), "admin_promotions.html", evolve(page, done=text(request.args, "done") or None))


@admin_promotions.post("")
@permission(MANAGE)
def add() -> Response:
    """Begin a promotion; a large one waits for a second person."""
    w = web()
    typed = texts(request.form)
    try:
        found: Promotion | Awaiting = w.call(
            w.container.add_promotion, current_actor(), _wanted(w), correlation_id=correlation_id.get()
        )
    except BuddyError as error:
        return _refused(w, error, typed)
    if isinstance(found, Awaiting):
        return go(f"/admin/approvals/{found.request_id}")
    return go("/admin/promotions?done=promotion_added")


@admin_promotions.get("/<promotion>/end")
@permission(MANAGE)
def ending(promotion: str) -> Response:
    """Lead back to the promotions: whoever proved themselves on the way to the form comes by here."""
    return redirect("/admin/promotions", 303)


@admin_promotions.post("/<promotion>/end")
@permission(MANAGE)
def end(promotion: str) -> Response:
    """End a promotion now."""
    w = web()
    try:
        command = EndPromotion(promotion, text(request.form, "reason"), _key())
        w.call(w.container.end_promotion, current_actor(), command, correlation_id=correlation_id.get())
    except BuddyError as error:
        return _refused(w, error, texts(request.form), promotion)
    return go("/admin/promotions?done=promotion_ended")


def _page(w: Web, number: int = 1) -> PromotionsPage:
    found: tuple[PromotionNow, ...] = w.call(
        w.container.list_promotions, current_actor(), limit=PAGE + 1, offset=(number - 1) * PAGE
    )
    return PromotionsPage(
        promotions=found[:PAGE],
        zone=_zone(w),
        alone=int(SECOND_PERSON_RULES["promotion.add"].above),
        most=MOST_TOKENS,
        key=w.container.ids().opaque("prm"),
        number=number,
        has_more=len(found) > PAGE,
    )


def _refused(w: Web, error: BuddyError, typed: Mapping[str, str], code: str = "") -> Response:
    """Return the page with what the rule said; a second factor that is missing is asked for elsewhere."""
    status = status_of(error)[0]
    if status in (401, 403):
        raise error
    page = evolve(_page(w), typed=typed, problem=error.message(), ending=code)
    return show_desk(w, "admin_promotions.html", page, status=status)


def _wanted(w: Web) -> AddPromotion:
    """Return the promotion that was typed.

    Raises:
        InvalidRequest: a field is empty or no number, or no day.
    """
    form = request.form
    numbers = {name: _number(name) for name in _NUMBERS}
    first, last = text(form, "first_day"), text(form, "last_day")
    return AddPromotion(
        code=text(form, "code"),
        **numbers,
        starts_at=_midnight("first_day", first, _zone(w)) if first else None,
        # The last day is meant to be among them.
        ends_at=_midnight("last_day", last, _zone(w), days=1),
        for_guests=form.get("for_guests") == "yes",
        reason=text(form, "reason"),
        idempotency_key=_key(),
    )


def _number(name: str) -> int:
    number = whole_number(request.form, name)
    if number is None:
        raise InvalidRequest(({"field": name, "problem": "must be a whole number"},))
    return number


def _midnight(name: str, typed: str, zone: str, days: int = 0) -> datetime:
    try:
        day = date.fromisoformat(typed) + timedelta(days=days)
        return utc(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))
    except (ValueError, OverflowError):
        raise InvalidRequest(({"field": name, "problem": "must be a day, such as 2026-12-01"},)) from None


def _zone(w: Web) -> str:
    zone: str = w.container.routes().entities[0].zone
    return zone


def _key() -> str:
    key = submission_key(request.form)
    if key is None:
        raise InvalidRequest(({"field": "idempotency_key", "problem": "is missing"},))
    return key
