"""How the things of a book of rights are called outside: public ids in the place of inner ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from attrs import frozen
from flask import abort

from buddy_core.kernel.errors import BuddyError
from buddy_core.rights import NotExclusive, TakedownOver, TitleRights
from buddy_web.errors import answer, problem_of
from buddy_web.public_ids import LICENCE_PREFIX, TAKEDOWN_PREFIX, WINDOW_PREFIX, PublicIds

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PREFIXES = {"window": WINDOW_PREFIX, "licence": LICENCE_PREFIX, "takedown": TAKEDOWN_PREFIX}


@frozen
class RightsNames:
    """The public ids of windows, licences and takedowns, and what stands for each."""

    ids: PublicIds

    def window(self, id: UUID) -> str:
        """Return a window's public id."""
        return self.ids.show_as(WINDOW_PREFIX, id)

    def licence(self, id: UUID) -> str:
        """Return a licence's public id."""
        return self.ids.show_as(LICENCE_PREFIX, id)

    def takedown(self, id: UUID) -> str:
        """Return a takedown's public id."""
        return self.ids.show_as(TAKEDOWN_PREFIX, id)

    def of_book(self, book: TitleRights | None) -> dict[str, str]:
        """Return the public id of everything in a book, by its inner one as text."""
        if book is None:
            return {}
        return {
            **{str(item.id): self.window(item.id) for item in book.windows},
            **{str(item.id): self.licence(item.id) for item in book.licences},
            **{str(item.id): self.takedown(item.id) for item in book.takedowns},
        }

    def read(self, public_id: str, held: Iterable[UUID]) -> UUID | None:
        """Return what a public id stands for: what is held, else what the newest key makes of it."""
        prefix = public_id[:4]
        found = self.ids.read_as(prefix, public_id) if prefix in _PREFIXES.values() else ()
        known = set(held)
        return next((item for item in found if item in known), found[0] if found else None)

    def said(self, error: BuddyError, own: Mapping[str, str] | None = None) -> str:
        """Return what an error says, without inner ids; `own` names some of them in other words."""
        return self._plain(error, error.message(), own or {})

    def facts(self, error: BuddyError, own: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the facts of an error that inner ids would be left out of, by their public ids."""
        found: dict[str, Any] = {}
        for name, value in error.facts().items():
            if isinstance(value, UUID):
                found[name] = self._plain(error, str(value), own or {})
            elif isinstance(value, tuple):
                found[name] = [self._plain(error, item, own or {}) for item in value if isinstance(item, str)]
        return found

    def _plain(self, error: BuddyError, text: str, own: Mapping[str, str]) -> str:
        prefix = _prefix(error)

        def named(found: re.Match[str]) -> str:
            return own.get(found[0]) or self.ids.show_as(prefix, UUID(found[0]))

        return _UUID.sub(named, text)


@contextmanager
def told_in_public(
    names: RightsNames, own: Mapping[str, str] | None = None, place: str = ""
) -> Iterator[None]:
    """Answer what is refused inside by public ids, and with the place in the request where it lies."""
    try:
        yield
    except BuddyError as error:
        if not place and not _UUID.search(error.message()):
            raise
        problem = problem_of(error)
        said, facts = names.said(error, own), {**problem.facts, **names.facts(error, own)}
        if place:
            said, facts = f"{place}: {said}", {**facts, "place": place}
        abort(answer(problem.model_copy(update={"detail": said, "facts": facts})))


def plain(text: str, names: Mapping[str, str]) -> str:
    """Return a text with every inner id by its public one; of one that is not known, its last digits."""
    return _UUID.sub(lambda found: names.get(found[0], f"…{found[0][-6:]}"), text)


def _prefix(error: BuddyError) -> str:
    """Return of which kind the things are that an error names: windows, if it does not say."""
    if isinstance(error, NotExclusive):
        return LICENCE_PREFIX
    if isinstance(error, TakedownOver):
        return TAKEDOWN_PREFIX
    return _PREFIXES.get(getattr(error, "what", ""), WINDOW_PREFIX)
