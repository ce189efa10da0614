"""The one error tree: a few kinds, each error with a stable code and its facts.

Every error is an attrs class; its fields are the facts, `code` never changes
once published, and `message()` says in words what happened and what to do.
Hosts map the kinds to their own statuses (HTTP: 404, 422, 403, 401, 429, 409,
400, 503); nothing else in Buddy is raised on purpose.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs


class BuddyError(Exception):
    """Base of all errors that Buddy raises on purpose.

    `code` is the stable name (`module.reason`), `facts()` the data behind it.
    """

    code: ClassVar[str] = "buddy.error"

    def message(self) -> str:
        """Say in one or two plain sentences what happened and what to do."""
        return (self.__doc__ or self.code).strip().splitlines()[0]

    def facts(self) -> dict[str, Any]:
        """Return the error's fields by name, as plain values."""
        fields: tuple[attrs.Attribute[Any], ...] = getattr(type(self), "__attrs_attrs__", ())
        return {field.name: getattr(self, field.name) for field in fields}

    def __str__(self) -> str:
        return f"{self.code}: {self.message()}"


class NotFound(BuddyError):
    """The thing named does not exist, or not for this actor."""


class Rejected(BuddyError):
    """The rules say no; the same request may succeed after something changes."""


class Forbidden(Rejected):
    """The actor may not do this, whatever the state of things."""


class Unproven(Forbidden):
    """It is not known who asks: what they sent to prove it is not accepted."""


class TooMany(Rejected):
    """The caller asked too often; after `retry_after_s` seconds the same request may succeed."""

    retry_after_s: int


class Conflict(BuddyError):
    """The request contradicts what is already stored."""


class Invalid(BuddyError):
    """The input itself is wrong and can never succeed as it stands."""


class Unavailable(BuddyError):
    """Something outside did not answer; the same request may be tried again."""


@attrs.define
class InvalidValue(Invalid):
    """A value is not of the form that is needed."""

    code = "kernel.invalid_value"

    field: str
    problem: str

    def message(self) -> str:
        return f"{self.field}: {self.problem}"


@attrs.define
class Contention(Conflict):
    """Another writer changed the same rows first; the work was rolled back.

    `once` tries again by itself; a caller sees it only when the tries are used up.
    """

    code = "kernel.contention"

    what: str

    def message(self) -> str:
        return f"Another request was changing the same {self.what}. Try again."
