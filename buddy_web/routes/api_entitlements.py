"""The API's access of accounts: what they hold and why, and staff who give, extend and take away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from buddy_core.access import OwnAccount, ReasonMissing, require
from buddy_core.accounts import AccountNotFound
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.entitlements import (
    Allowed,
    BadGrant,
    Context,
    Decision,
    Denied,
    GrantNotFound,
    GrantStatus,
    NotExtended,
    Profile,
    Rights,
    UsedUp,
    UseKind,
    tell,
)
from buddy_core.flows import AccessGiven, AskWhy, ExtendAccess, GiveAccess, Held, RevokeAccess, Why
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.kernel.ids import AccountId, GrantId, TitleId
from buddy_core.rights import TerritoryUnknown, country_named
from buddy_core.views.admin_names import without_ids
from buddy_web.app import Web, web
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import current_actor
from buddy_web.routes.api_users import for_account
from buddy_web.schemas import entitlements as schema
from buddy_web.schemas.common import IdempotencyHeader

api = Api("entitlements", "What accounts may watch: each look and each act of staff is recorded.")

READ, GRANT = "entitlement:read", "entitlement:grant"
_ACTS = (AccountNotFound, ReasonMissing, OwnAccount, BadGrant, IdempotencyMismatch, Contention)


@api.get("/admin/users/<id>/access", may=READ, answer=schema.Grants, errors=(AccountNotFound, Contention))
def grants(path: schema.AccessPath) -> dict[str, Any]:
    """Return everything that an account holds and held, with what happened to it."""
    w = web()
    actor = current_actor()
    held: Held = for_account(
        w, path.id, lambda id: w.call(w.container.list_access, actor, id, correlation_id=correlation_id.get())
    )
    named: dict[TitleId, Title] = w.call(
        w.container.name_titles, sorted({item.title_id for item in held.grants if item.title_id is not None})
    )
    return schema.Grants(grants=shown_grants(w, held, named)).model_dump(mode="json")


@api.get(
    "/admin/users/<id>/access/why",
    may=READ,
    answer=schema.Why,
    errors=(AccountNotFound, TitleNotFound, TerritoryUnknown, Contention),
)
def why(path: schema.AccessPath, query: schema.WhyQuery) -> dict[str, Any]:
    """Return why an account may or may not watch a title, now or then, with the whole way to the answer."""
    w = web()
    actor = current_actor()
    require(actor, READ)
    title: Title = w.call(w.container.find_title, query.type, query.title)
    place = None if query.country is None else country_named(query.country)
    context = Context(place, query.channel, Profile(max_age=query.max_age))

    def ask(account: AccountId) -> Why:
        question = AskWhy(account, title.id, context, query.at, query.known_at)
        found: Why = w.call(
            w.container.explain_watching, actor, question, correlation_id=correlation_id.get()
        )
        return found

    return shown_why(w, for_account(w, path.id, ask)).model_dump(mode="json")


@api.post(
    "/admin/users/<id>/access",
    may=GRANT,
    answer=schema.Given,
    status=201,
    errors=(*_ACTS, TitleNotFound),
)
def give(
    path: schema.AccessPath, header: IdempotencyHeader, body: schema.GiveBody
) -> tuple[dict[str, Any], int]:
    """Give an account access to a title or series, or a plan, without payment."""
    w = web()
    require(current_actor(), GRANT)
    title = w.call(w.container.find_title, body.title.type, body.title.id) if body.title else None
    rights = Rights(**body.rights.model_dump()) if body.rights else None

    def act(account: AccountId) -> AccessGiven:
        command = GiveAccess(
            account_id=account,
            kind=body.kind,
            reason=body.reason,
            idempotency_key=header.idempotency_key,
            title_id=title.id if title else None,
            ends_at=body.ends_at,
            hours=body.hours,
            tier=body.tier,
            plan=body.plan,
            rights=rights,
            includes_later=body.includes_later,
        )
        return done_by(w, w.container.give_access, command)

    return _given(w, for_account(w, path.id, act)), 201


@api.post(
    "/admin/users/<id>/access/<grant>/extend",
    may=GRANT,
    answer=schema.Given,
    status=201,
    errors=(*_ACTS, GrantNotFound, NotExtended, UsedUp),
)
def extend(
    path: schema.GrantPath, header: IdempotencyHeader, body: schema.ExtendBody
) -> tuple[dict[str, Any], int]:
    """Give a grant a later end; from now on, also where it had ended."""
    w = web()

    def act(account: AccountId) -> AccessGiven:
        return for_grant(
            w,
            path.grant,
            lambda grant: done_by(
                w,
                w.container.extend_access,
                ExtendAccess(account, grant, body.ends_at, body.reason, header.idempotency_key),
            ),
        )

    return _given(w, for_account(w, path.id, act)), 201


@api.post(
    "/admin/users/<id>/access/<grant>/revoke",
    may=GRANT,
    answer=schema.Given,
    status=201,
    errors=(*_ACTS, GrantNotFound),
)
def revoke(
    path: schema.GrantPath, header: IdempotencyHeader, body: schema.RevokeBody
) -> tuple[dict[str, Any], int]:
    """Take a grant away; what asks next is denied. What tokens paid for is refunded instead."""
    w = web()

    def act(account: AccountId) -> AccessGiven:
        return for_grant(
            w,
            path.grant,
            lambda grant: done_by(
                w,
                w.container.revoke_access,
                RevokeAccess(account, grant, body.reason, header.idempotency_key),
            ),
        )

    return _given(w, for_account(w, path.id, act)), 201


def done_by(w: Web, flow: Any, command: Any) -> AccessGiven:
    """Carry out an act of the present actor."""
    done: AccessGiven = w.call(flow, current_actor(), command, correlation_id=correlation_id.get())
    return done


def for_grant(w: Web, public_id: str, work: Callable[[GrantId], AccessGiven]) -> AccessGiven:
    """Do the work for the grant that a public id stands for under one of the keys.

    Raises:
        GrantNotFound: it stands for none; and whatever the work raises.
    """
    missing: GrantNotFound | None = None
    for grant in w.public_ids.read_grant(public_id):
        try:
            done = work(grant)
        except GrantNotFound as error:
            missing = error
        else:
            return done
    assert missing is not None, "the form of the id was checked before"
    raise missing


def _given(w: Web, done: AccessGiven) -> dict[str, Any]:
    answer = schema.Given(id=w.public_ids.show_grant(done.grant_id), ends_at=done.ends_at)
    return answer.model_dump(mode="json")


def shown_grants(w: Web, held: Held, named: dict[TitleId, Title]) -> list[schema.Grant]:
    """Return what an account holds and held, as staff are shown it."""
    changes = {item.grant_id: item for item in held.changes}
    uses = {(item.origin_id, item.kind): item.at for item in held.uses}
    found = []
    for grant, holding in zip(held.grants, held.holdings, strict=True):
        is_over = holding.ends_at is not None and holding.ends_at <= held.seen_at
        change = changes.get(grant.id)
        title = named.get(grant.title_id) if grant.title_id is not None else None
        found.append(
            schema.Grant(
                id=w.public_ids.show_grant(grant.id),
                kind=grant.kind,
                status=grant.status,
                title=schema.TitleRef(type=title.type.value, id=title.short_id) if title else None,
                tier=grant.terms.tier,
                plan=grant.terms.plan,
                granted_at=grant.granted_at,
                ends_at=grant.ends_at,
                ended_at=change.at if change else None,
                ended_because=change.reason if change else None,
                until=holding.ends_at,
                over_because=holding.after if is_over and grant.status is GrantStatus.ACTIVE else None,
                reopened_at=grant.reopened_at,
                started_at=uses.get((grant.origin_id, UseKind.STARTED)),
                consumed_at=uses.get((grant.origin_id, UseKind.CONSUMED)),
                rights=_rights(grant.terms.rights),
            )
        )
    return found


def _rights(rights: Rights) -> schema.Rights:
    return schema.Rights(
        max_height=rights.max_height, ads=rights.ads, downloads=rights.downloads, streams=rights.streams
    )


def shown_why(w: Web, found: Why) -> schema.Why:
    """Return the way to an answer as staff are shown it: without internal ids."""
    trace = found.trace
    decided = trace.decided_by
    names = {str(item.id): w.public_ids.show_grant(item.id) for item in trace.sources if item.is_grant}
    names[str(found.title.id)] = f"{found.title.type}/{found.title.short_id}"

    def plain(text: str) -> str:
        return without_ids(text, names)

    return schema.Why(
        at=trace.at,
        known_at=found.known_at,
        answer=_answered(w, found.decision),
        decided_by=decided.reason if decided else None,
        rules=[
            schema.Rule(reason=item.reason, applies=item.applies, why=plain(item.why)) for item in trace.rules
        ],
        sources=[
            schema.Source(
                id=names.get(str(item.id)),
                kind=str(item.kind),
                starts_at=item.starts_at,
                ends_at=item.ends_at,
                rights=_rights(item.rights) if item.rights else None,
                verdict=item.verdict.value,
                why=plain(item.why),
                gave=list(item.gave),
            )
            for item in trace.sources
        ],
        facts=[schema.Fact(name=plain(item.name), value=plain(item.value)) for item in trace.facts],
        text=plain(tell(trace)),
    )


def _answered(w: Web, decision: Decision) -> schema.Answered:
    if isinstance(decision, Allowed):
        rights = Rights(decision.max_height, decision.ads, decision.downloads, decision.streams)
        return schema.Answered(
            allowed=True,
            via=w.public_ids.show_grant(decision.via),
            kind=str(decision.kind),
            until=decision.until,
            rights=_rights(rights),
            is_in_grace=decision.is_in_grace,
        )
    assert isinstance(decision, Denied)
    return schema.Answered(
        allowed=False,
        reason=decision.reason,
        opens_at=decision.opens_at,
        unlockable_by=list(decision.unlockable_by),
    )
