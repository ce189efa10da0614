"""The admin's pages: today, token values, the month's close, held rewards, the audit."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from attrs import evolve
from flask import Blueprint, abort, redirect, request
from werkzeug.wrappers import Response

from buddy_adapters.system.clock import ShiftedClock
from buddy_core.access import (
    NotPermitted,
    Outcome,
    OwnAccount,
    ReasonMissing,
    SecondFactorNeeded,
    check_reason,
    may,
    require,
)
from buddy_core.accounts import BadEmail
from buddy_core.ads import RewardCapReached, RewardNotFound, RewardNotHeld
from buddy_core.flows import Awaiting, CloseReport, DecideRequest
from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import BuddyError
from buddy_core.royalty import AlreadyPublished, BeingWorkedOut, ReviewOutdated
from buddy_core.tax import entities_named
from buddy_core.tokens import FreezeWallet, NotFrozen, WalletFrozen
from buddy_core.views.admin_audit import ACTIONS, AuditFound, AuditWanted
from buddy_core.views.admin_close import AdminClose
from buddy_core.views.admin_rewards import AdminRewards, WalletOwnerNotFound
from buddy_core.views.admin_values import AdminValues, read_form
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest, status_of
from buddy_web.formats import DEFAULT_ZONE
from buddy_web.forms import MAX_TEXT, opaque_id, submission_key, text, texts
from buddy_web.guests import current_visitor
from buddy_web.logs import correlation_id
from buddy_web.pages import asked_before, go, show_part, wants_part
from buddy_web.permissions import current_actor, permission
from buddy_web.routes.desk import show_desk

admin_pages = Blueprint("admin_pages", __name__, url_prefix="/admin")

_SHIFTS = {"+1day", "+1month"}
_REQUEST = re.compile(r"apr_[0-9a-f]{32}", re.ASCII)
_POLL_S = 4
"""How soon a page looks again for a month that is being worked out."""
_CLOSE_DONE = {"reviewed", "published", "closed_before"}
_WANTED = ("actor", "about", "action", "ip", "reference", "since", "until")


@admin_pages.get("")
@permission("desk:read")
def home() -> Response:
    """Show what needs attention today."""
    w = web()
    page = w.call(w.container.admin_home, current_actor())
    return show_desk(w, "admin_home.html", page)


@admin_pages.get("/values")
@permission("token_value:read")
def values() -> Response:
    """Show the versions of token values and the form of a new one."""
    w = web()
    page = w.call(w.container.values_page, current_actor(), None, "")
    waiting = request.args.get("waiting", "")
    page = evolve(
        page,
        saved_version=text(request.args, "saved") or None,
        waiting_id=waiting if _REQUEST.fullmatch(waiting) else None,
    )
    return show_desk(w, "admin_values.html", page)


@admin_pages.post("/values/preview")
@permission("token_value:read")
def preview_value() -> Response:
    """Show what saving would do; nothing is changed."""
    w = web()
    page = _values(w, w.container.ids().opaque("val"))
    if wants_part() and not page.has_problem:
        context = {"effect": page.effect, "zone_name": page.zone}
        return show_part(w, "_value_effect.html", current_visitor(w), context)
    status = 400 if page.has_problem else 200
    response = show_desk(w, "admin_values.html", page, status=status)
    if wants_part():
        # The problems stand at their fields, so that the whole page is shown anew.
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


@admin_pages.post("/values")
@permission("token_value:set")
def save_value() -> Response:
    """Add the version; one key saves it only once."""
    w = web()
    key = submission_key(request.form) or ""
    form = read_form(texts(request.form), w.container.routes(), current_actor().name, key)
    if form.command is None or not key:
        page = _values(w, w.container.ids().opaque("val"))
        return show_desk(w, "admin_values.html", page, status=400)
    actor = current_actor()
    try:
        saved: int | Awaiting = w.call(
            w.container.set_token_value, actor, form.command, correlation_id=correlation_id.get()
        )
    except BuddyError as error:
        # The rule says no, most often because the date has passed meanwhile: the form says where.
        page = _values(w, w.container.ids().opaque("val"))
        if not page.has_problem:
            raise
        return show_desk(w, "admin_values.html", page, status=status_of(error)[0])
    if isinstance(saved, Awaiting):
        return go(f"/admin/values?waiting={saved.request_id}")
    return go(f"/admin/values?{urlencode({'saved': f'{form.command.kind}-{saved}'})}")


@admin_pages.get("/close")
@permission("period:read")
def close() -> Response:
    """Show each entity's open months with a checklist and provisional figures, and the closed ones."""
    w = web()
    done = request.args.get("done", "")
    page: AdminClose = w.call_long(w.container.close_page, current_actor())
    return show_desk(w, "admin_close.html", evolve(page, done=done if done in _CLOSE_DONE else None))


@admin_pages.post("/close/<month>")
@permission("period:close")
def close_month(month: str) -> Response:
    """Review a month of one entity, or of all those whose month has ended; a second person publishes it."""
    w = web()
    entities = entities_named(w.container.routes(), text(request.form, "entity") or None)
    report: CloseReport = w.call_long(
        w.container.close_month, current_actor(), month, entities, correlation_id=correlation_id.get()
    )
    if report.reviewed:
        return go("/admin/close?done=reviewed")
    if report.closed:
        return go("/admin/close?done=closed_before")
    return _not_closed(w, month, entities[0].id, (*report.refused, *report.open)[0])


@admin_pages.post("/close/<month>/publish")
@permission("period:publish")
def publish_month(month: str) -> Response:
    """Publish what another one has reviewed: approve their request, if the figures are still the same."""
    w = web()
    actor = current_actor()
    [entity] = entities_named(w.container.routes(), text(request.form, "entity") or "-")
    asked = text(request.form, "request_id")
    page: AdminClose = w.call_long(w.container.close_page, actor)
    found = page.find(entity.id, month)
    if found is not None and found.state == "closed":
        return _not_closed(w, month, entity.id, AlreadyPublished(entity.id, month))
    if found is not None and found.is_being_worked_out:
        return _not_closed(w, month, entity.id, BeingWorkedOut(month, entity.id, _POLL_S))
    if found is None or found.review is None or found.review.request_id != asked:
        return _not_closed(w, month, entity.id, ReviewOutdated(entity.id, month))
    try:
        command = DecideRequest(asked, Outcome.APPROVED)
        w.call_long(w.container.decide_request, actor, command, correlation_id=correlation_id.get())
    except (NotPermitted, SecondFactorNeeded):
        raise
    except BuddyError as error:
        return _not_closed(w, month, entity.id, error)
    return go("/admin/close?done=published")


@admin_pages.get("/close/<month>")
@admin_pages.get("/close/<month>/publish")
@permission("period:read")
def month(month: str) -> Response:
    """Lead back to the months: whoever proved themselves on the way to the form comes by here."""
    return redirect("/admin/close", 303)


def _not_closed(w: Web, month: str, entity: str, error: BuddyError) -> Response:
    """Show the months as they stand, and at the one it is about what kept it from being closed."""
    if not may(current_actor(), "period:read"):
        raise error
    page: AdminClose = w.call_long(w.container.close_page, current_actor())
    page = evolve(page, problem=error.message(), problem_of=f"{entity} {month}")
    return show_desk(w, "admin_close.html", page, status=status_of(error)[0])


@admin_pages.get("/audit")
@permission("audit:read")
def audit() -> Response:
    """Show who did what, narrowed by what was typed; that somebody searched is recorded too."""
    w = web()
    typed = {name: text(request.args, name).strip() for name in _WANTED}
    days = {name: _day(typed[name]) for name in ("since", "until")}
    problem = next((name for name, day in days.items() if typed[name] and day is None), None)
    since, last = days["since"], days["until"]
    wanted = AuditWanted(
        actor=typed["actor"],
        about=typed["about"],
        action=typed["action"],
        ip=typed["ip"],
        reference=typed["reference"],
        since=_midnight(since) if since else None,
        # The last day is meant to be among them.
        until=_midnight(last + timedelta(days=1)) if last else None,
        before=asked_before(),
    )
    page: AuditFound = w.call(
        w.container.find_audit, current_actor(), wanted, correlation_id=correlation_id.get()
    )
    older = {name: value for name, value in typed.items() if value} | {"before": page.next_before}
    return show_desk(
        w,
        "admin_audit.html",
        page,
        status=400 if problem else 200,
        typed=typed,
        problem=problem,
        actions=ACTIONS,
        older_url=f"/admin/audit?{urlencode(older)}" if page.next_before is not None else None,
    )


@admin_pages.get("/rewards")
@permission("reward:read")
def rewards() -> Response:
    """Show the rewards that wait for a decision, and the form that freezes a wallet."""
    return _rewards(web(), done=request.args.get("done"), owner=opaque_id(request.args, "owner") or "")


@admin_pages.post("/rewards")
@permission("reward:release")
def decide_reward() -> Response:
    """Release or refuse a held reward, with a reason on the record."""
    w = web()
    decision, reward_id = request.form.get("decision"), text(request.form, "reward_id")
    if decision not in ("release", "refuse"):
        raise InvalidRequest(({"field": "decision", "problem": "must be release or refuse"},))
    try:
        reason = _reason()
        w.call(
            w.container.decide_held_reward,
            current_actor(),
            reward_id,
            release=decision == "release",
            reason=reason,
            correlation_id=correlation_id.get(),
        )
    except (
        ReasonMissing,
        RewardNotHeld,
        RewardNotFound,
        RewardCapReached,
        WalletFrozen,
        OwnAccount,
    ) as error:
        return _rewards(w, problem=error)
    return go(f"/admin/rewards?done={decision}")


@admin_pages.post("/wallets")
@permission("wallet:freeze")
def freeze_wallet() -> Response:
    """Freeze a wallet or let it go on, named by e-mail address or by a reward."""
    w = web()
    actor, act = current_actor(), request.form.get("act")
    if act not in ("freeze", "unfreeze"):
        raise InvalidRequest(({"field": "act", "problem": "must be freeze or unfreeze"},))
    key = submission_key(request.form) or w.container.ids().opaque("frz")
    try:
        reason = _reason()
        owner = w.call(
            w.container.wallet_owner, actor, text(request.form, "owner"), correlation_id=correlation_id.get()
        )
        command = FreezeWallet(owner, act == "freeze", reason, actor.name, key)
        w.call(w.container.freeze_wallet, actor, command, correlation_id=correlation_id.get())
    except (ReasonMissing, OwnAccount, WalletOwnerNotFound, BadEmail, NotFrozen) as error:
        return _rewards(w, problem=error)
    return go(f"/admin/rewards?done={act}")


@admin_pages.post("/demo/clock")
@permission("demo:clock")
def move_clock() -> Response:
    """Move the demo's clock on; there is no such thing outside the demo."""
    w = web()
    if not w.settings.demo:
        abort(404)
    require(current_actor(), "demo:clock")
    shift = request.form.get("by", "")
    if shift not in _SHIFTS:
        raise InvalidRequest(({"field": "by", "problem": "must be +1day or +1month"},))
    clock = w.container.clock()
    assert isinstance(clock, ShiftedClock), "the demo's clock can be moved"
    clock.shift(shift)
    return go("/admin")


def _values(w: Web, key: str) -> AdminValues:
    page: AdminValues = w.call(w.container.values_page, current_actor(), texts(request.form), key)
    return page


def _rewards(
    w: Web, *, done: str | None = None, owner: str = "", problem: BuddyError | None = None
) -> Response:
    found = w.call(w.container.held_rewards, current_actor(), correlation_id=correlation_id.get())
    page = AdminRewards(
        rewards=found,
        done=done if done in ("release", "refuse", "freeze", "unfreeze") else None,
        problem=problem.message() if problem else None,
        wallet_key=w.container.ids().opaque("frz"),
        owner=text(request.form, "owner") if problem else owner,
        reason=request.form.get("reason", "")[:MAX_TEXT] if problem else "",
        reward_id=text(request.form, "reward_id") if problem else "",
    )
    status = status_of(problem)[0] if problem else 200
    return show_desk(w, "admin_rewards.html", page, status=status)


def _reason() -> str:
    return check_reason(request.form.get("reason", ""))


def _day(text: str) -> date | None:
    """Return the day that was typed, None if it is none that a calendar has room around."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date.min < found < date.max else None


def _midnight(day: date) -> datetime:
    """Return when a day begins where the pages' clock is."""
    return utc(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(DEFAULT_ZONE)))
