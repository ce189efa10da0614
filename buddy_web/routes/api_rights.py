"""The API's staff operations on rights: what stands, what was changed, what is open where, and takedowns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import evolve
from flask_openapi3.models import RawModel

from buddy_core.access import Actor, ReasonMissing, may_anywhere
from buddy_core.catalog import Producer, ProducerNotFound, Title, TitleNotFound
from buddy_core.flows import AddSheet, ChangeRights, RestoreTitle, TakeTitleDown, require_placed
from buddy_core.flows import SheetAdded as Imported
from buddy_core.flows import TakenDown as Stopped
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.kernel.ids import (
    AccountId,
    GrantId,
    LicenceId,
    PartnerId,
    TakedownId,
    TitleId,
    WindowId,
    derived_uuid,
)
from buddy_core.rights import (
    AddLicence,
    AddWindow,
    BadLadder,
    BadLicence,
    BadRightsChange,
    BadSheet,
    BadSpan,
    BadWindow,
    BookChanged,
    EndLicence,
    EndWindow,
    InBookAlready,
    Licence,
    MoveWindow,
    NotExclusive,
    NotInBook,
    OwnershipNotWhole,
    PastIsFixed,
    RatingUnknown,
    RemoveLicence,
    RemoveWindow,
    RightsEdit,
    SetRating,
    StillOwed,
    Strip,
    TakedownOver,
    Territories,
    TerritoryUnknown,
    TitleRights,
    Window,
    WindowsOverlap,
    apply_ladder,
    calendar,
    country_named,
    spells,
    why_not,
)
from buddy_core.views import RightsHistory, RightsItems, ShownBook
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import current_actor
from buddy_web.public_ids import TAKEDOWN_PREFIX
from buddy_web.rights_names import RightsNames, plain, told_in_public
from buddy_web.routes.rights_shown import items_shown, spell_shown, title_shown
from buddy_web.schemas import rights as schema
from buddy_web.schemas.common import IdempotencyHeader
from buddy_web.security import body_limit

api = Api(
    "rights", "Where and when titles may be sold and watched, by whose licence; each change is recorded."
)

READ, EDIT, TAKE_DOWN = "rights:read", "rights:edit", "title:takedown"
SHEET_BYTES = 9_000_000
"""How large a body the import takes: what the rules take, and a little more, so that they can say so."""
MAX_SPAN = timedelta(days=36_600)
_YEAR = timedelta(days=365)
_BOOK = "/admin/titles/<type>/<id>/rights"
_ACTS = (TitleNotFound, ReasonMissing, IdempotencyMismatch, Contention)
_LAWS = (
    BadLadder,
    BadLicence,
    BadRightsChange,
    BadWindow,
    BookChanged,
    InBookAlready,
    InvalidValue,
    NotExclusive,
    NotInBook,
    OwnershipNotWhole,
    PastIsFixed,
    ProducerNotFound,
    RatingUnknown,
    TerritoryUnknown,
    WindowsOverlap,
)


@api.get(_BOOK, may=READ, answer=schema.Book, errors=(TitleNotFound,))
def rights(path: schema.TitlePath) -> dict[str, Any]:
    """Return a title's rights as they stand, and by which change."""
    asking(READ)
    w = web()
    shown: ShownBook = w.call(w.container.rights_book, current_actor(), _title(w, path).id)
    book = shown.book
    items = RightsItems(book.licences, book.windows, book.ratings, book.takedowns) if book else RightsItems()
    found = schema.Book(
        **items_shown(names_of(w), items, shown.partners),
        title=title_shown(shown.title),
        revision=shown.revision,
        recorded_at=book.recorded_at if book else None,
        recorded_by=shown.recorded_by if book else None,
        reason=book.reason if book else None,
    )
    return found.model_dump(mode="json")


@api.get(f"{_BOOK}/history", may=READ, answer=schema.History, errors=(TitleNotFound,))
def history(path: schema.TitlePath, query: schema.HistoryQuery) -> dict[str, Any]:
    """Return what each change of a title's rights did, newest first."""
    asking(READ)
    w = web()
    names = names_of(w)
    found: RightsHistory = w.call(
        w.container.rights_history,
        current_actor(),
        _title(w, path).id,
        before=query.before,
        limit=query.limit,
    )
    revisions = [
        schema.Revision(
            revision=item.number,
            recorded_at=item.recorded_at,
            recorded_by=item.recorded_by,
            reason=item.reason,
            gone=schema.Items(**items_shown(names, item.gone, found.partners)),
            come=schema.Items(**items_shown(names, item.come, found.partners)),
        )
        for item in found.revisions
    ]
    return schema.History(revisions=revisions, next_before=found.next_before).model_dump(mode="json")


@api.get(
    f"{_BOOK}/calendar",
    may=READ,
    answer=schema.Calendar,
    errors=(TitleNotFound, BadSpan, TerritoryUnknown),
)
def rights_calendar(path: schema.TitlePath, query: schema.CalendarQuery) -> dict[str, Any]:
    """Return what is open where and when, with its gaps; countries with the same rights are together."""
    asking(READ)
    w = web()
    title = _title(w, path)
    book: TitleRights | None = w.call(w.container.rights_of, current_actor(), title.id)
    since = query.since or w.clock.now()
    try:
        until = query.until or since + _YEAR
    except OverflowError:
        raise InvalidRequest(
            ({"field": "from", "problem": "must be a year that has another after it"},)
        ) from None
    if until - since > MAX_SPAN:
        raise InvalidRequest(({"field": "until", "problem": "must be at most 100 years after `from`"},))
    if query.country is None:
        strips = calendar(book, since, until)
    else:
        named = country_named(query.country)
        strips = (Strip((named,), spells(book, named, since, until)),)
    names = names_of(w)
    found = [
        schema.Strip(
            countries=list(item.countries), spells=[spell_shown(names, spell) for spell in item.spells]
        )
        for item in strips
    ]
    return schema.Calendar(since=since, until=until, strips=found).model_dump(mode="json")


@api.get(f"{_BOOK}/why", may=READ, answer=schema.WhyNot, errors=(TitleNotFound, TerritoryUnknown))
def why(path: schema.TitlePath, query: schema.WhyQuery) -> dict[str, Any]:
    """Return why a title is not available in a country, and what would change it."""
    asking(READ)
    w = web()
    title = _title(w, path)
    book: TitleRights | None = w.call(w.container.rights_of, current_actor(), title.id)
    at = query.at or w.clock.now()
    found = why_not(book, country_named(query.country), at)
    own = names_of(w).of_book(book)
    answer = schema.WhyNot(
        country=query.country,
        at=at,
        is_available=found is None,
        closed=found.closed if found else None,
        because=plain(found.because, own) if found else None,
        change=plain(found.change, own) if found else None,
        sentence=plain(found.sentence, own) if found else f"Available in {query.country}.",
        by=own.get(str(found.by)) if found and found.by else None,
        opens_at=found.opens_at if found else None,
    )
    return answer.model_dump(mode="json")


@api.post(f"{_BOOK}/changes", may=EDIT, answer=schema.Changed, status=201, errors=(*_ACTS, *_LAWS))
def change_rights(
    path: schema.TitlePath, header: IdempotencyHeader, body: schema.ChangesBody
) -> tuple[dict[str, Any], int]:
    """Change windows, licences and certificates: all of it in one revision, or nothing."""
    asking(EDIT)
    w = web()
    actor, names, title = current_actor(), names_of(w), _title(w, path)
    book: TitleRights | None = w.call(w.container.rights_of, actor, title.id)
    reader = _Reader(names, title.id, book, f"{actor.name}:{header.idempotency_key}")
    named: dict[str, Producer] = {}
    edits: list[RightsEdit] = []
    for number, change in enumerate(body.changes):
        with told_in_public(names, place=f"changes.{number}"):
            if isinstance(change, schema.AddLicenceBody) and change.partner not in named:
                named |= w.call(w.container.partners_named, actor, [change.partner])
            edits += reader.edits(number, change, named)
    command = ChangeRights(title.id, edits, body.reason, header.idempotency_key, body.base)
    with told_in_public(names, reader.own_words):
        after: TitleRights = w.call(
            w.container.change_rights, actor, command, correlation_id=correlation_id.get()
        )
    return schema.Changed(revision=after.revision, added=reader.added).model_dump(mode="json"), 201


@api.post(
    "/admin/titles/<type>/<id>/takedown",
    may=TAKE_DOWN,
    answer=schema.TakenDown,
    status=201,
    errors=(*_ACTS, BadRightsChange, TerritoryUnknown),
)
def take_down(
    path: schema.TitlePath, header: IdempotencyHeader, body: schema.TakedownBody
) -> tuple[dict[str, Any], int]:
    """Stop a title for everybody there, at once, whatever they bought, and record what is owed to whom."""
    asking(TAKE_DOWN)
    w = web()
    names, title = names_of(w), _title(w, path)
    with told_in_public(names, place="territories"):
        territories = Territories(tuple(body.territories), tuple(body.excluding))
    command = TakeTitleDown(title.id, territories, body.notice, body.reason, header.idempotency_key)
    with told_in_public(names):
        done: Stopped = w.call(
            w.container.take_down, current_actor(), command, correlation_id=correlation_id.get()
        )
    found = schema.TakenDown(id=names.takedown(done.takedown_id), titles=done.titles, owed=done.owed)
    return found.model_dump(mode="json"), 201


@api.post(
    "/admin/titles/<type>/<id>/restore",
    may=TAKE_DOWN,
    answer=schema.Restored,
    status=201,
    errors=(*_ACTS, NotInBook, TakedownOver, BadRightsChange),
)
def restore_title(
    path: schema.TitlePath, header: IdempotencyHeader, body: schema.RestoreBody
) -> tuple[dict[str, Any], int]:
    """End a takedown, at once; what is owed stays owed."""
    asking(TAKE_DOWN)
    w = web()
    actor, names, title = current_actor(), names_of(w), _title(w, path)
    book: TitleRights | None = None
    if may_anywhere(actor, READ):
        book = w.call(w.container.rights_of, actor, title.id)
    id = names.read(body.takedown, [item.id for item in book.takedowns] if book else [])
    assert id is not None, "the form of the id was checked before"
    command = RestoreTitle(title.id, TakedownId(id), body.reason, header.idempotency_key)
    with told_in_public(names):
        done: int = w.call(w.container.restore_title, actor, command, correlation_id=correlation_id.get())
    return schema.Restored(titles=done).model_dump(mode="json"), 201


@api.get("/admin/takedowns/<takedown>/owed", may=TAKE_DOWN, answer=schema.OwedPage)
def owed(path: schema.TakedownPath, query: schema.OwedQuery) -> dict[str, Any]:
    """Return what a takedown left owed, and to whom; what was refunded since is taken off."""
    asking(TAKE_DOWN)
    w = web()
    rows = _owed(w, path.takedown, query)
    more = rows[query.limit :]
    rows = rows[: query.limit]
    titles: dict[TitleId, Title] = w.call(w.container.name_titles, sorted({row.title_id for row in rows}))
    shown = [
        schema.Owed(
            grant=w.public_ids.show_grant(row.origin_id),
            user_id=w.public_ids.show(AccountId(row.account_id)),
            title=title_shown(titles[row.title_id]),
            kind=row.kind,
            country=row.country,
            tokens=row.tokens,
            refunded=row.refunded,
            source=row.source,
            recorded_at=row.recorded_at,
        )
        for row in rows
    ]
    last = w.public_ids.show_grant(rows[-1].origin_id) if more else None
    return schema.OwedPage(owed=shown, next_cursor=last).model_dump(mode="json")


@api.post(
    "/admin/rights/windows.csv",
    may=EDIT,
    answer=schema.SheetAdded,
    status=201,
    errors=(BadSheet, *_LAWS, ReasonMissing, IdempotencyMismatch, Contention),
)
@body_limit(SHEET_BYTES)
def add_windows(
    header: IdempotencyHeader, query: schema.SheetQuery, raw: schema.SheetBody
) -> tuple[dict[str, Any], int]:
    """Add the windows of a CSV file; every line that cannot be is told with its number and what to do."""
    asking(EDIT)
    w = web()
    names = names_of(w)
    command = AddSheet(_bytes(raw), query.reason, header.idempotency_key, query.lines == "good")
    with told_in_public(names):
        done: Imported = w.call(
            w.container.add_windows_from_csv,
            current_actor(),
            command,
            correlation_id=correlation_id.get(),
        )
    faults = public_faults(names, done.faults)
    found = schema.SheetAdded(windows=done.windows, titles=done.titles, faults=faults, more=done.more)
    return found.model_dump(mode="json"), 201


def names_of(w: Web) -> RightsNames:
    """Return how the things of books are called outside."""
    return RightsNames(w.public_ids)


def public_faults(names: RightsNames, faults: Sequence[str]) -> list[str]:
    """Return the faults of a sheet, which name windows alone, by public ids."""
    said = BadSheet(tuple(faults), 0)
    found: list[str] = names.facts(said)["lines"]
    return found


def _bytes(raw: RawModel) -> bytes:
    data: bytes = raw.get_data()
    return data


def asking(permission: str) -> Actor:
    """Return who asks, if they may do this in any country: before it is looked what there is.

    Raises:
        NotPermitted, SecondFactorNeeded.
    """
    actor = current_actor()
    require_placed(actor, permission)
    return actor


def _title(w: Web, path: schema.TitlePath) -> Title:
    found: Title = w.call(w.container.find_title, path.type, path.id)
    return found


def _owed(w: Web, public_id: str, query: schema.OwedQuery) -> list[StillOwed]:
    """Return the rows of the takedown that a public id stands for under one of the keys, and one more.

    Raises:
        InvalidRequest: the cursor is none of this list.
    """
    actor = current_actor()

    def ask(takedown: UUID, after: UUID | None, limit: int) -> list[StillOwed]:
        rows: list[StillOwed] = w.call(
            w.container.owed_by,
            actor,
            TakedownId(takedown),
            after=None if after is None else GrantId(after),
            limit=limit,
        )
        return rows

    takedowns = w.public_ids.read_as(TAKEDOWN_PREFIX, public_id)
    takedown = next((item for item in takedowns if ask(item, None, 1)), takedowns[0])
    if query.cursor is None:
        return ask(takedown, None, query.limit + 1)
    for cursor in w.public_ids.read_grant(query.cursor):
        # A cursor says nothing until its row is found: any digits stand for some id under every key.
        before = UUID(int=max(cursor.int - 1, 0))
        if any(row.origin_id == cursor for row in ask(takedown, before, 1)):
            return ask(takedown, cursor, query.limit + 1)
    raise InvalidRequest(({"field": "cursor", "problem": "is no place in this list"},))


class _Reader:
    """Reads changes into edits; what they add has ids that follow from the caller and the key."""

    def __init__(self, names: RightsNames, title_id: TitleId, book: TitleRights | None, key: str) -> None:
        self._names, self._title_id, self._book, self._key = names, title_id, book, key
        self.added: list[schema.Added] = []
        self.own_words: dict[str, str] = {}
        """What a refusal calls what is new: nobody knows its id yet."""

    def edits(self, number: int, change: schema.Edit, partners: Mapping[str, Producer]) -> list[RightsEdit]:
        """Return what a change comes to.

        Raises:
            TerritoryUnknown, BadWindow, BadLicence, BadLadder, InvalidValue, RatingUnknown, NotInBook.
        """
        match change:
            case schema.AddWindowBody():
                return [AddWindow(self._new_window(number, change))]
            case schema.MoveWindowBody():
                return [self._move(change)]
            case schema.EndWindowBody():
                id = self._window(change.window)
                _try_end(self._book.windows if self._book else (), id, change.ends_at)
                return [EndWindow(WindowId(id), change.ends_at)]
            case schema.RemoveWindowBody():
                return [RemoveWindow(WindowId(self._window(change.window)))]
            case schema.AddLicenceBody():
                return [AddLicence(self._new_licence(number, change, partners[change.partner].id))]
            case schema.EndLicenceBody():
                id = self._licence(change.licence)
                _try_end(self._book.licences if self._book else (), id, change.ends_at)
                return [EndLicence(LicenceId(id), change.ends_at)]
            case schema.RemoveLicenceBody():
                return [RemoveLicence(LicenceId(self._licence(change.licence)))]
            case schema.SetRatingBody():
                return [SetRating(_places(change.territories, change.excluding), change.label)]
            case schema.ApplyLadderBody():
                windows = apply_ladder(
                    self._title_id, change.released_at, _places(change.territories, change.excluding)
                )
                for window in windows:
                    self._note(number, self._names.window, window.id, f"the {window.type.upper()} window")
                return [AddWindow(window) for window in windows]

    def _new_window(self, number: int, change: schema.AddWindowBody) -> Window:
        id = self._note(number, self._names.window, self._id(number), "the new window")
        return Window(
            id=WindowId(id),
            title_id=self._title_id,
            type=change.type,
            territories=_places(change.territories, change.excluding),
            starts_at=change.starts_at,
            ends_at=change.ends_at,
            tiers=tuple(change.tiers),
            is_free=change.is_free,
            sells_tokens=change.sells_tokens,
        )

    def _move(self, change: schema.MoveWindowBody) -> MoveWindow:
        if change.ends_at is not None and change.ends_at <= change.starts_at:
            raise BadWindow("it would end before it begins")
        places = None if change.territories is None else _places(change.territories, change.excluding)
        # Not made of what the window is now: the same request again is the same change.
        return MoveWindow(WindowId(self._window(change.window)), change.starts_at, change.ends_at, places)

    def _new_licence(self, number: int, change: schema.AddLicenceBody, partner: PartnerId) -> Licence:
        id = self._note(number, self._names.licence, self._id(number), "the new licence")
        return Licence(
            id=LicenceId(id),
            title_id=self._title_id,
            partner_id=partner,
            share=change.share,
            territories=_places(change.territories, change.excluding),
            starts_at=change.starts_at,
            ends_at=change.ends_at,
            ownership=change.ownership,
            is_exclusive=change.is_exclusive,
            assets=tuple(change.assets),
            has_tail=change.has_tail,
        )

    def _note(self, number: int, show: Callable[[UUID], str], id: UUID, words: str) -> UUID:
        self.added.append(schema.Added(change=number, id=show(id)))
        self.own_words[str(id)] = f"{words} of changes.{number}"
        return id

    def _id(self, number: int) -> UUID:
        return derived_uuid("api", self._title_id, self._key, str(number))

    def _window(self, public_id: str) -> UUID:
        found = self._names.read(public_id, [item.id for item in self._book.windows] if self._book else [])
        assert found is not None, "the form of the id was checked before"
        return found

    def _licence(self, public_id: str) -> UUID:
        found = self._names.read(public_id, [item.id for item in self._book.licences] if self._book else [])
        assert found is not None, "the form of the id was checked before"
        return found


def _places(included: Sequence[str], excluded: Sequence[str]) -> Territories:
    return Territories(tuple(included), tuple(excluded))


def _try_end(held: Sequence[Window | Licence], id: UUID, ends_at: datetime | None) -> None:
    """Refuse an end that is before the beginning here, where it is known which change it is of.

    Raises:
        BadWindow, BadLicence: it would end before it begins.
    """
    for item in held:
        if item.id == id:
            evolve(item, ends_at=ends_at)
