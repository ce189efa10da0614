"""The ways in which a short id or a slug is refused."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, NotFound, Rejected


@attrs.define
class ShortIdIllegal(Invalid):
    """The text can never be a short id."""

    code = "shortids.illegal"

    text: str
    problem: str

    def message(self) -> str:
        return f"{self.text!r} cannot be a short id: {self.problem}."


@attrs.define
class ShortIdTaken(Conflict):
    """Another thing of this type has this id, or one that looks the same."""

    code = "shortids.taken"

    type: str
    short_id: str

    def message(self) -> str:
        return (
            f"{self.type} id {self.short_id!r} is in use, or differs from one in use only in look-alikes "
            "(0 and o; 1, l and i). Choose another."
        )


@attrs.define
class ShortIdPublished(Conflict):
    """The id is published; links to it exist, so nobody may change it."""

    code = "shortids.published"

    type: str
    short_id: str

    def message(self) -> str:
        return f"{self.type} id {self.short_id!r} is published and stays for ever; no role may change it."


@attrs.define
class ShortIdAlreadyGiven(Conflict):
    """The thing has another id already."""

    code = "shortids.already_given"

    type: str
    short_id: str

    def message(self) -> str:
        return f"This {self.type} has the id {self.short_id!r} already. Change that one while it is a draft."


@attrs.define
class ShortIdUnknown(NotFound):
    """No thing of this type has this id."""

    code = "shortids.unknown"

    type: str
    text: str

    def message(self) -> str:
        return f"There is no {self.type} with the id {self.text!r}. Check the link."


@attrs.define
class ShortIdsExhausted(Rejected):
    """Every id of every length is used up for this type."""

    code = "shortids.exhausted"

    type: str

    def message(self) -> str:
        return f"All ids of type {self.type!r}, up to eight characters, are used up. Start a new type."


@attrs.define
class SlugIllegal(Invalid):
    """The text cannot be a slug."""

    code = "shortids.slug_illegal"

    text: str
    problem: str

    def message(self) -> str:
        return f"{self.text!r} cannot be a slug: {self.problem}."
