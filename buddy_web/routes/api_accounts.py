"""The API's accounts: beginning as a guest, registering, signing in and out, and the flags of the service."""

from __future__ import annotations

from typing import Any

from buddy_core.accounts import (
    AccountNotFound,
    BadEmail,
    CannotMerge,
    EmailTaken,
    WeakPassword,
    WrongCredentials,
)
from buddy_core.flows import Joined, Register
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.kernel.ids import AccountId
from buddy_web.app import Web, web
from buddy_web.cookies import VisitorKind
from buddy_web.guests import current_account, current_device, known_account
from buddy_web.operations import Api
from buddy_web.permissions import PUBLIC
from buddy_web.schemas.accounts import Config, LoginBody, Me, RegisterBody
from buddy_web.schemas.accounts import Joined as JoinedAnswer
from buddy_web.schemas.common import OptionalIdempotencyHeader

api = Api(
    "accounts", "Who asks. Accounts are known by a signed cookie; what changes things also needs a token."
)


@api.get("/me", may=PUBLIC, answer=Me)
def me() -> dict[str, Any]:
    """Say who asks, and give the token that a client sends with whatever changes something."""
    return Me(**_me(web())).model_dump(mode="json")


@api.post("/guests", may=PUBLIC, answer=Me, status=201)
def begin_guest() -> tuple[dict[str, Any], int]:
    """Begin as a guest: an account without a name, kept by the cookie. Whoever has an account keeps it."""
    w = web()
    current_account(w)
    current_device(w)
    return Me(**_me(w)).model_dump(mode="json"), 201


@api.post(
    "/auth/register",
    may=PUBLIC,
    answer=JoinedAnswer,
    status=201,
    errors=(BadEmail, WeakPassword, EmailTaken, CannotMerge, AccountNotFound, IdempotencyMismatch),
)
def register(header: OptionalIdempotencyHeader, body: RegisterBody) -> tuple[dict[str, Any], int]:
    """Register, and bring along all that the guest has who asks."""
    w = web()
    key = header.idempotency_key or w.container.ids().opaque("reg")
    command = Register(body.email, body.password, _guest(w), key)
    return _enter(w, w.call(w.container.register, command)), 201


@api.post(
    "/auth/login",
    may=PUBLIC,
    answer=JoinedAnswer,
    errors=(BadEmail, WrongCredentials, CannotMerge, AccountNotFound),
)
def login(body: LoginBody) -> dict[str, Any]:
    """Sign in, and bring along what a guest on this device has."""
    w = web()
    return _enter(w, w.call(w.container.sign_in, body.email, body.password, _guest(w)))


@api.post("/auth/logout", may=PUBLIC, answer=Me)
def logout() -> dict[str, Any]:
    """Sign out: the cookie is taken away."""
    w = web()
    w.visitors.forget()
    return Me(**_me(w)).model_dump(mode="json")


@api.get("/config", may=PUBLIC, answer=Config)
def config() -> dict[str, Any]:
    """Return how the service's switches stand."""
    w = web()
    return Config(flags=w.call(w.container.list_flags)).model_dump(mode="json")


def _enter(w: Web, joined: Joined) -> dict[str, Any]:
    w.visitors.remember(w.visitors.account.issue(joined.account_id, VisitorKind.MEMBER))
    current_device(w)
    answer = JoinedAnswer(
        **_me(w),
        tokens_moved=joined.tokens_moved,
        tokens_expired_by_cap=joined.tokens_expired_by_cap,
        unlocks_moved=joined.unlocks_moved,
        unlocks_superseded=joined.unlocks_superseded,
    )
    return answer.model_dump(mode="json")


def _me(w: Web) -> dict[str, Any]:
    identity = known_account(w)
    found: dict[str, Any] = {"kind": "nobody", "country": w.country(), "csrf_token": w.form_tokens.token()}
    if identity is None:
        return found
    account = w.call(w.container.find_account, identity.account_id)
    actor = w.call(w.container.actor_of, identity.account_id)
    producer = w.call(w.container.producer_name, actor.partner_id) if actor.partner_id else None
    return {
        **found,
        "kind": identity.kind.value,
        "email": account.email,
        "roles": sorted(actor.roles),
        "producer": producer,
    }


def _guest(w: Web) -> AccountId | None:
    """Return the account of a guest who asks; a member brings nothing along."""
    identity = known_account(w)
    return identity.account_id if identity and identity.kind is VisitorKind.GUEST else None
