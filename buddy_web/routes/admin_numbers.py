"""The desk's pages about the numbers of earning and spending: costs, the ad rule, and what looks odd."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve
from flask import Blueprint, request
from werkzeug.wrappers import Response

from buddy_core.ads import SetRewardRule
from buddy_core.flows import SetTokenCosts
from buddy_core.kernel.canonical import instant_from_text
from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.views import AdminAdRule, AdminAlerts, AdminCosts
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest, status_of
from buddy_web.forms import submission_key, texts, whole_number
from buddy_web.guests import current_visitor
from buddy_web.logs import correlation_id
from buddy_web.pages import go, show_part, wants_part
from buddy_web.permissions import current_actor, permission
from buddy_web.routes.desk import show_desk

admin_numbers = Blueprint("admin_numbers", __name__, url_prefix="/admin")

_CHANGE = "change_"
"""What a field of the form that saves begins with; the rest is the name of what is changed."""


@admin_numbers.get("/costs")
@permission("cost:read")
def costs() -> Response:
    """Show what unlocks cost, and the form of new costs."""
    page = _costs(web(), None)
    saved = whole_number(request.args, "saved")
    return show_desk(web(), "admin_costs.html", evolve(page, saved_version=saved))


@admin_numbers.post("/costs/preview")
@permission("cost:read")
def preview_costs() -> Response:
    """Show what saving would do; nothing is changed."""
    return _previewed(web(), "costs", _costs(web(), texts(request.form)))


@admin_numbers.post("/costs")
@permission("cost:set")
def save_costs() -> Response:
    """Add the version; one key saves it only once."""
    w = web()
    command = SetTokenCosts(_changes(), _key(), _instant(), whole_number(request.form, "base"))
    try:
        version = w.call(
            w.container.set_token_costs, current_actor(), command, correlation_id=correlation_id.get()
        )
    except BuddyError as error:
        return _refused(w, "costs", _costs(w, None), error)
    return go(f"/admin/costs?saved={version}")


@admin_numbers.get("/ad-rule")
@permission("reward_rule:read")
def ad_rule() -> Response:
    """Show what an ad pays and how often, and the form of a new rule."""
    page = _rule(web(), None)
    saved = whole_number(request.args, "saved")
    return show_desk(web(), "admin_ad_rule.html", evolve(page, saved_version=saved))


@admin_numbers.post("/ad-rule/preview")
@permission("reward_rule:read")
def preview_rule() -> Response:
    """Show what saving would do; nothing is changed."""
    return _previewed(web(), "ad_rule", _rule(web(), texts(request.form)))


@admin_numbers.post("/ad-rule")
@permission("reward_rule:set")
def save_rule() -> Response:
    """Add the version; one key saves it only once."""
    w = web()
    numbers = {name: number for name, number in _changes().items() if number is not None}
    command = SetRewardRule(numbers, _key(), _instant(), whole_number(request.form, "base"))
    try:
        version = w.call(
            w.container.set_reward_rule, current_actor(), command, correlation_id=correlation_id.get()
        )
    except BuddyError as error:
        return _refused(w, "ad_rule", _rule(w, None), error)
    return go(f"/admin/ad-rule?saved={version}")


@admin_numbers.get("/alerts")
@permission("reward:read")
def alerts() -> Response:
    """Show on which devices and at which addresses many accounts earned, today and yesterday."""
    w = web()
    found = w.call(w.container.reward_alerts, current_actor(), correlation_id=correlation_id.get())
    return show_desk(w, "admin_alerts.html", AdminAlerts(found))


def _costs(w: Web, typed: Mapping[str, str] | None) -> AdminCosts:
    key = w.container.ids().opaque("cst")
    page: AdminCosts = w.call(w.container.costs_page, current_actor(), typed, key)
    return page


def _rule(w: Web, typed: Mapping[str, str] | None) -> AdminAdRule:
    key = w.container.ids().opaque("rul")
    page: AdminAdRule = w.call(w.container.ad_rule_page, current_actor(), typed, key)
    return page


def _previewed(w: Web, name: str, page: AdminCosts | AdminAdRule) -> Response:
    """Return the effect alone where htmx asked for it; the whole page else, and with every problem."""
    if wants_part() and not page.has_problem:
        context = {"effect": page.effect, "zone_name": page.zone}
        return show_part(w, f"_{name}_effect.html", current_visitor(w), context)
    response = show_desk(w, f"admin_{name}.html", page, status=400 if page.has_problem else 200)
    if wants_part():
        # The problems stand at their fields, so that the whole page is shown anew.
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def _refused(w: Web, name: str, page: AdminCosts | AdminAdRule, error: BuddyError) -> Response:
    """Return the page with what the rule said; a second factor that is missing is asked for elsewhere."""
    status = status_of(error)[0]
    if status in (401, 403):
        raise error
    return show_desk(w, f"admin_{name}.html", evolve(page, problem=error.message()), status=status)


def _changes() -> dict[str, int | None]:
    """Return what is to be changed, by name; None where the field is empty.

    Raises:
        InvalidRequest: a number is none.
    """
    found: dict[str, int | None] = {}
    for field, text in texts(request.form).items():
        if field.startswith(_CHANGE):
            number = whole_number(request.form, field)
            if text and number is None:
                raise InvalidRequest(({"field": field, "problem": "must be a whole number"},))
            found[field.removeprefix(_CHANGE)] = number
    return found


def _key() -> str:
    key = submission_key(request.form)
    if key is None:
        raise InvalidRequest(({"field": "idempotency_key", "problem": "is missing"},))
    return key


def _instant() -> datetime | None:
    text = request.form.get("effective_from", "")
    try:
        return instant_from_text(text) if text else None
    except InvalidValue:
        raise InvalidRequest(({"field": "effective_from", "problem": "must be an instant"},)) from None
