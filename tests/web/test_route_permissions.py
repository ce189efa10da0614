"""Every route, asked by everybody: each role in each scope, members, guests, nobody, staff half proven."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve, field, frozen
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from buddy_core.access import (
    BUILT_IN,
    GLOBAL,
    MEMBER_PERMISSIONS,
    PERMISSIONS,
    ROLES,
    SYSTEM,
    Actor,
    Assignment,
    Reason,
    Scope,
    ScopeKind,
    may,
    may_anywhere,
)
from buddy_core.accounts import Account, AccountType
from buddy_core.flows import Awaiting, GrantTokens
from buddy_core.kernel.ids import AccountId
from buddy_core.sessions import (
    BeginImpersonation,
    SecondFactor,
    Started,
    StartSession,
    factor_context,
    impersonate_in,
    start_in,
)
from buddy_web.csrf import exempt_routes
from buddy_web.permissions import OWN, PUBLIC, permissions_of
from tests.web.service import Service, running
from tests.web.test_odd_input import USUAL

UNDECLARED = {"static", "health.health", "health.ready", "openapi_document"}
"""What asks for nothing and nobody: files, the health of the process, and the document of the API."""
ENDINGS = {
    "account_pages.sign_out",
    "api_accounts.logout",
    "api_sessions.end_all_sessions",
    "api_sessions.remove_second_factor",
    "looking.end",
    "api_users.end_impersonation",
    "security_pages.remove",
}
"""What would leave the caller another one: it is asked by a caller who is made for it alone."""
STAYS_WHILE_LOOKING = {
    "looking.end",
    "account_pages.sign_out",
    "api_accounts.logout",
    "api_users.end_impersonation",
}
"""The only changes that staff make while they look as somebody: they stop."""
BY_TERRITORY = {"rights:read", "rights:edit", "title:takedown"}
"""The permissions that a role in some territory is for; rights lie in territories."""
BY_PARTNER = {"statement:read"}
"""The permissions that routes ask for on behalf of one partner; all others are the platform's."""
SHOWN_TO_ANY = {"api_admin.flags", "api_access.permissions", "producer_pages.producer"}
"""What is nobody's own: flags and permissions are the same for all, and a list leaves out what is hidden."""
DECISIONS = {"api_approvals.approve", "api_approvals.reject", "api_approvals.withdraw", "admin_access.decide"}
"""What looks at the request first, and then asks for the permission of the act that it is about."""
FOR_MEMBERS = {"account:read", "account:manage"}
"""What a guest may do with an account too, but for what needs a session."""
REASON = {"reason": "a test"}
WHO = {"email": "nobody@example.com", "role": "analyst"}
WHOLE: dict[str, dict[str, Any]] = {
    "admin_pages.save_value": {
        "kind": "bonus", "effective_from": "2026-12-01", "value_INR": "0.50", "value_USD": "0.006",
        "idempotency_key": "val-1",
    },
    "admin_numbers.save_costs": {"change_film": "9", "idempotency_key": "cst-1"},
    "admin_prices.preview_prices": {"id": "est-film-in", "act": "remove", "base": "1"},
    "admin_prices.save_prices": {
        "id": "est-film-in", "act": "remove", "base": "1", "idempotency_key": "prc-1"
    },
    "admin_numbers.save_rule": {"change_tokens": "2", "idempotency_key": "rul-1"},
    "admin_pages.decide_reward": {"reward_id": "rwd_" + "0" * 32, "decision": "release", **REASON},
    "admin_pages.freeze_wallet": {
        "owner": "viewer@example.com", "act": "freeze", "idempotency_key": "frz-1", **REASON
    },
    "admin_pages.move_clock": {"by": "+1day"},
    "admin_access.decide": {"decision": "reject", **REASON},
    "admin_access.drop_role": {"role": "night_desk"},
    "admin_access.save_role": {
        "is_new": "yes", "name": "night_desk", "title": "Night desk", "permissions": "desk:read",
        "scopes": "global",
    },
    "admin_access.change_role": {"act": "give", "role": "analyst", "where": "global"},
    "admin_access.sign_out_user": REASON,
    "admin_access.reset_second_factor": REASON,
    "admin_access.grant_tokens": {"tokens": "1", "idempotency_key": "gft-1", **REASON},
    "admin_access.freeze_wallet": {"act": "freeze", "idempotency_key": "frz-2", **REASON},
    "admin_wallet.refund": {"idempotency_key": "cor-1", **REASON},
    "admin_wallet.reverse": {"idempotency_key": "cor-2", **REASON},
    "admin_wallet.adjust": {
        "lot": "1", "tokens": "1", "seen": "yes", "idempotency_key": "cor-3", **REASON
    },
    "admin_access.look_as_user": {"minutes": "5", **REASON},
    "api_admin.set_token_value": {
        "kind": "bonus", "effective_from": "2026-12-01T00:00:00Z", "values": {"INR": "50/1", "USD": "3/5"}
    },
    "api_numbers.set_token_costs": {"changes": {"film": 9}},
    "api_numbers.set_reward_rule": {"tokens": 2},
    "api_prices.set_prices": {"removed": ["est-film-in"]},
    "api_entitlements.give": {"kind": "gift", "title": {"type": "film", "id": "zzzz"}, **REASON},
    "api_entitlements.extend": {"ends_at": "2027-01-01T00:00:00Z", **REASON},
    "api_entitlements.revoke": REASON,
    "admin_entitlements.give": {"kind": "gift", "title": "film/zzzz", "idempotency_key": "acs-1", **REASON},
    "admin_entitlements.extend": {"ends_at": "2027-01-01", "idempotency_key": "acs-2", **REASON},
    "admin_entitlements.revoke": {"idempotency_key": "acs-3", **REASON},
    "api_rights.change_rights": {
        "changes": [{"do": "set_rating", "territories": ["GB"], "label": "15"}], **REASON
    },
    "api_rights.add_windows": {},
    "api_rights.take_down": {"territories": ["GB"], "notice": "a notice", **REASON},
    "api_rights.restore_title": {"takedown": "tkd_" + "0" * 32, **REASON},
    "admin_rights.save": {
        "act": "rating", "territories": "GB", "label": "15", "idempotency_key": "rgt-1", **REASON
    },
    "admin_rights.take_down": {
        "territories": "GB", "notice": "a notice", "idempotency_key": "rgt-2", **REASON
    },
    "admin_rights.restore": {"item": "tkd_" + "0" * 32, "idempotency_key": "rgt-3", **REASON},
    "admin_rights.add_sheet": {"sheet": "title", "idempotency_key": "csv-1", **REASON},
    "api_royalty.bring_facts": {},
    "api_royalty.announce_facts": {"entity": "newtact", "month": "2026-10", "name": "sales"},
    "api_royalty.set_terms": {"method": "user_centric"},
    "api_royalty.remove_terms": {},
    "api_royalty.terms_effect": {"method": "user_centric"},
    "admin_royalty.bring_facts": {"entity": "newtact", "month": "2026-10", "name": "sales"},
    "admin_royalty.announce_facts": {"entity": "newtact", "month": "2026-10", "name": "sales"},
    "admin_royalty.preview_terms": {"entity": "newtact", "key": "gold", "method": "user_centric"},
    "admin_royalty.save_terms": {"entity": "newtact", "key": "gold", "method": "user_centric"},
    "api_promotions.add_promotion": {
        "code": "MONSOON26", "tokens": 5, "days": 30, "limit": 10, "ends_at": "2026-12-31T00:00:00Z", **REASON
    },
    "api_promotions.end_promotion": REASON,
    "admin_promotions.add": {
        "code": "MONSOON26", "tokens": "5", "days": "30", "limit": "10", "last_day": "2026-12-31",
        "idempotency_key": "prm-1", **REASON,
    },
    "admin_promotions.end": {"idempotency_key": "prm-2", **REASON},
    "api_admin.close_period": {},
    "admin_pages.publish_month": {"entity": "newtact", "request_id": "apr_" + "0" * 32},
    "api_admin.release_reward": REASON,
    "api_admin.refuse_reward": REASON,
    "api_admin.freeze_wallet": {"email": "viewer@example.com", **REASON},
    "api_admin.unfreeze_wallet": {"email": "viewer@example.com", **REASON},
    "api_admin.switch_flags": {"flags": {"live.enabled": True}},
    "api_users.sign_out_user": REASON,
    "api_users.reset_second_factor": REASON,
    "api_users.grant_tokens": {"tokens": 1, **REASON},
    "api_tokens.refund": REASON,
    "api_tokens.reverse": REASON,
    "api_tokens.adjust": {"tokens": 1, **REASON},
    "api_users.begin_impersonation": {"minutes": 5, **REASON},
    "api_access.define_role": {"title": "Night desk", "permissions": ["desk:read"]},
    "api_access.assign_role": WHO,
    "api_access.revoke_role": WHO,
    "api_approvals.approve": REASON,
    "api_approvals.reject": REASON,
    "api_approvals.withdraw": REASON,
}  # fmt: skip
"""What each change of the desk takes: sent by those for whom it reaches too far, whom nothing else stops."""
WITH_QUERY = {
    "api_entitlements.why": "type=film&title=zzzz",
    "api_rights.why": "country=IN",
    "api_royalty.facts": "entity=newtact&month=2026-10",
    "api_royalty.facts_content": "entity=newtact&name=none",
    "api_royalty.bring_facts": "entity=newtact&month=2026-10&name=sales",
    "api_royalty.terms_book": "entity=newtact",
    "api_royalty.terms": "entity=newtact&key=gold",
    "api_royalty.set_terms": "entity=newtact&key=gold",
    "api_royalty.remove_terms": "entity=newtact&key=gold",
    "api_royalty.terms_effect": "entity=newtact&key=gold&month=2026-10",
    "api_rights.add_windows": "reason=a+test",
}
"""What an operation is asked beside its path."""
SCOPES = ("global", "partner", "territory")
_PART = re.compile(r"<(?:[^:<>]+:)?(\w+)>")


@frozen
class Caller:
    """Somebody who asks: as what the rules take them for, and how their browser proves it."""

    actor: Actor | None
    cookies: dict[str, str] = field(factory=dict)
    is_guest: bool = False

    def sent(self, client: FlaskClient) -> dict[str, str]:
        """Return the headers of a browser that has just seen a page."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        token = client.get("/v1/me", headers={"Cookie": cookie}).json["csrf_token"]
        both = f"{cookie}; buddy_csrf={token}" if cookie else f"buddy_csrf={token}"
        return {"Cookie": both, "X-CSRF-Token": token, "Accept": "application/json"}


@frozen
class Route:
    """A rule asked by one method, with the permission that its document or view declares."""

    rule: Rule
    method: str
    path: str
    permission: str

    def ask(self, client: FlaskClient, headers: dict[str, str], *, is_whole: bool) -> TestResponse:
        """Ask it: with all that it takes, or with nothing, so that it changes nothing where it opens."""
        sent: dict[str, Any] = {}
        path = self.path
        if is_whole and self.method != "GET" and self.rule.endpoint in WHOLE:
            sent = {"data" if self.is_page else "json": WHOLE[self.rule.endpoint]}
            headers = {**headers, "Idempotency-Key": "key-1"}
        if is_whole and self.rule.endpoint == "api_access.explain":
            path = f"{path}?email=viewer@example.com&permission=desk:read"
        if is_whole and self.rule.endpoint in WITH_QUERY:
            path = f"{path}?{WITH_QUERY[self.rule.endpoint]}"
        return client.open(path, method=self.method, headers=headers, buffered=True, **sent)

    @property
    def is_desk(self) -> bool:
        return self.rule.rule.startswith(("/admin", "/v1/admin"))

    @property
    def is_page(self) -> bool:
        return not self.rule.rule.startswith("/v1/")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run one service for all callers; what they change is nobody's but theirs."""
    with running(tmp_path_factory.mktemp("routes")) as found:
        yield found


@pytest.fixture(scope="module")
def routes(service: Service) -> list[Route]:
    """Return every route that declares something, with an address that names things as far as may be."""
    document = service.app.test_client().get("/v1/openapi.json").json["paths"]
    short = next(
        item["id"]
        for item in service.app.test_client().get("/v1/titles?type=film").json["titles"]
        if item["type"] == "film"
    )
    ids = {"/users/": service.call(_public_id, service), "/approvals/": service.call(_request, service)}
    for part, prefix in (("/rewards/", "rwd_"), ("/auth/sessions/", "sgn_"), ("/playback/", "ses_")):
        ids[part] = prefix + "0" * 32
    known = {
        **USUAL,
        "user": ids["/users/"],
        "request_id": ids["/approvals/"],
        "short_id": short,
        "type": "film",
    }
    known |= {"media_key": "monsoon", "name": "night_desk"}
    declared = permissions_of(service.app)
    found = []
    for rule in service.app.url_map.iter_rules():
        if rule.endpoint in UNDECLARED or rule.endpoint in exempt_routes(service.app):
            continue
        part = next((part for part in ids if part in rule.rule), "")
        values = {**known, "id": ids.get(part, short)}
        built = rule.build({name: values[name] for name in rule.arguments}, append_unknown=False)
        assert built is not None, rule.rule
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            documented = document.get(_PART.sub(r"{\1}", rule.rule), {}).get(method.lower())
            permission = documented["x-permission"] if documented else declared[rule.endpoint]
            found.append(Route(rule, method, built[1], permission))
    return found


def test_every_route_declares_who_may(service: Service) -> None:
    """A route names a permission that there is, or that it is everybody's or its owner's; or it is listed."""
    declared, exempt = permissions_of(service.app), exempt_routes(service.app)
    silent = {rule.endpoint for rule in service.app.url_map.iter_rules()} - set(declared) - set(exempt)
    assert silent == UNDECLARED
    assert set(declared.values()) <= {*PERMISSIONS, PUBLIC, OWN}
    planned = {name for name in declared.values() if name in PERMISSIONS and PERMISSIONS[name].is_planned}
    assert planned == set(), "no route asks for what is still to be built"


def test_the_document_holds_every_operation(service: Service) -> None:
    """Each route under /v1 is in the document, by method, with the permission that its view checks."""
    document = service.app.test_client().get("/v1/openapi.json").json["paths"]
    listed = {
        (path, method.upper()): found["x-permission"]
        for path, item in document.items()
        for method, found in item.items()
    }
    served = {
        (_PART.sub(r"{\1}", rule.rule), method): permissions_of(service.app)[rule.endpoint]
        for rule in service.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith("api_")
    }
    assert listed == served
    others = {
        rule.endpoint
        for rule in service.app.url_map.iter_rules()
        if rule.rule.startswith("/v1/") and not rule.endpoint.startswith("api_")
    }
    assert others == {"webhooks.admob", "openapi_document", "developer_pages.docs"}


def test_every_change_of_the_desk_is_sent_whole(routes: list[Route]) -> None:
    """No change of the desk is refused to a role that reaches too far only because it was sent nothing."""
    without_body = {
        "admin_pages.preview_value",
        "admin_numbers.preview_costs",
        "admin_numbers.preview_rule",
        "admin_pages.close_month",
        "admin_rights.preview",
        "admin_rights.preview_takedown",
        "admin_rights.preview_restore",
        "admin_rights.preview_sheet",
        "api_access.drop_role",
    }
    changes = {
        route.rule.endpoint
        for route in routes
        if route.is_desk and route.method != "GET" and route.permission != PUBLIC
    }
    assert changes - without_body == set(WHOLE)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_opens_what_its_permissions_open(
    service: Service, routes: list[Route], role: str, scope: str
) -> None:
    """Over all routes, pages and API: refused exactly where the role lacks what the route declares."""
    caller = staff(service, role, scope)
    # What asks for no permission is the same however far a role reaches.
    asked = [item for item in routes if scope == "global" or item.permission not in (PUBLIC, OWN)]
    seen = walk(service, asked, caller, lambda: staff(service, role, scope), is_whole=scope != "global")
    assert seen["opened"] > 0
    assert (seen["refused"] > 0) == (role != "super_admin")
    names = {route.permission for route in routes if route.rule.endpoint not in SHOWN_TO_ANY} - BY_PARTNER
    names -= BY_TERRITORY if scope == "territory" else set()
    platform = [name for name in BUILT_IN.permissions_of(role) if not PERMISSIONS[name].is_unbound]
    assert (seen["beyond"] > 0) == (scope != "global" and not names.isdisjoint(platform))


@pytest.mark.parametrize("who", ["viewer", "guest", "nobody"])
def test_without_a_role_only_what_is_everybodys_opens(
    service: Service, routes: list[Route], who: str
) -> None:
    """A member is refused, a guest and a stranger are led to sign in, wherever a role is asked for."""
    make = {"viewer": viewer, "guest": guest, "nobody": lambda _: Caller(None)}[who]
    seen = walk(service, routes, make(service), lambda: make(service))
    assert min(seen["opened"], seen["refused"]) > 0


@pytest.mark.parametrize("state", ["owed", "never", "long ago"])
def test_without_a_second_factor_money_stays_shut(service: Service, routes: list[Route], state: str) -> None:
    """A super admin who owes the factor opens nothing; one who has none or proved it long ago no money."""
    seen = walk(
        service,
        routes,
        staff(service, "super_admin", "global", state),
        lambda: staff(service, "super_admin", "global", state),
    )
    assert seen["unproven"] > 0
    assert seen["refused"] == 0


def test_staff_who_look_as_a_member_only_read(service: Service, routes: list[Route]) -> None:
    """What the member may read opens; every change but the end of it is refused, and all that staff may."""
    seen = walk(service, routes, looking(service), lambda: looking(service))
    assert min(seen["opened"], seen["impersonating"], seen["refused"]) > 0


def walk(
    service: Service, routes: list[Route], caller: Caller, again: Any, *, is_whole: bool = False
) -> Counter[str]:
    """Ask every route, compare each answer with the rule, and count what it came to."""
    client = service.app.test_client(use_cookies=False)
    sent, seen = caller.sent(client), Counter[str]()
    for route in routes:
        who, headers = caller, sent
        if route.rule.endpoint in ENDINGS and caller.actor is not None:
            who = again()
            headers = who.sent(client)
        answer = route.ask(client, headers, is_whole=is_whole and route.is_desk)
        if route.method == "GET" and answer.status_code == 303 and answer.location.startswith("/admin/"):
            # It leads back to the page of a form; what counts is what stands there.
            answer = client.get(answer.location, headers=headers, buffered=True)
        assert answer.status_code < 500, (route.rule.rule, route.method, answer.text[:300])
        seen[judge(route, who, answer)] += 1
    if caller.actor is not None:
        kind = client.get("/v1/me", headers=sent).json
        assert kind["kind"] == ("guest" if caller.is_guest else "member"), "a route belongs to ENDINGS"
    return seen


def judge(route: Route, caller: Caller, answer: TestResponse) -> str:
    """Compare an answer with what the rule says, and return in a word what it was."""
    at = (route.rule.rule, route.method, route.permission, answer.status_code, answer.text[:200])
    actor = caller.actor
    is_looking = actor is not None and actor.impersonator is not None
    if is_looking and route.method != "GET" and route.rule.endpoint not in STAYS_WHILE_LOOKING:
        assert refusal(answer) == ("access.not_permitted", "impersonating"), at
        return "impersonating"
    if route.permission in (PUBLIC, OWN):
        assert refusal(answer)[0] != "access.not_permitted", at
        # Whoever owes a factor sets up no other one.
        owes = actor is not None and actor.owes_second_factor
        assert refusal(answer)[0] != "access.second_factor_needed" or owes, at
        return "open to all"
    if actor is None:
        return judge_stranger(route, answer, at)
    verdict = may_anywhere(actor, route.permission)
    if verdict.reason is Reason.NEEDS_SECOND_FACTOR:
        if route.is_page:
            assert leads_to(answer, "/account/second-factor"), at
        else:
            assert refusal(answer)[0] == "access.second_factor_needed", at
        return "unproven"
    if not verdict:
        if route.is_page and caller.is_guest:
            assert leads_to(answer, "/sign-in"), at
        else:
            assert refusal(answer) == ("access.not_permitted", verdict.reason.value), at
        return "refused"
    assert not leads_to(answer, "/account/second-factor"), at
    reaches = may(actor, route.permission) or route.permission in MEMBER_PERMISSIONS
    if not reaches and route.rule.endpoint in SHOWN_TO_ANY:
        assert answer.status_code == 200, at
        return "opened"
    in_place = any(item.scope.kind is ScopeKind.TERRITORY for item in actor.holdings)
    if not reaches and in_place and route.permission in BY_TERRITORY:
        assert answer.status_code in (200, 400, 403, 404), at
        return "opened"
    if not reaches and route.permission not in BY_PARTNER:
        if route.rule.endpoint in DECISIONS:
            assert refusal(answer)[0] in ("access.not_permitted", "access.not_own_request"), at
            return "beyond"
        # The door opens, for there is something that the role is for; the platform's things are not.
        assert refusal(answer) == ("access.not_permitted", "out_of_scope"), at
        return "beyond"
    if not reaches:
        assert answer.status_code in (200, 400, 403, 404), at
        return "opened"
    if route.rule.endpoint == "api_sessions.remove_second_factor" and not actor.has_second_factor:
        # A factor that is there is taken away by a session that has just proved it; there may be none.
        assert refusal(answer)[0] in ("access.second_factor_needed", "web.sign_in_needed", ""), at
        return "opened"
    needs_session = caller.is_guest and route.permission in FOR_MEMBERS
    assert refusal(answer)[0] in (("", "web.sign_in_needed") if needs_session else ("",)), at
    assert needs_session or not leads_to(answer, "/sign-in"), at
    return "opened"


def judge_stranger(route: Route, answer: TestResponse, at: object) -> str:
    """Compare the answer to somebody without an account: the pages of members greet a new guest."""
    if not route.is_page:
        assert refusal(answer)[0] == "web.sign_in_needed", at
        return "refused"
    if route.permission in MEMBER_PERMISSIONS:
        assert refusal(answer)[0] in ("", "web.sign_in_needed"), at
        return "opened"
    assert leads_to(answer, "/sign-in"), at
    return "refused"


def refusal(answer: TestResponse) -> tuple[str, str]:
    """Return the code of an answer of 403 and the reason among its facts; two empty texts for others."""
    if answer.status_code != 403:
        return "", ""
    return answer.json["code"], answer.json["facts"].get("reason", "")


def leads_to(answer: TestResponse, page: str) -> bool:
    """Tell whether an answer sends the browser to a page, to come back from there."""
    return answer.status_code == 303 and answer.location.startswith(f"{page}?next=")


def staff(service: Service, role: str, scope: str, state: str = "proven") -> Caller:
    """Make a member with a role and a session, and their second factor as `state` has it."""
    found: Caller = service.call(_staff, service, role, scope, state)
    return found


def viewer(service: Service) -> Caller:
    """Make a member without a role."""
    found: Caller = service.call(_staff, service, "", "global", "never")
    return found


def guest(service: Service) -> Caller:
    """Make a guest."""
    account = service.call(service.container.begin_guest)
    cookie = service.app.extensions["buddy"].visitors.guest_cookie
    return Caller(
        BUILT_IN.actor(account.id), {cookie.name: cookie.encode(cookie.issue(account.id))}, is_guest=True
    )


def looking(service: Service) -> Caller:
    """Make a super admin who looks as a member."""
    found: Caller = service.call(_looking, service)
    return found


async def _request(service: Service) -> str:
    """Have the operator ask for something that a second person decides."""
    async with service.container.uow().read() as tx:
        account, _ = await tx.accounts.by_email("viewer@example.com")
    command = GrantTokens(account.id, 51, "a film stopped", "key-1")
    waiting = await service.container.grant_tokens(SYSTEM, command, correlation_id="test")
    assert isinstance(waiting, Awaiting)
    return waiting.request_id


async def _public_id(service: Service) -> str:
    async with service.container.uow().read() as tx:
        account, _ = await tx.accounts.by_email("viewer@example.com")
    shown: str = service.app.extensions["buddy"].public_ids.show(account.id)
    return shown


async def _staff(service: Service, role: str, scope: str, state: str) -> Caller:
    async with service.container.uow().begin() as tx:
        where = {
            "global": GLOBAL,
            "partner": Scope.partner((await tx.producers.all())[0].id),
            "territory": Scope.territory("IN"),
        }[scope]
        account, started = await _member_in(tx, service, state)
        given = [Assignment(account, role, where)] if role else []
        for assignment in given:
            await tx.assignments.add(assignment)
    actor = BUILT_IN.actor(
        account, given, has_second_factor=state == "proven", owes_second_factor=state == "owed"
    )
    return Caller(actor, {"buddy_session": _token(service, started)})


async def _looking(service: Service) -> Caller:
    async with service.container.uow().begin() as tx:
        boss, own = await _member_in(tx, service, "proven")
        await tx.assignments.add(Assignment(boss, "super_admin"))
        member, _ = await _member_in(tx, service, "never")
        command = BeginImpersonation(boss, own.session.id, member, "a test")
        begun = await impersonate_in(tx, command, service.clock.now(), service.container.ids())
    cookies = {"buddy_session": _token(service, own), "buddy_looking": _token(service, begun)}
    return Caller(BUILT_IN.actor(member, impersonator=boss), cookies)


async def _member_in(tx: Any, service: Service, state: str) -> tuple[AccountId, Started]:
    ids, at = service.container.ids(), service.clock.now()
    account = AccountId(ids.uuid7())
    await tx.accounts.add(Account(account, AccountType.REGISTERED, at, f"{account.hex}@example.com"))
    started = await start_in(tx, StartSession(account), at, ids)
    proven = {"proven": at, "long ago": at - service.container.session_policy().second_factor_life}.get(state)
    if state != "never":
        sealed = service.container.sealer().seal(bytes(20), factor_context(account))
        await tx.second_factors.add(SecondFactor(account, sealed, at, confirmed_at=at, last_step=0))
        await tx.login_sessions.save(evolve(started.session, second_factor_at=proven))
    return account, started


def _token(service: Service, started: Started) -> str:
    token: str = service.app.extensions["buddy"].tokens.encode(started.claims)
    return token
