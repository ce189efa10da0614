"""Users: what a list and one account's page show beside what the flows answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import evolve, frozen

from buddy_core.access import MEMBER_PERMISSIONS as OWN_ACCOUNT
from buddy_core.access import (
    PERMISSIONS,
    PLATFORM,
    AccessTx,
    Actor,
    Assignment,
    Permission,
    Resource,
    ScopeKind,
    actor_in,
    book_in,
    explain,
    may,
    require,
)
from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.catalog import Producer, ProducerNotFound, Producers
from buddy_core.flows.users import FoundUser, UserRecord
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import AccountId, LoginSessionId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.sessions import SecondFactors
from buddy_core.shortids import fold
from buddy_core.views.admin_approvals import RequestShown
from buddy_core.views.admin_names import names_in, without_ids
from buddy_core.views.admin_wallet import StaffWallet


class AdminUsersTx(AccessTx, AccountsTx, Protocol):
    """What the pages of users read."""

    @property
    def producers(self) -> Producers: ...

    @property
    def second_factors(self) -> SecondFactors: ...


@frozen
class GivenRole:
    """A role that somebody has; `producer` and `territory` name the scope as forms send it."""

    role: str
    title: str
    where: str
    producer: str = ""
    territory: str = ""


@frozen
class RoleChoice:
    """A role that may be given; `scopes` says how far it can reach."""

    name: str
    title: str
    scopes: tuple[str, ...]


@frozen
class Explained:
    """Why an account may do something or not, line by line; the first line is the answer."""

    permission: str
    producer: str
    territory: str
    is_granted: bool
    lines: tuple[str, ...]


@frozen
class ExplainWanted:
    """May the account do this: to the platform's things, one producer's, or in one territory."""

    permission: str
    producer: str = ""
    territory: str = ""


@frozen
class UserAside:
    """What the page of one account shows beside the account's record."""

    roles: tuple[GivenRole, ...]
    choices: tuple[RoleChoice, ...]
    """The roles to give; none where the actor gives no roles."""
    producers: tuple[tuple[str, str], ...]
    """Name and short id."""
    permissions: tuple[Permission, ...]
    explained: Explained | None = None


@frozen
class UserRow:
    """One account in the list, with its roles in words."""

    found: FoundUser
    roles: tuple[GivenRole, ...]


@frozen
class AdminUsers:
    """Members whose address begins with `email`; `next_after` leads on, None at the end."""

    users: tuple[UserRow, ...]
    email: str = ""
    next_after: AccountId | None = None
    is_later: bool = False
    """Not the first page."""


@frozen
class AdminUser:
    """One account as staff see it.

    `problem` says in words what did not work in the form `problem_at`, and `typed` what
    was typed there. `done` is what was just done; `waiting_id` a request for a second
    person. `grant_alone` is the most tokens that one person gives.
    """

    record: UserRecord
    aside: UserAside
    is_self: bool
    grant_key: str
    grant_alone: int
    look_minutes: int
    wallet: StaffWallet | None = None
    """Its newest lines, and who froze it."""
    requests: tuple[RequestShown, ...] = ()
    """What waits for a second person about this account."""
    freeze_key: str = ""
    this_session: LoginSessionId | None = None
    done: str | None = None
    waiting_id: str | None = None
    problem: str | None = None
    problem_at: str = ""
    typed: dict[str, str] | None = None

    def was(self, name: str, otherwise: str = "") -> str:
        """Return what was typed into a field of the form that did not work."""
        return (self.typed or {}).get(name, otherwise)


async def name_roles(users: Sequence[FoundUser], *, uow: UnitOfWork[AdminUsersTx]) -> tuple[UserRow, ...]:
    """Return accounts that the actor was shown already, with their roles in words."""
    async with uow.read() as tx:
        producers = await tx.producers.all()
        titles = {name: role.title for name, role in (await book_in(tx)).roles.items()}
        return tuple(UserRow(item, _given(item.assignments, titles, producers)) for item in users)


async def user_aside(
    actor: Actor,
    account_id: AccountId,
    wanted: ExplainWanted | None,
    *,
    uow: UnitOfWork[AdminUsersTx],
) -> UserAside:
    """Return an account's roles in words, the roles to give, and why it may do what is asked about.

    Raises:
        NotPermitted: the actor may not see accounts.
        AccountNotFound, ProducerNotFound.
        InvalidValue: there is no such permission, or no such territory.
    """
    require(actor, "user:read")
    async with uow.read() as tx:
        account = await resolve_in(tx, account_id)
        producers, book = await tx.producers.all(), await book_in(tx)
        titles = {name: role.title for name, role in book.roles.items()}
        choices = [
            RoleChoice(name, role.title, tuple(sorted(kind.value for kind in role.scopes)))
            for name, role in book.roles.items()
        ]
        aside = UserAside(
            roles=_given(await tx.assignments.of(account.id), titles, producers),
            choices=tuple(choices) if may(actor, "role:assign") else (),
            producers=tuple((item.name, item.short_id) for item in producers),
            permissions=tuple(PERMISSIONS.values()),
        )
        if wanted is None:
            return aside
        return evolve(aside, explained=await explained_in(tx, account.id, wanted, producers))


async def explained_in(
    tx: AdminUsersTx, account_id: AccountId, wanted: ExplainWanted, producers: Sequence[Producer]
) -> Explained:
    """Explain whether an account may do something, as if it had just proved what it can prove.

    Raises:
        InvalidValue: there is no such permission.
        ProducerNotFound: no producer has this short id.
    """
    if wanted.permission not in PERMISSIONS:
        raise InvalidValue("permission", f"there is no permission {wanted.permission[:80]!r}")
    resource = _resource(account_id, wanted, producers)
    factor = await tx.second_factors.get(account_id)
    # As if a session of theirs had just proved what second factor they have.
    has_factor = factor is not None and factor.confirmed_at is not None
    target = await actor_in(tx, account_id, has_second_factor=has_factor)
    lines = explain(target, wanted.permission, resource)
    names = await names_in(tx, lines) | {str(item.id): item.name for item in producers}
    return Explained(
        wanted.permission,
        wanted.producer,
        wanted.territory,
        bool(may(target, wanted.permission, resource)),
        tuple(without_ids(line, names) for line in lines),
    )


def _resource(account_id: AccountId, wanted: ExplainWanted, producers: Sequence[Producer]) -> Resource:
    if wanted.permission in OWN_ACCOUNT:
        return Resource(account_id=account_id)
    if wanted.producer:
        for item in producers:
            if fold(item.short_id) == fold(wanted.producer):
                return Resource(partner_id=item.id)
        raise ProducerNotFound(wanted.producer)
    if wanted.territory:
        return Resource(territory=wanted.territory.upper())
    return PLATFORM


def _given(
    assignments: Sequence[Assignment], titles: dict[str, str], producers: Sequence[Producer]
) -> tuple[GivenRole, ...]:
    by_id = {str(item.id): item for item in producers}
    found = []
    for item in assignments:
        title = titles.get(item.role, item.role)
        if item.scope.kind is ScopeKind.PARTNER:
            producer = by_id.get(item.scope.key)
            name = producer.name if producer else "a producer that is gone"
            short_id = producer.short_id if producer else ""
            found.append(GivenRole(item.role, title, name, producer=short_id))
        elif item.scope.kind is ScopeKind.TERRITORY:
            found.append(GivenRole(item.role, title, item.scope.key, territory=item.scope.key))
        else:
            found.append(GivenRole(item.role, title, "everywhere"))
    return tuple(sorted(found, key=lambda given: (given.title, given.where)))
