"""The desk's pages of rights: what is open where, one title's book, takedowns, and files of windows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen
from flask import Blueprint, abort, request
from werkzeug.wrappers import Response

from buddy_core.access import may_anywhere
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.flows import (
    AddSheet,
    ChangeRights,
    RestoreTitle,
    SheetAdded,
    SheetForeseen,
    TakedownForeseen,
    TakeTitleDown,
)
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.errors import BuddyError, Forbidden
from buddy_core.kernel.ids import TakedownId
from buddy_core.rights import (
    COLUMNS,
    LADDER,
    SCALE,
    AddLicence,
    AddWindow,
    BadSheet,
    Licence,
    Window,
    WindowType,
)
from buddy_core.views import OWNERS, RIGHTS_ACTS, RightsList, RightsPage, takedown_effect
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest, status_of
from buddy_web.forms import submission_key, text, texts, whole_number
from buddy_web.logs import correlation_id
from buddy_web.pages import go
from buddy_web.permissions import current_actor, permission
from buddy_web.public_ids import LICENCE_PREFIX, TAKEDOWN_PREFIX, WINDOW_PREFIX
from buddy_web.rights_names import plain
from buddy_web.routes.api_rights import EDIT, READ, SHEET_BYTES, TAKE_DOWN, asking, names_of
from buddy_web.routes.desk import show_desk
from buddy_web.security import body_limit
from buddy_web.timelines import timeline

admin_rights = Blueprint("admin_rights", __name__, url_prefix="/admin/rights")

_TITLE = "/<any(film, series, short, episode):title_type>/<short_id:short_id>"
CARRIED_BYTES = 300_000
"""Up to how large a file goes on with the form that was shown; a larger one is chosen again."""
_SHOWN = 40
_KINDS = {type: type.capitalize() for type in (WindowType.FESTIVAL, WindowType.CINEMA, WindowType.COLLECTOR)}
_ANCHORS = {
    "add_window": "add-window",
    "ladder": "ladder",
    "add_licence": "add-licence",
    "end_licence": "licences",
    "remove_licence": "licences",
    "rating": "rating",
    "takedown": "takedown",
    "restore": "takedowns",
}
"""Where on the page an act's form is."""
_ID = re.compile(r" [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MIDNIGHT = re.compile(r"T00:00:00\+00:00")
_DONE = ("changed", "down", "restored")


@frozen
class SheetPage:
    """The form of a file of windows; with one that was sent, what adding it would do."""

    key: str
    reason: str = ""
    text: str | None = None
    """What was sent, if it is small enough to go on with the form."""
    foreseen: SheetForeseen | None = None
    is_good_only: bool = False
    faults: Sequence[str] = ()
    more: int = 0
    done: SheetAdded | None = None
    problem: str | None = None


@admin_rights.get("")
@permission(READ)
def titles() -> Response:
    """Show titles with what is open of them today, and find one."""
    asking(READ)
    w = web()
    page = max(1, whole_number(request.args, "page") or 1)
    q = text(request.args, "q")
    found: RightsList = w.call(w.container.rights_list, current_actor(), q, min(page, 100_000))
    return show_desk(w, "admin_rights.html", found, everywhere=len(COUNTRIES))


@admin_rights.get(_TITLE)
@permission(READ)
def title(title_type: str, short_id: str) -> Response:
    """Show one title's rights; `country` asks why it is not available there."""
    asking(READ)
    w = web()
    named = _named(w, title_type, short_id)
    country = text(request.args, "country").strip().upper()
    page: RightsPage = w.call(
        w.container.rights_page, current_actor(), named.id, w.container.ids().opaque("rgt"), country=country
    )
    return _show(w, page, done=text(request.args, "done"), country=country)


@admin_rights.post(f"{_TITLE}/preview")
@permission(EDIT)
def preview(title_type: str, short_id: str) -> Response:
    """Show what a change would do; nothing is changed."""
    asking(EDIT)
    w = web()
    page = _typed(w, _named(w, title_type, short_id), RIGHTS_ACTS)
    return _show(w, page, status=400 if page.has_problem else 200)


@admin_rights.post(f"{_TITLE}/changes")
@permission(EDIT)
def save(title_type: str, short_id: str) -> Response:
    """Make the change; one key makes it only once."""
    asking(EDIT)
    return _act(_named(web(), title_type, short_id), RIGHTS_ACTS, web().container.change_rights, "changed")


@admin_rights.post(f"{_TITLE}/takedown/preview")
@permission(TAKE_DOWN)
def preview_takedown(title_type: str, short_id: str) -> Response:
    """Show what taking the title down would stop and leave owed; nothing is changed."""
    asking(TAKE_DOWN)
    w = web()
    page = _typed(w, _named(w, title_type, short_id), ("takedown",))
    if isinstance(page.command, TakeTitleDown):
        stop = page.command
        try:
            foreseen: TakedownForeseen = w.call(
                w.container.foresee_takedown, current_actor(), stop.title_id, stop.territories
            )
        except Forbidden as error:
            page = evolve(page, error=error)
        else:
            page = takedown_effect(page, stop, foreseen)
    return _show(w, page, status=400 if page.has_problem else 200)


@admin_rights.post(f"{_TITLE}/takedown")
@permission(TAKE_DOWN)
def take_down(title_type: str, short_id: str) -> Response:
    """Take the title down; one key does it only once."""
    asking(TAKE_DOWN)
    return _act(_named(web(), title_type, short_id), ("takedown",), web().container.take_down, "down")


@admin_rights.post(f"{_TITLE}/restore/preview")
@permission(TAKE_DOWN)
def preview_restore(title_type: str, short_id: str) -> Response:
    """Show what restoring the title would open, and what stays owed; nothing is changed."""
    asking(TAKE_DOWN)
    w = web()
    page = _typed(w, _named(w, title_type, short_id), ("restore",))
    if isinstance(page.command, RestoreTitle) and page.effect is not None:
        owed, tokens = w.call(w.container.owed_in_all, current_actor(), page.command.takedown_id)
        page = evolve(page, effect=evolve(page.effect, foreseen=TakedownForeseen(1, owed, tokens)))
    return _show(w, page, status=400 if page.has_problem else 200)


@admin_rights.post(f"{_TITLE}/restore")
@permission(TAKE_DOWN)
def restore(title_type: str, short_id: str) -> Response:
    """End a takedown; one key does it only once."""
    asking(TAKE_DOWN)
    return _act(_named(web(), title_type, short_id), ("restore",), web().container.restore_title, "restored")


@admin_rights.get("/import")
@permission(EDIT)
def sheet() -> Response:
    """Show the form of a file of windows."""
    asking(EDIT)
    w = web()
    return _show_sheet(w, SheetPage(w.container.ids().opaque("csv")))


@admin_rights.post("/import/preview")
@permission(EDIT)
@body_limit(SHEET_BYTES)
def preview_sheet() -> Response:
    """Show which windows a file would add, and each line that cannot be; nothing is changed."""
    asking(EDIT)
    w = web()
    key = w.container.ids().opaque("csv")
    raw, reason = _sheet(), text(request.form, "reason").strip()
    if not raw:
        return _show_sheet(w, SheetPage(key, reason, problem="Choose a CSV file first."), 400)
    command = AddSheet(raw, reason, key)
    foreseen: SheetForeseen = w.call(w.container.check_sheet, current_actor(), command)
    page = SheetPage(
        key,
        reason,
        foreseen=foreseen,
        is_good_only=bool(foreseen.faults),
        faults=_told(foreseen.faults),
        more=foreseen.more,
    )
    if foreseen.windows and len(raw) <= CARRIED_BYTES:
        page = evolve(page, text=raw.decode("utf-8-sig"))
    return _show_sheet(w, page, 400 if foreseen.faults else 200)


@admin_rights.post("/import")
@permission(EDIT)
@body_limit(SHEET_BYTES)
def add_sheet() -> Response:
    """Add a file's windows; one key adds them only once."""
    asking(EDIT)
    w = web()
    key = _key()
    reason, is_good_only = text(request.form, "reason").strip(), text(request.form, "lines") == "good"
    raw = _sheet()
    if not raw:
        return _show_sheet(w, SheetPage(key, reason, problem="Choose a CSV file first."), 400)
    command = AddSheet(raw, reason, key, is_good_only)
    new_key = w.container.ids().opaque("csv")
    names = names_of(w)
    try:
        done: SheetAdded = w.call(
            w.container.add_windows_from_csv,
            current_actor(),
            command,
            correlation_id=correlation_id.get(),
        )
    except BadSheet as error:
        page = SheetPage(new_key, reason, faults=_told(error.lines), more=error.more)
        return _show_sheet(w, page, 400)
    except BuddyError as error:
        if status_of(error)[0] in (401, 403):
            raise
        return _show_sheet(w, SheetPage(new_key, reason, problem=names.said(error)), status_of(error)[0])
    return _show_sheet(w, SheetPage(new_key, faults=_told(done.faults), more=done.more, done=done))


def _sheet() -> bytes:
    """Return the file that was chosen, or what went on with the form."""
    raw = b""
    upload = request.files.get("file")
    if upload is not None:
        raw = upload.read()
        upload.close()
    return raw or request.form.get("sheet", "").encode("utf-8", "surrogatepass")


def _show_sheet(w: Web, page: SheetPage, status: int = 200) -> Response:
    return show_desk(
        w,
        "admin_rights_import.html",
        page,
        status=status,
        columns=COLUMNS,
        shown=_SHOWN,
        everywhere=len(COUNTRIES),
    )


def _named(w: Web, title_type: str, short_id: str) -> Title:
    try:
        found: Title = w.call(w.container.find_title, title_type, short_id)
    except TitleNotFound:
        abort(404)
    return found


def _key() -> str:
    found = submission_key(request.form)
    if found is None:
        raise InvalidRequest(({"field": "idempotency_key", "problem": "is missing"},))
    return found


def _typed(w: Web, title: Title, acts: Sequence[str]) -> RightsPage:
    """Return the page with the form that was sent, for the acts that the address takes."""
    form = texts(request.form)
    act = form.get("act", acts[0])
    if act not in acts:
        raise InvalidRequest(({"field": "act", "problem": f"must be one of {', '.join(acts)}"},))
    key = submission_key(request.form) or w.container.ids().opaque("rgt")
    shown = {**form, "item": _item(w, title, form.get("item", ""))}
    page: RightsPage = w.call(w.container.rights_page, current_actor(), title.id, key, act=act, typed=shown)
    return page


def _item(w: Web, title: Title, public_id: str) -> str:
    """Return the inner id of the window, licence or takedown that a form names; empty for none."""
    if not public_id.startswith((WINDOW_PREFIX, LICENCE_PREFIX, TAKEDOWN_PREFIX)):
        return ""
    actor = current_actor()
    book = w.call(w.container.rights_of, actor, title.id) if may_anywhere(actor, READ) else None
    held = [item.id for item in (*book.windows, *book.licences, *book.takedowns)] if book else []
    found = names_of(w).read(public_id, held)
    return "" if found is None else str(found)


def _act(title: Title, acts: Sequence[str], flow: Any, done: str) -> Response:
    """Do what a form asks; a refusal is said at the form, with what was typed."""
    w = web()
    _key()
    page = _typed(w, title, acts)
    if page.command is None:
        return _show(w, page, status=400)
    try:
        w.call(flow, current_actor(), page.command, correlation_id=correlation_id.get())
    except BuddyError as error:
        if status_of(error)[0] in (401, 403):
            raise
        # Another key: what is sent from here on is another try.
        page = evolve(page, error=error, effect=None, key=w.container.ids().opaque("rgt"))
        return _show(w, page, status=status_of(error)[0])
    return go(f"/admin/rights/{title.type}/{title.short_id}?done={done}")


def _show(w: Web, page: RightsPage, *, status: int = 200, done: str = "", country: str = "") -> Response:
    names = names_of(w)
    public: Mapping[str, str] = names.of_book(page.book)
    book = page.book
    said = {**_said(_added(page), " (new)"), **_said((*book.windows, *book.licences) if book else (), "")}
    return show_desk(
        w,
        "admin_rights_title.html",
        page,
        status=status,
        line=timeline(book, page.at) if book else None,
        names=names,
        problem=_short(names.said(page.error, said)) if page.error else None,
        why=_short(plain(page.here.why.sentence, said)) if page.here and page.here.why else None,
        item=public.get(page.field("item").text, ""),
        country=country,
        done=done if done in _DONE else "",
        kinds=[(type.value, _KINDS.get(type, type.upper())) for type in WindowType],
        zones=[(zone, zone) for zone in page.zones],
        partners=[(item.short_id, item.name) for item in page.producers],
        all_partners={item.id: item for item in page.producers},
        scale=list(SCALE),
        owners=OWNERS,
        ladder=LADDER,
        anchor=_ANCHORS.get(page.act, "windows"),
        everywhere=len(COUNTRIES),
        takedown_owed=_owed(w, page),
    )


def _added(page: RightsPage) -> list[Window | Licence]:
    """Return what the form would add."""
    edits = page.command.changes if isinstance(page.command, ChangeRights) else ()
    windows = [edit.window for edit in edits if isinstance(edit, AddWindow)]
    return [*windows, *(edit.licence for edit in edits if isinstance(edit, AddLicence))]


def _said(items: Iterable[Window | Licence], note: str) -> dict[str, str]:
    """Return what a page calls windows and licences, which have no name: where and from when on they are."""
    found = {}
    for item in items:
        places = " ".join((*item.territories.included, *(f"-{code}" for code in item.territories.excluded)))
        found[str(item.id)] = f"\u201c{places} from {item.starts_at:%Y-%m-%d}\u201d{note}"
    return found


def _told(faults: Sequence[str]) -> list[str]:
    """Return the faults of a file as a page tells them: without ids of windows, which it does not show."""
    return [_short(_ID.sub("", fault)) for fault in faults]


def _short(said: str) -> str:
    """Return a sentence with midnights as days."""
    return _MIDNIGHT.sub("", said)


def _owed(w: Web, page: RightsPage) -> dict[TakedownId, tuple[int, int]]:
    """Return what each takedown left owed, where the actor may see it."""
    actor = current_actor()
    if page.book is None or not may_anywhere(actor, TAKE_DOWN):
        return {}
    return {item.id: w.call(w.container.owed_in_all, actor, item.id) for item in page.book.takedowns[-5:]}
