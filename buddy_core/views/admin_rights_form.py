"""The forms of a title's rights: what was typed becomes changes, or problems at their fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from buddy_core.catalog import Producer
from buddy_core.flows.takedown import RestoreTitle, TakeTitleDown
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import LicenceId, TakedownId, TitleId, WindowId, derived_uuid
from buddy_core.rights import (
    TIER_NAMES,
    AddLicence,
    AddWindow,
    AlterWindow,
    EndLicence,
    EndWindow,
    Licence,
    RemoveLicence,
    RemoveWindow,
    RightsEdit,
    SetRating,
    Territories,
    TerritoryUnknown,
    TitleRights,
    Window,
    WindowType,
    age_of,
    apply_ladder,
    is_tier,
    read_part,
)
from buddy_core.views.admin_values import FieldValue

OWNERS = 4
"""How many partners the form of licences takes at once."""
SOON = timedelta(minutes=5)
"""After how long `as soon as can be` is: long enough to read what it does, and to save it."""
_CODES = re.compile(r"[\s,;]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@frozen
class FormContext:
    """What a form is about: the title with its book, who may be named, and when and how days are counted."""

    title_id: TitleId
    book: TitleRights | None
    producers: Sequence[Producer]
    zones: Sequence[str]
    """The zones in which a day may begin, the usual one first."""
    key: str
    """The form's idempotency key, from which the ids of what it adds follow."""
    at: datetime

    def id(self, number: int = 0) -> UUID:
        """Return the id of something that the form adds."""
        return derived_uuid("desk", self.title_id, self.key, str(number))


class Typed:
    """A form's texts while they are read: each with its problem, if it has one."""

    def __init__(self, typed: Mapping[str, str], zones: Sequence[str]) -> None:
        self._typed = typed
        self._fields: dict[str, FieldValue] = {}
        self.zone = self.choice("zone", zones) or zones[0]

    @property
    def fields(self) -> tuple[FieldValue, ...]:
        """All that were read, in their order."""
        return tuple(self._fields.values())

    @property
    def is_right(self) -> bool:
        """Tell whether none of them has a problem."""
        return not any(field.problem for field in self._fields.values())

    def text(self, name: str) -> str:
        """Return what was typed, without blanks around it."""
        found = self._typed.get(name, "").strip()
        self._fields.setdefault(name, FieldValue(name, found))
        return found

    def put(self, name: str, text: str) -> None:
        """Say what a field holds now."""
        self._fields[name] = FieldValue(name, text)

    def wrong(self, name: str, problem: str) -> None:
        """Note what is wrong with a field; the first problem counts."""
        if self._fields[name].problem is None:
            self._fields[name] = evolve(self._fields[name], problem=problem)

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Return one of the choices; the first where nothing was typed."""
        found = self.text(name) or choices[0]
        if found not in choices:
            self.wrong(name, f"Choose one of {', '.join(choices)}.")
            return None
        return found

    def is_ticked(self, name: str) -> bool:
        """Tell whether a box was ticked."""
        return self.text(name) == "yes"

    def needed(self, name: str, problem: str) -> str:
        """Return what was typed, and note a problem where it is nothing."""
        found = self.text(name)
        if not found:
            self.wrong(name, problem)
        return found

    def reason(self) -> str:
        """Return why; its rule has the last word on it."""
        return self.needed("reason", "Say why, in a few words, for the record.")

    def territories(self) -> Territories | None:
        """Return where, by the codes in `territories` but not those in `excluding`."""
        included, excluded = (
            [code for code in _CODES.split(self.text(name).upper()) if code]
            for name in ("territories", "excluding")
        )
        if not included:
            self.wrong(
                "territories", "Say where: codes such as IN AE, a region such as EU, or * for everywhere."
            )
            return None
        try:
            found = Territories(tuple(included), tuple(excluded))
        except TerritoryUnknown as error:
            self.wrong("territories" if error.given in included else "excluding", error.message())
            return None
        if not found.countries:
            self.wrong("excluding", "Nothing is left of the territories. Exclude less, or include more.")
            return None
        return found

    def instant(self, name: str, *, is_needed: bool = True) -> datetime | None:
        """Return an instant: a day begins at midnight in the form's zone."""
        text = self.text(name)
        if not text:
            if is_needed:
                self.wrong(name, "Choose a day.")
            return None
        try:
            if _DAY.fullmatch(text):
                return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
            found = datetime.fromisoformat(text)
            if found.utcoffset() is None:
                raise ValueError
            return found.astimezone(UTC)
        except (ValueError, OverflowError):
            self.wrong(name, "This is no day. Write one such as 2026-12-01.")
            return None

    def span(self) -> tuple[datetime | None, datetime | None]:
        """Return `starts` and `ends`; an end that is not after the start is a problem of the end."""
        starts, ends = self.instant("starts"), self.instant("ends", is_needed=False)
        if starts is not None and ends is not None and ends <= starts:
            self.wrong("ends", "It would end before it begins. Choose a later end, or none.")
        return starts, ends

    def part(self, name: str) -> Fraction:
        """Return a part of the whole, exactly."""
        try:
            return read_part(self.text(name), name)
        except BuddyError as error:
            self.wrong(name, error.message())
            return Fraction(0)


def read_rights_form(
    act: str, typed: Mapping[str, str], context: FormContext
) -> tuple[tuple[FieldValue, ...], tuple[RightsEdit, ...], str]:
    """Read a form: its fields with their problems, the changes if there are none, and the reason.

    Acts are those of `_READERS`. What is ended or moved is named by its id in `item`.
    """
    form = Typed(typed, context.zones)
    edits = _READERS[act](form, context)
    reason = form.reason()
    return form.fields, tuple(edits) if form.is_right else (), reason


def read_takedown_form(
    typed: Mapping[str, str], context: FormContext
) -> tuple[tuple[FieldValue, ...], TakeTitleDown | None]:
    """Read the form that takes a title down: where, by whose notice, and why."""
    form = Typed(typed, context.zones)
    territories = form.territories()
    notice = form.needed("notice", "Say whose notice it is, and what it says.")
    reason = form.reason()
    if territories is None or not form.is_right:
        return form.fields, None
    return form.fields, TakeTitleDown(context.title_id, territories, notice, reason, context.key)


def read_restore_form(
    typed: Mapping[str, str], context: FormContext
) -> tuple[tuple[FieldValue, ...], RestoreTitle | None]:
    """Read the form that ends a takedown, which is named in `item`."""
    form = Typed(typed, context.zones)
    id, reason = _item(form), form.reason()
    if id is None or not form.is_right:
        return form.fields, None
    return form.fields, RestoreTitle(context.title_id, TakedownId(id), reason, context.key)


def _add_window(form: Typed, context: FormContext) -> list[RightsEdit]:
    type = WindowType(form.choice("type", [item.value for item in WindowType]) or "festival")
    territories = form.territories()
    starts, ends = form.span()
    tiers = tuple(part for part in _CODES.split(form.text("tiers")) if part)
    is_free = form.is_ticked("free")
    tokens = form.choice("tokens", ("usual", "yes", "no"))
    if tiers and type is not WindowType.SVOD:
        form.wrong("tiers", "Only an SVOD window has tiers. Leave this empty, or choose SVOD.")
    bad = next((name for name in tiers if not is_tier(name)), None)
    if bad is not None:
        form.wrong("tiers", f"{bad[:40]!r} is no tier. Write {TIER_NAMES}.")
    if is_free and type is not WindowType.FESTIVAL:
        form.wrong("free", "Only a festival is free or not. AVOD always is.")
    if territories is None or starts is None or not form.is_right:
        return []
    window = Window(
        id=WindowId(context.id()),
        title_id=context.title_id,
        type=type,
        territories=territories,
        starts_at=starts,
        ends_at=ends,
        tiers=tiers,
        is_free=is_free,
        sells_tokens={"yes": True, "no": False}.get(tokens or ""),
    )
    return [AddWindow(window)]


def _move_window(form: Typed, context: FormContext) -> list[RightsEdit]:
    id = _item(form)
    starts, ends = form.span()
    old = next((item for item in (context.book.windows if context.book else ()) if item.id == id), None)
    if old is None:
        form.wrong("item", "This window is not there any more. Look at the rights anew.")
    if old is None or starts is None or not form.is_right:
        return []
    return [AlterWindow(evolve(old, starts_at=starts, ends_at=ends))]


def _end_window(form: Typed, context: FormContext) -> list[RightsEdit]:
    id, ends = _end(form, context)
    return [] if id is None else [EndWindow(WindowId(id), ends)]


def _end_licence(form: Typed, context: FormContext) -> list[RightsEdit]:
    id, ends = _end(form, context)
    return [] if id is None else [EndLicence(LicenceId(id), ends)]


def _remove_window(form: Typed, context: FormContext) -> list[RightsEdit]:
    id = _item(form)
    return [] if id is None else [RemoveWindow(WindowId(id))]


def _remove_licence(form: Typed, context: FormContext) -> list[RightsEdit]:
    id = _item(form)
    return [] if id is None else [RemoveLicence(LicenceId(id))]


def _add_licence(form: Typed, context: FormContext) -> list[RightsEdit]:
    """Read up to `OWNERS` partners who license the title together: only so may each own a part of it."""
    territories = form.territories()
    starts, ends = form.span()
    is_exclusive, has_tail = form.is_ticked("exclusive"), form.choice("tail", ("yes", "no")) == "yes"
    partners = {producer.short_id: producer.id for producer in context.producers}
    found: list[RightsEdit] = []
    for number in range(1, OWNERS + 1):
        names = [f"{name}_{number}" for name in ("partner", "ownership", "share")]
        partner, ownership, share = map(form.text, names)
        if not partner:
            if ownership or share or number == 1:
                form.wrong(names[0], "Choose whose licence it is.")
            continue
        if partner not in partners:
            form.wrong(names[0], "There is no such partner. Choose one of the list.")
            continue
        owned, shared = form.part(names[1]), form.part(names[2])
        if territories is None or starts is None or not form.is_right:
            continue
        licence = Licence(
            id=LicenceId(context.id(number)),
            title_id=context.title_id,
            partner_id=partners[partner],
            share=shared,
            territories=territories,
            starts_at=starts,
            ends_at=ends,
            ownership=owned,
            is_exclusive=is_exclusive,
            has_tail=has_tail,
        )
        found.append(AddLicence(licence))
    return found


def _rating(form: Typed, context: FormContext) -> list[RightsEdit]:
    territories, label = form.territories(), form.text("label")
    if label:
        try:
            age_of(label)
        except BuddyError as error:
            form.wrong("label", error.message())
    return [] if territories is None else [SetRating(territories, label or None)]


def _ladder(form: Typed, context: FormContext) -> list[RightsEdit]:
    territories, released = form.territories(), form.instant("starts")
    if territories is None or released is None:
        return []
    try:
        made = apply_ladder(context.title_id, released, territories)
    except BuddyError as error:
        form.wrong("starts", error.message())
        return []
    return [AddWindow(window) for window in made]


def _item(form: Typed) -> UUID | None:
    text = form.needed("item", "This is not there any more. Look at the rights anew.")
    try:
        return UUID(text)
    except ValueError:
        form.wrong("item", "This is not there any more. Look at the rights anew.")
        return None


def _end(form: Typed, context: FormContext) -> tuple[UUID | None, datetime | None]:
    """Return what ends and when; what ends soon is named by its instant from then on."""
    id = _item(form)
    how = form.choice("how", ("day", "soon", "never"))
    if how == "soon":
        ends = (context.at + SOON).replace(second=0, microsecond=0)
        form.put("how", "day")
        form.put("ends", ends.isoformat())
        return id, ends
    if how == "never":
        return id, None
    return id, form.instant("ends")


_READERS = {
    "add_window": _add_window,
    "move_window": _move_window,
    "end_window": _end_window,
    "remove_window": _remove_window,
    "add_licence": _add_licence,
    "end_licence": _end_licence,
    "remove_licence": _remove_licence,
    "rating": _rating,
    "ladder": _ladder,
}
ACTS = tuple(_READERS)
"""Each form's name."""
