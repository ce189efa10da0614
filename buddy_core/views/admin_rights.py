"""The desk's page of one title's rights: its book in time and by country, and a change with its effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import evolve, frozen

from buddy_core.access import Actor
from buddy_core.catalog import Producer
from buddy_core.flows.rights import EDIT, READ, ChangeRights, check_reach, reach, require_placed
from buddy_core.flows.takedown import PERMISSION as TAKE_DOWN
from buddy_core.flows.takedown import RestoreTitle, TakedownForeseen, TakeTitleDown
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import BuddyError, Forbidden
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import (
    BookChanged,
    Licence,
    Restore,
    RightsEdit,
    Spell,
    TitleRights,
    WhyNot,
    Window,
    revise,
    spells,
    why_not,
)
from buddy_core.tax import SellerRoutes
from buddy_core.views.admin_rights_form import (
    FormContext,
    read_restore_form,
    read_rights_form,
    read_takedown_form,
)
from buddy_core.views.admin_rights_list import OpenNow, available, countries_at, open_now
from buddy_core.views.admin_values import FieldValue, seen_version
from buddy_core.views.rights_book import (
    RightsHistory,
    RightsItems,
    RightsPageTx,
    ShownBook,
    history_in,
    items_between,
    shown_book_in,
)

UTC_ZONE = "UTC"
HISTORY = 10
_AHEAD = timedelta(days=730)
_SHIFTS = 12
"""How many instants of a change are looked at for what it opens and closes."""


@frozen
class Shift:
    """From when on a change opens and closes countries that would else be otherwise."""

    at: datetime
    opens: tuple[str, ...]
    closes: tuple[str, ...]


@frozen
class RightsEffect:
    """What saving would do; what is altered is among what goes and among what comes."""

    gone: RightsItems
    come: RightsItems
    shifts: tuple[Shift, ...]
    idle: tuple[tuple[Window, tuple[str, ...]], ...] = ()
    """New windows, and the countries in which they count for nothing: no licence holds when they begin."""
    foreseen: TakedownForeseen | None = None
    """What a takedown stops; of a restoration, what stays owed."""


@frozen
class CountryView:
    """A title in one country: why it is not available now, None if it is, and what comes."""

    country: str
    why: WhyNot | None
    spells: tuple[Spell, ...]


@frozen
class RightsPage:
    """A title's rights, and a form with its fields, its effect or its problem.

    Form fields are `base` (the revision that it began from), `act`, `reason`, `zone`, and what
    `read_rights_form` takes for the act.
    """

    shown: ShownBook
    at: datetime
    open: tuple[OpenNow, ...]
    history: RightsHistory
    producers: tuple[Producer, ...]
    zones: tuple[str, ...]
    key: str
    act: str = ""
    fields: tuple[FieldValue, ...] = ()
    effect: RightsEffect | None = None
    command: ChangeRights | TakeTitleDown | RestoreTitle | None = None
    """What saving the form sends; None where fields have problems."""
    error: BuddyError | None = None
    """Why the change cannot be, as the rules say it: it names things by their inner ids."""
    here: CountryView | None = None
    country_problem: str | None = None

    @property
    def book(self) -> TitleRights | None:
        """The last revision; None before the first."""
        return self.shown.book

    def field(self, name: str, act: str = "", item: object = None) -> FieldValue:
        """Return a field of an act's form as it was typed; of another act's, or item's, an empty one."""
        empty = FieldValue(name)
        if act and act != self.act:
            return empty
        found = {field.name: field for field in self.fields}
        if item is not None and ("item" not in found or found["item"].text != str(item)):
            return empty
        return found.get(name, empty)

    @property
    def has_problem(self) -> bool:
        """Tell whether something has to be mended before anything can be saved."""
        return self.error is not None or any(field.problem for field in self.fields)


async def rights_page(
    actor: Actor,
    title_id: TitleId,
    idempotency_key: str,
    *,
    act: str = "",
    typed: Mapping[str, str] | None = None,
    country: str = "",
    uow: UnitOfWork[RightsPageTx],
    clock: Clock,
    routes: SellerRoutes,
) -> RightsPage:
    """Fill the page; with a form that was typed, its problems, or what saving it would do.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not see rights, or not do what the form does.
        TitleNotFound.
    """
    require_placed(actor, READ)
    async with uow.read() as tx:
        at = clock.now()
        page = RightsPage(
            shown=await shown_book_in(tx, title_id),
            at=at,
            open=(),
            history=await history_in(tx, title_id, None, HISTORY),
            producers=tuple(await tx.producers.all()),
            zones=(UTC_ZONE, *dict.fromkeys(item.zone for item in routes.entities)),
            key=idempotency_key,
        )
    page = evolve(page, open=open_now(page.book, at))
    if country:
        page = _with_country(page, country)
    return page if typed is None else _with_form(actor, page, act, typed)


def _with_country(page: RightsPage, country: str) -> RightsPage:
    try:
        why = why_not(page.book, country, page.at)
        found = spells(page.book, country, page.at, page.at + _AHEAD)
    except BuddyError:
        problem = f"{country[:40]!r} is no country. Write the two letters of one, such as AE."
        return evolve(page, country_problem=problem)
    return evolve(page, here=CountryView(country, why, found))


def _with_form(actor: Actor, page: RightsPage, act: str, typed: Mapping[str, str]) -> RightsPage:
    context = FormContext(page.shown.title.id, page.book, page.producers, page.zones, page.key, page.at)
    if act == "takedown":
        require_placed(actor, TAKE_DOWN)
        fields, stop = read_takedown_form(typed, context)
        return evolve(page, act=act, fields=fields, command=stop)
    if act == "restore":
        require_placed(actor, TAKE_DOWN)
        fields, again = read_restore_form(typed, context)
        page = evolve(page, act=act, fields=fields, command=again)
        return page if again is None else _with_effect(page, [Restore(again.takedown_id)])
    require_placed(actor, EDIT)
    fields, edits, reason = read_rights_form(act, typed, context)
    page = evolve(page, act=act, fields=fields)
    if not edits:
        return page
    seen = seen_version(typed)
    base = page.shown.revision if seen is None else seen
    page = evolve(page, command=ChangeRights(page.shown.title.id, edits, reason, page.key, base))
    if base != page.shown.revision:
        return evolve(page, error=BookChanged(base, page.shown.revision))
    try:
        check_reach(actor, EDIT, reach(page.book, edits))
    except Forbidden as error:
        return evolve(page, error=error)
    return _with_effect(page, edits)


def _with_effect(page: RightsPage, edits: list[RightsEdit] | tuple[RightsEdit, ...]) -> RightsPage:
    try:
        after = revise(
            page.book,
            edits,
            title_id=page.shown.title.id,
            at=page.at,
            by="",
            reason="a preview",
        )
    except BuddyError as error:
        return evolve(page, error=error)
    return evolve(page, effect=rights_effect(page.book, after, page.at))


def rights_effect(before: TitleRights | None, after: TitleRights, at: datetime) -> RightsEffect:
    """Return what is otherwise in the next revision, and from when on which countries are."""
    gone, come = items_between(before, after)
    changed: tuple[Window | Licence, ...] = (*gone.windows, *come.windows, *gone.licences, *come.licences)
    edges = {edge for item in changed for edge in (item.starts_at, item.ends_at) if edge and edge > at}
    shifts: list[Shift] = []
    last: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    for edge in [at, *sorted(edges)][:_SHIFTS]:
        old, new = available(before, edge), available(after, edge)
        found = (new - old, old - new)
        if found != last:
            shifts.append(Shift(edge, tuple(sorted(found[0])), tuple(sorted(found[1]))))
        last = found
    idle = []
    for window in come.windows:
        licensed = countries_at(after.licences, max(window.starts_at, at))
        left = window.territories.countries - licensed
        if left:
            idle.append((window, tuple(sorted(left))))
    return RightsEffect(gone, come, tuple(shifts), tuple(idle))


def takedown_effect(page: RightsPage, stop: TakeTitleDown, foreseen: TakedownForeseen) -> RightsPage:
    """Return the page with what taking the title down would do."""
    closes = available(page.book, page.at) & stop.territories.countries
    shifts = (Shift(page.at, (), tuple(sorted(closes))),) if closes else ()
    return evolve(page, effect=RightsEffect(RightsItems(), RightsItems(), shifts, foreseen=foreseen))
