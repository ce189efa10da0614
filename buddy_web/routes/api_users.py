"""The API's users: staff find accounts, help their owners, give tokens, and look as a member."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from buddy_core.access import Assignment, BeyondOwnReach, OwnAccount, ReasonMissing, ScopeKind
from buddy_core.accounts import Account, AccountNotFound, AccountType
from buddy_core.catalog import ProducerNotFound
from buddy_core.flows import Awaiting, FindUsers, GrantTokens, Impersonate, UserRecord, UsersFound
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.kernel.ids import AccountId, EntryId
from buddy_core.sessions import CannotImpersonate, LoginSessionNotFound, SecondFactorMissing, Started
from buddy_core.tokens import BadTokenAmount, WalletFrozen
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest
from buddy_web.guests import forget_who, who_asks
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import PUBLIC, current_actor, current_session
from buddy_web.routes.account_pages import label
from buddy_web.routes.api_accounts import describe, describe_nobody
from buddy_web.routes.api_admin import waiting
from buddy_web.routes.api_sessions import no_content
from buddy_web.schemas import access as schema
from buddy_web.schemas.admin import Waiting
from buddy_web.schemas.common import IdempotencyHeader

api = Api("users", "Accounts as staff see them; each look and each act is recorded in the audit.")

T = TypeVar("T")
_SCOPES: dict[ScopeKind, schema.ScopeName] = {
    ScopeKind.GLOBAL: "global",
    ScopeKind.PARTNER: "partner",
    ScopeKind.TERRITORY: "territory",
}


@api.get("/admin/users", may="user:read", answer=schema.Users, errors=(Contention,))
def users(query: schema.UsersQuery) -> dict[str, Any]:
    """Return members whose address begins like this, newest first."""
    w = web()
    after = None if query.cursor is None else _cursor(w, query.cursor)
    command = FindUsers(query.email, after, query.limit)
    found: UsersFound = w.call(
        w.container.find_users, current_actor(), command, correlation_id=correlation_id.get()
    )
    answer = schema.Users(
        users=[schema.UserSummary(**_summary(w, item.account, item.assignments)) for item in found.users],
        next_cursor=None if found.next_after is None else w.public_ids.show(found.next_after),
    )
    return answer.model_dump(mode="json")


@api.get("/admin/users/<id>", may="user:read", answer=schema.User, errors=(AccountNotFound, Contention))
def user(path: schema.UserPath) -> dict[str, Any]:
    """Return what staff see of an account."""
    w = web()
    actor = current_actor()
    found: UserRecord = for_account(
        w, path.id, lambda id: w.call(w.container.look_at_user, actor, id, correlation_id=_reference())
    )
    answer = schema.User(
        **_summary(w, found.account, found.assignments),
        kind="guest" if found.account.type is AccountType.GUEST else "member",
        sessions=[
            schema.UserSession(
                id=item.id,
                label=item.label,
                started_at=item.started_at,
                last_used_at=item.last_used_at,
                is_support=item.impersonator is not None,
            )
            for item in found.sessions
        ],
        has_second_factor=found.has_second_factor,
        locked_until=found.locked_until,
        tokens=found.tokens,
        is_frozen=found.is_frozen,
    )
    return answer.model_dump(mode="json")


@api.post(
    "/admin/users/<id>/sign-out",
    may="session:revoke",
    answer=schema.Ended,
    errors=(AccountNotFound, ReasonMissing, Contention),
)
def sign_out_user(path: schema.UserPath, body: schema.ReasonBody) -> dict[str, Any]:
    """End every session of an account; its tokens open nothing any more."""
    w = web()
    actor = current_actor()
    ended: int = for_account(
        w,
        path.id,
        lambda id: w.call(w.container.sign_out_user, actor, id, body.reason, correlation_id=_reference()),
    )
    return schema.Ended(ended=ended).model_dump(mode="json")


@api.post(
    "/admin/users/<id>/second-factor/reset",
    may="second_factor:reset",
    answer=None,
    status=204,
    errors=(AccountNotFound, ReasonMissing, SecondFactorMissing, BeyondOwnReach, OwnAccount, Contention),
)
def reset_second_factor(path: schema.UserPath, body: schema.ReasonBody) -> Any:
    """Take away a second factor that its owner has lost, and sign them out everywhere."""
    w = web()
    actor = current_actor()
    for_account(
        w,
        path.id,
        lambda id: w.call(
            w.container.reset_second_factor, actor, id, body.reason, correlation_id=_reference()
        ),
    )
    return no_content()


@api.post(
    "/admin/users/<id>/tokens",
    may="tokens:grant",
    answer=schema.Granted,
    status=201,
    also={202: Waiting},
    errors=(
        AccountNotFound,
        ReasonMissing,
        OwnAccount,
        BadTokenAmount,
        WalletFrozen,
        IdempotencyMismatch,
        Contention,
    ),
)
def grant_tokens(
    path: schema.UserPath, header: IdempotencyHeader, body: schema.GrantBody
) -> tuple[dict[str, Any], int]:
    """Give bonus tokens that last 90 days; more than one person may give wait for a second one (202)."""
    w = web()
    actor = current_actor()

    def give(id: AccountId) -> EntryId | Awaiting:
        # Any number is sent on: the ledger's own rule says which is none.
        tokens: Any = body.tokens
        command = GrantTokens(id, tokens, body.reason, header.idempotency_key)
        given: EntryId | Awaiting = w.call(
            w.container.grant_tokens, actor, command, correlation_id=_reference()
        )
        return given

    found = for_account(w, path.id, give)
    if isinstance(found, Awaiting):
        return waiting(found), 202
    return schema.Granted(user_id=path.id, tokens=int(body.tokens)).model_dump(mode="json"), 201


@api.post(
    "/admin/users/<id>/impersonate",
    may="user:impersonate",
    answer=schema.Looking,
    status=201,
    errors=(AccountNotFound, ReasonMissing, BeyondOwnReach, CannotImpersonate, Contention),
)
def begin_impersonation(path: schema.UserPath, body: schema.LookBody) -> tuple[dict[str, Any], int]:
    """Look at the service as a member: reading only, for a time, with all that is seen on the record.

    A browser is given a cookie; a client without cookies an access token to send instead of its own.
    """
    w = web()
    actor, session = current_actor(), current_session()

    def begin(id: AccountId) -> Started:
        started: Started = w.call(
            w.container.begin_impersonation,
            actor,
            Impersonate(id, body.reason, body.minutes),
            session,
            label=label(),
            correlation_id=_reference(),
        )
        return started

    started = for_account(w, path.id, begin)
    by_cookie = w.visitors.bearer() is None
    if by_cookie:
        w.visitors.remember_looking(started)
    account: Account = w.call(w.container.find_account, started.session.account_id)
    answer = schema.Looking(
        user_id=w.public_ids.show(account.id),
        email=account.email,
        until=started.claims.expires_at,
        access_token=None if by_cookie else w.tokens.encode(started.claims),
    )
    return answer.model_dump(mode="json"), 201


@api.post(
    "/admin/impersonation/end",
    may=PUBLIC,
    answer=schema.Stopped,
    errors=(LoginSessionNotFound, Contention),
)
def end_impersonation() -> dict[str, Any]:
    """Stop looking as a member; whoever does not look as one stays who they are."""
    w = web()
    who = who_asks(w)
    if who is None or who.session is None or who.actor.impersonator is None:
        return schema.Stopped(**describe(w)).model_dump(mode="json")
    w.call(w.container.end_impersonation, who.actor, who.session.id, correlation_id=_reference())
    w.visitors.forget_looking()
    forget_who()
    # The token that the request came with is over now: it would not even say who asks.
    me = describe(w) if w.visitors.bearer() is None else describe_nobody(w)
    return schema.Stopped(**me).model_dump(mode="json")


def for_account(w: Web, public_id: str, work: Callable[[AccountId], T]) -> T:
    """Do the work for the account that a public id stands for.

    An id may stand for one account under each of the secret keys; all but one are
    nobody's. The work itself asks for the permission before it looks for the account.

    Raises:
        AccountNotFound: the id stands for none; and whatever the work raises.
    """
    missing: AccountNotFound | None = None
    for account in w.public_ids.read(public_id):
        try:
            return work(account)
        except AccountNotFound as error:
            missing = error
    assert missing is not None, "the form of the id was checked before"
    raise missing


def _cursor(w: Web, public_id: str) -> AccountId:
    """Return where a page ended.

    Raises:
        InvalidRequest: no page ended there.
    """
    for account in w.public_ids.read(public_id):
        try:
            found: Account = w.call(w.container.find_account, account)
        except AccountNotFound:
            continue
        return found.id
    raise InvalidRequest(({"field": "cursor", "problem": "send `next_cursor` of the page before"},))


def _summary(w: Web, account: Account, assignments: tuple[Assignment, ...]) -> dict[str, Any]:
    return {
        "user_id": w.public_ids.show(account.id),
        "email": account.email,
        "created_at": account.created_at,
        "roles": [given_role(w, item) for item in assignments],
    }


def given_role(w: Web, item: Assignment) -> schema.GivenRole:
    """Return a role that somebody has, with its producer by short id."""
    producer = None
    if item.scope.partner_id is not None:
        try:
            producer = w.call(w.container.producer_name, item.scope.partner_id)
        except ProducerNotFound:
            # The role outlives a producer that is gone; it reaches nothing any more.
            producer = None
    kind = item.scope.kind
    return schema.GivenRole(
        role=item.role,
        scope=_SCOPES[kind],
        producer=producer,
        territory=item.scope.key if kind is ScopeKind.TERRITORY else None,
    )


def _reference() -> str:
    return correlation_id.get()
