"""Who asks, and what the answer is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from buddy_core.access.model.roles import Permission, Scope, ScopeKind
from buddy_core.kernel.ids import AccountId, PartnerId


@frozen
class Holding:
    """A role that an actor has, with all its permissions by name."""

    role: str
    scope: Scope
    permissions: Mapping[str, Permission] = field(repr=False)


@frozen
class Actor:
    """Who asks: an account with what it holds, and how it proved who it is."""

    account_id: AccountId | None
    """None: the operator at the command line."""
    holdings: tuple[Holding, ...] = ()
    has_second_factor: bool = False
    """The session proved a second factor, not too long ago."""
    owes_second_factor: bool = False
    """The account has one, and this session has never proved it: the password alone opens nothing."""
    impersonator: AccountId | None = None
    """The member of staff who looks as this account."""
    ip: str = ""
    """The address that the request came from, for the audit; empty if none is known."""

    @property
    def name(self) -> str:
        """Return how whoever acts is written down: an account id, the impersonator's if there is one."""
        who = self.impersonator or self.account_id
        return str(who) if who else "system"

    @property
    def roles(self) -> frozenset[str]:
        """Return the names of the roles held, for showing; decisions ask `may`."""
        return frozenset(item.role for item in self.holdings)

    @property
    def is_staff(self) -> bool:
        """Tell whether any role was assigned: whoever holds but their own account's is a viewer."""
        return any(item.scope.kind is not ScopeKind.OWN for item in self.holdings)

    @property
    def partners(self) -> tuple[PartnerId, ...]:
        """Return the partners that a role is scoped to, in order of id."""
        found = {item.scope.partner_id for item in self.holdings} - {None}
        return tuple(sorted(partner for partner in found if partner is not None))


class Reason(StrEnum):
    """Why the answer is what it is."""

    GRANTED = "granted"
    NO_ROLE = "no_role"
    OUT_OF_SCOPE = "out_of_scope"
    """A role has the permission, for other things than this one."""
    IMPERSONATING = "impersonating"
    NEEDS_SECOND_FACTOR = "needs_second_factor"


@frozen
class Verdict:
    """Whether an actor may, and why; true where they may."""

    permission: str
    reason: Reason
    role: str = ""
    """The role that decides: grants it, or would."""
    scope: Scope | None = None

    def __bool__(self) -> bool:
        return self.reason is Reason.GRANTED
