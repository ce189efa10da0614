"""The desk's pages about what an account may watch: what it holds, giving and taking away, and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from attrs import frozen
from flask import Blueprint, request
from werkzeug.wrappers import Response

from buddy_core.access import require
from buddy_core.accounts import Account
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.entitlements import RENTAL_HOURS, Context, GrantKind, PlanState, Profile
from buddy_core.flows import AskWhy, ExtendAccess, GiveAccess, Held, RevokeAccess, Why
from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.kernel.ids import TitleId
from buddy_core.rights import country_named
from buddy_web.app import Web, web
from buddy_web.errors import status_of
from buddy_web.forms import submission_key, text
from buddy_web.logs import correlation_id
from buddy_web.pages import go
from buddy_web.permissions import current_actor, permission
from buddy_web.routes.api_entitlements import GRANT, READ, done_by, for_grant, shown_grants, shown_why
from buddy_web.routes.desk import show_desk, user_named
from buddy_web.schemas.entitlements import Grant
from buddy_web.schemas.entitlements import Why as ShownWhy

admin_entitlements = Blueprint(
    "admin_entitlements", __name__, url_prefix="/admin/users/<opaque_id:user>/access"
)

E = TypeVar("E", bound=StrEnum)
KINDS = tuple(kind for kind in GrantKind if kind is not GrantKind.TOKEN_UNLOCK)
_LINK = re.compile(r"(?:https?://[^/]+)?/?(film|series|short|episode)/([0-9A-Za-z]{1,16})(?:/.*)?", re.ASCII)
_AGE = re.compile(r"[0-9]{1,2}")
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?)?", re.ASCII)


@frozen
class AccessPage:
    """What an account holds, and the forms to change it; `problem` says what did not work, and where."""

    account: Account
    grants: list[Grant]
    names: dict[str, str]
    """Titles by `type/id`."""
    key: str
    done: str = ""
    problem: str | None = None
    problem_at: str = ""
    typed: dict[str, str] | None = None

    def was(self, name: str, otherwise: str = "") -> str:
        """Return what was typed into a field."""
        return (self.typed or {}).get(name, otherwise)


@frozen
class WhyPage:
    """One answer with the whole way to it; without one, the form to ask."""

    account: Account
    typed: dict[str, str]
    title: Title | None = None
    why: ShownWhy | None = None
    problem: str | None = None


@admin_entitlements.get("")
@permission(READ)
def access(user: str) -> Response:
    """Show what an account holds and held."""
    return _show(user, done=text(request.args, "done", longest=40))


@admin_entitlements.post("")
@permission(GRANT)
def give(user: str) -> Response:
    """Give access to a title or series, or a plan."""
    w = web()
    names = ("kind", "title", "hours", "ends_at", "tier", "reason")
    form = {name: text(request.form, name) for name in names}
    plan = text(request.form, "plan")

    def act(account: Account, key: str) -> None:
        require(current_actor(), GRANT)
        kind = _choice(GrantKind, form["kind"], "kind")
        title = _title_named(w, form["title"]) if form["title"] else None
        command = GiveAccess(
            account_id=account.id,
            kind=kind,
            reason=form["reason"],
            idempotency_key=key,
            title_id=title.id if title else None,
            ends_at=_instant(form["ends_at"], "end"),
            hours=_hours(form["hours"]),
            tier=form["tier"].strip() if kind is GrantKind.SUBSCRIPTION else "",
            plan=_choice(PlanState, plan, "plan") if plan and kind is GrantKind.SUBSCRIPTION else None,
        )
        done_by(w, w.container.give_access, command)

    return _act(user, "give", form, act)


@admin_entitlements.post("/<opaque_id:grant>/extend")
@permission(GRANT)
def extend(user: str, grant: str) -> Response:
    """Give a grant a later end."""
    w = web()
    form = {name: text(request.form, name) for name in ("ends_at", "reason")}

    def act(account: Account, key: str) -> None:
        require(current_actor(), GRANT)
        ends_at = _instant(form["ends_at"], "end")
        if ends_at is None:
            raise InvalidValue("end", "is missing; choose a day")
        reason = form["reason"]

        for_grant(
            w,
            grant,
            lambda id: done_by(
                w, w.container.extend_access, ExtendAccess(account.id, id, ends_at, reason, key)
            ),
        )

    return _act(user, f"extend-{grant}", form, act)


@admin_entitlements.post("/<opaque_id:grant>/revoke")
@permission(GRANT)
def revoke(user: str, grant: str) -> Response:
    """Take a grant away."""
    w = web()
    form = {"reason": text(request.form, "reason")}

    def act(account: Account, key: str) -> None:
        reason = form["reason"]
        for_grant(
            w,
            grant,
            lambda id: done_by(w, w.container.revoke_access, RevokeAccess(account.id, id, reason, key)),
        )

    return _act(user, f"revoke-{grant}", form, act)


@admin_entitlements.get("/why")
@permission(READ)
def why(user: str) -> Response:
    """Show why an account may or may not watch a title, now or then."""
    w = web()
    require(current_actor(), READ)
    account = user_named(w, user)
    names = ("title", "country", "at", "known_at", "max_age")
    typed = {name: text(request.args, name).strip() for name in names}
    if not typed["title"]:
        return _show_why(w, WhyPage(account, typed))
    try:
        title = _title_named(w, typed["title"])
        age = _age(typed["max_age"])
        place = country_named(typed["country"].upper()) if typed["country"] else None
        context = Context(place, profile=Profile(max_age=age))
        question = AskWhy(
            account.id, title.id, context, _instant(typed["at"], "when"), _instant(typed["known_at"], "known")
        )
        found: Why = w.call(
            w.container.explain_watching, current_actor(), question, correlation_id=correlation_id.get()
        )
    except BuddyError as error:
        return _show_why(w, WhyPage(account, typed, problem=error.message()), status_of(error)[0])
    return _show_why(w, WhyPage(account, typed, title, shown_why(w, found)))


def _show_why(w: Web, page: WhyPage, status: int = 200) -> Response:
    return show_desk(w, "admin_why.html", page, status=status, public_id=w.public_ids.show(page.account.id))


def _act(user: str, at: str, form: dict[str, str], work: Callable[[Account, str], None]) -> Response:
    """Do what a form asks; a refusal is said at the form, with what was typed."""
    w = web()
    account = user_named(w, user)
    key = submission_key(request.form) or w.container.ids().opaque("acs")
    try:
        work(account, key)
    except BuddyError as error:
        return _show(user, problem=error, at=at, typed=form)
    return go(f"/admin/users/{user}/access?done=access_{at.partition('-')[0]}")


def _show(
    user: str,
    *,
    done: str = "",
    problem: BuddyError | None = None,
    at: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    w = web()
    account = user_named(w, user)
    held: Held = w.call(
        w.container.list_access, current_actor(), account.id, correlation_id=correlation_id.get()
    )
    ids = sorted({item.title_id for item in held.grants if item.title_id is not None})
    named: dict[TitleId, Title] = w.call(w.container.name_titles, ids)
    page = AccessPage(
        account=account,
        grants=list(reversed(shown_grants(w, held, named))),
        names={f"{title.type}/{title.short_id}": title.name for title in named.values()},
        key=w.container.ids().opaque("acs"),
        done=done,
        problem=problem.message() if problem else None,
        problem_at=at,
        typed=typed,
    )
    status = status_of(problem)[0] if problem else 200
    return show_desk(
        w,
        "admin_access.html",
        page,
        status=status,
        public_id=w.public_ids.show(account.id),
        kinds=KINDS,
        plans=list(PlanState),
        hours=RENTAL_HOURS,
    )


def _title_named(w: Web, typed: str) -> Title:
    """Return the title that a link or `film/k6ym` names.

    Raises:
        TitleNotFound: it names none.
    """
    found = _LINK.fullmatch(typed.strip())
    if found is None:
        raise TitleNotFound("title", typed.strip()[:40])
    title: Title = w.call(w.container.find_title, found[1], found[2])
    return title


def _instant(typed: str, name: str) -> datetime | None:
    """Return the instant of a day or a day and time in UTC, None for none.

    Raises:
        InvalidValue: it is neither.
    """
    if not typed:
        return None
    if not _LOCAL.fullmatch(typed):
        raise InvalidValue(name, "must be a day such as 2026-12-01, or a day and time in UTC")
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidValue(name, "is no day of the calendar") from None


def _hours(typed: str) -> int | None:
    """Return how long a rental runs, None for as usual.

    Raises:
        InvalidValue: no rental runs so long.
    """
    if typed and typed not in map(str, RENTAL_HOURS):
        raise InvalidValue("hours", f"must be one of {', '.join(map(str, RENTAL_HOURS))}")
    return int(typed) if typed else None


def _age(typed: str) -> int | None:
    """Return up to which age a profile goes, None for all.

    Raises:
        InvalidValue: it is no age.
    """
    if typed and not _AGE.fullmatch(typed):
        raise InvalidValue("age", "must be a whole number from 0 to 99, or empty")
    return int(typed) if typed else None


def _choice(choices: type[E], typed: str, name: str) -> E:
    """Return which choice was made.

    Raises:
        InvalidValue: none of them.
    """
    try:
        return choices(typed)
    except ValueError:
        raise InvalidValue(name, f"must be one of {', '.join(choices)}") from None
