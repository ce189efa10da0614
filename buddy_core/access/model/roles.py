"""Permissions, the roles that hold them, and how far a role reaches."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any
from uuid import UUID

from attrs import field, frozen

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import AccountId, PartnerId

EVERYTHING = "*"
"""As a permission of a role: whatever permission there is."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_PERMISSION = re.compile(r"[a-z][a-z0-9_]{0,39}:[a-z][a-z0-9_]{0,39}", re.ASCII)
MAX_ROLE_TITLE = 80
MAX_NOTE = 500


class ScopeKind(StrEnum):
    """What a role can be limited to; OWN is everybody's own account and never assigned."""

    GLOBAL = "global"
    PARTNER = "partner"
    TERRITORY = "territory"
    OWN = "own"


@frozen
class Resource:
    """What is asked about, by what it belongs to; nothing given: it belongs to the platform."""

    partner_id: PartnerId | None = None
    territory: str | None = None
    account_id: AccountId | None = None


PLATFORM = Resource()
"""What belongs to no partner, territory or account: only a global role reaches it."""


def _check_note(_: object, __: Any, note: str) -> None:
    if len(note) > MAX_NOTE or (note and not note.isprintable()):
        raise InvalidValue("note", f"must be at most {MAX_NOTE} printable characters on one line")


def _check_scope(scope: Scope, _: Any, key: str) -> None:
    if scope.kind is ScopeKind.GLOBAL:
        is_right = key == ""
    elif scope.kind is ScopeKind.TERRITORY:
        is_right = key in COUNTRIES
    else:
        is_right = _is_uuid(key)
    if not is_right:
        raise InvalidValue(
            "scope",
            f"{scope.kind.value} does not go with {key!r}; write global, partner:<id>, territory:IN",
        )


@frozen
class Scope:
    """How far a role reaches: everything, one partner, one territory, or one's own account."""

    kind: ScopeKind
    key: str = field(default="", validator=_check_scope)
    """The partner's or account's id as text, or the territory's two capital letters."""

    def covers(self, resource: Resource) -> bool:
        """Tell whether what the resource belongs to lies within."""
        kind = self.kind
        if kind is ScopeKind.GLOBAL:
            return True
        if kind is ScopeKind.PARTNER:
            return resource.partner_id is not None and str(resource.partner_id) == self.key
        if kind is ScopeKind.TERRITORY:
            return resource.territory == self.key
        return resource.account_id is not None and str(resource.account_id) == self.key

    def holds(self, other: Scope) -> bool:
        """Tell whether everything within `other` lies within this one."""
        return self.kind is ScopeKind.GLOBAL or self == other

    @property
    def partner_id(self) -> PartnerId | None:
        """Return the partner that the scope names, if it names one."""
        return PartnerId(UUID(self.key)) if self.kind is ScopeKind.PARTNER else None

    @classmethod
    def partner(cls, partner_id: PartnerId) -> Scope:
        """Return the scope of one partner."""
        return cls(ScopeKind.PARTNER, str(partner_id))

    @classmethod
    def territory(cls, code: str) -> Scope:
        """Return the scope of one territory (ISO 3166-1, two letters)."""
        return cls(ScopeKind.TERRITORY, code)

    @classmethod
    def own(cls, account_id: AccountId) -> Scope:
        """Return the scope of one's own account."""
        return cls(ScopeKind.OWN, str(account_id))

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Read what `str` wrote.

        Raises:
            InvalidValue: it is not `global`, `partner:<id>` or `territory:<code>`.
        """
        kind, _, key = text.partition(":")
        if kind not in (ScopeKind.GLOBAL, ScopeKind.PARTNER, ScopeKind.TERRITORY):
            raise InvalidValue("scope", f"{text[:80]!r} is not global, partner:<id> or territory:<code>")
        return cls(ScopeKind(kind), key)

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.key}" if self.key else self.kind.value


GLOBAL = Scope(ScopeKind.GLOBAL)


def _check_permission(_: object, __: Any, name: str) -> None:
    if not _PERMISSION.fullmatch(name):
        raise InvalidValue("permission", f"{name[:80]!r} is not of the form resource:action")


@frozen
class Permission:
    """One thing that may be done: `resource:action`, and what goes with it."""

    name: str = field(validator=_check_permission)
    does: str
    """What whoever has it may do, in words."""
    is_guarded: bool = False
    """It moves or values money, or gives power over those who do: the session needs a second factor."""
    is_unbound: bool = False
    """It is about no thing in particular: a role of any scope is enough."""
    while_impersonating: bool = False
    """Staff who look as a member may use it too."""
    is_planned: bool = False
    """No use case asks for it yet: it stands here so that roles need not change when one does."""


def _check_role_name(_: object, __: Any, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidValue("role", "must be lower-case letters, digits and _, such as night_desk")


def _check_role_title(_: object, __: Any, title: str) -> None:
    if not 0 < len(title.strip()) <= MAX_ROLE_TITLE or not title.isprintable():
        raise InvalidValue("title", f"must be 1 to {MAX_ROLE_TITLE} printable characters")


@frozen
class Role:
    """A named set of permissions, its own and those of the roles that it includes."""

    name: str = field(validator=_check_role_name)
    title: str = field(validator=_check_role_title)
    permissions: frozenset[str] = frozenset()
    includes: frozenset[str] = frozenset()
    scopes: frozenset[ScopeKind] = frozenset({ScopeKind.GLOBAL})
    """What an assignment of it may be limited to."""
    note: str = field(default="", validator=_check_note)
    """What it is kept from, and why."""


@frozen
class Assignment:
    """A role that an account has within a scope."""

    account_id: AccountId
    role: str
    scope: Scope = GLOBAL


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
