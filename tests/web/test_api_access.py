"""The API of roles and the audit, and what holds for every operation of staff access."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from buddy_core.access import PERMISSIONS, ROLES
from tests.web.api_client import (
    ADMIN,
    BLUE_LANTERN,
    FINANCE,
    MARIGOLD,
    SUPPORT,
    VIEWER,
    ApiClient,
    app,
    concrete,
    member,
    operations,
    refused,
    user_id,
)
from tests.web.service import PASSWORD, Service, running

UUID_TEXT = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
WHY = {"reason": "as the ticket says"}
Enter = Callable[..., ApiClient]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture(params=[app, member], ids=["app", "browser"])
def enter(request: pytest.FixtureRequest) -> Enter:
    """Return how somebody signs in: with an app that keeps tokens, or a browser that keeps cookies."""
    found: Enter = request.param
    return found


def test_the_roles_and_permissions_are_listed(service: Service) -> None:
    """All thirteen roles and every permission are there, with what is about money marked."""
    admin = app(service, ADMIN)
    found = {item["name"]: item for item in admin.get("/v1/admin/roles").json["roles"]}
    assert set(found) == set(ROLES)
    assert (found["finance"]["is_built_in"], found["finance"]["users"]) == (True, 2)
    assert "title:submit" in found["partner_admin"]["may"]
    listed = {item["name"]: item for item in admin.get("/v1/admin/permissions").json["permissions"]}
    assert set(listed) == set(PERMISSIONS)
    assert (listed["period:close"]["is_guarded"], listed["title:edit"]["is_planned"]) == (True, True)
    assert listed["statement:read"]["scopes"] == ["global", "partner"]


def test_a_role_of_ones_own_is_defined_given_and_dropped(service: Service, enter: Enter) -> None:
    """Who is given it may what it says from the next request on, and loses it as quickly."""
    admin, viewer = enter(service, ADMIN), app(service, VIEWER)
    path = "/v1/admin/roles/night_desk"
    body = {"title": "Night desk", "permissions": ["user:read"], "includes": ["analyst"]}
    defined = admin.post(path, body, method="PUT")
    assert (defined.status_code, defined.json["scopes"]) == (200, ["global"])
    given = admin.post("/v1/admin/assignments", {"email": VIEWER, "role": "night_desk"})
    assert given.status_code == 201
    assert given.json == {
        "user_id": viewer.get("/v1/me").json["user_id"],
        "email": VIEWER,
        "role": "night_desk",
        "scope": "global",
        "producer": None,
        "territory": None,
    }
    assert viewer.get("/v1/admin/users").status_code == 200
    assert given.json in admin.get("/v1/admin/assignments").json["assignments"]
    refused(admin.post(path, method="DELETE"), 409, "access.role_in_use")
    partner_only = {**body, "scopes": ["partner"]}
    refused(admin.post(path, partner_only, method="PUT"), 409, "access.role_in_use")
    smaller = {**body, "permissions": ["desk:read"]}
    assert admin.post(path, smaller, method="PUT").json["permissions"] == ["desk:read"]
    refused(viewer.get("/v1/admin/users"), 403, "access.not_permitted")
    revoke = "/v1/admin/assignments/revoke"
    assert admin.post(revoke, {"email": VIEWER, "role": "night_desk"}).status_code == 200
    refused(admin.post(revoke, {"email": VIEWER, "role": "night_desk"}), 404, "access.not_assigned")
    assert admin.post(path, method="DELETE").status_code == 204
    refused(admin.post(path, method="DELETE"), 404, "access.unknown_role")


def test_a_role_that_cannot_be_is_refused(service: Service) -> None:
    """Built-in names, unknown permissions and roles, circles and empty ones are 400, with what is wrong."""
    admin = app(service, ADMIN)
    good = {"title": "Desk", "permissions": ["desk:read"]}

    def put(name: str, **other: Any) -> TestResponse:
        return admin.post(f"/v1/admin/roles/{name}", {**good, **other}, method="PUT")

    for answer in (
        put("finance"),
        put("viewer"),
        put("creator"),
        put("desk", permissions=["nothing:read"]),
        put("desk", permissions=["wallet:read"]),
        put("desk", includes=["nobodys"]),
        put("desk", includes=["desk"]),
        put("desk", permissions=[]),
    ):
        refused(answer, 400, "access.bad_role")
    for answer in (
        put("Desk"),
        put("desk", scopes=[]),
        put("desk", scopes=["own"]),
        put("desk", title=""),
        put("desk", permissions=["*"]),
        put("desk", unknown=1),
    ):
        refused(answer, 400, "web.invalid_request")
    refused(put("desk", title="   "), 400, "kernel.invalid_value")
    refused(admin.post("/v1/admin/roles/finance", method="DELETE"), 400, "access.bad_role")


def test_nobody_gives_or_defines_what_they_have_not(service: Service) -> None:
    """Whoever may give and define roles does so within their own permissions."""
    admin, keeper = app(service, ADMIN), app(service, MARIGOLD)
    body = {"title": "Keeper", "permissions": ["role:assign", "role:edit", "role:read"]}
    admin.post("/v1/admin/roles/keeper", body, method="PUT")
    admin.post("/v1/admin/assignments", {"email": MARIGOLD, "role": "keeper"})
    more = {"title": "More", "permissions": ["period:close"]}
    refused(keeper.post("/v1/admin/roles/more", more, method="PUT"), 403, "access.beyond_own_reach")
    for role in ("super_admin", "support"):
        given = keeper.post("/v1/admin/assignments", {"email": MARIGOLD, "role": role})
        refused(given, 403, "access.beyond_own_reach")
    taken = keeper.post("/v1/admin/assignments/revoke", {"email": ADMIN, "role": "super_admin"})
    refused(taken, 403, "access.beyond_own_reach")
    less = {"title": "Less", "permissions": ["role:read"]}
    assert keeper.post("/v1/admin/roles/less", less, method="PUT").status_code == 200
    # Whoever gives roles needs a second factor, and the viewer has none.
    admin.post("/v1/admin/assignments", {"email": VIEWER, "role": "keeper"})
    unproven = app(service, VIEWER).post("/v1/admin/roles/other", less, method="PUT")
    refused(unproven, 403, "access.second_factor_needed")


def test_a_role_is_given_for_one_producer_or_territory(service: Service, enter: Enter) -> None:
    """The scope is taken as it is written; what does not go together is refused in words."""
    admin, viewer = enter(service, ADMIN), app(service, VIEWER)
    short_id = app(service, MARIGOLD).get("/v1/me").json["producer"]
    given = admin.post(
        "/v1/admin/assignments", {"email": VIEWER, "role": "partner_admin", "producer": short_id}
    )
    assert (given.status_code, given.json["scope"], given.json["producer"]) == (201, "partner", short_id)
    assert viewer.get("/v1/producer/statements").status_code == 200
    placed = admin.post(
        "/v1/admin/assignments", {"email": VIEWER, "role": "content_manager", "territory": "IN"}
    )
    assert (placed.json["scope"], placed.json["territory"]) == ("territory", "IN")

    def give(**body: Any) -> TestResponse:
        return admin.post("/v1/admin/assignments", {"email": VIEWER, "role": "finance", **body})

    refused(give(producer=short_id), 400, "access.bad_scope")
    refused(give(territory="IN", producer=short_id), 400, "kernel.invalid_value")
    refused(give(territory="in"), 400, "web.invalid_request")
    refused(give(role="partner_admin"), 400, "access.bad_scope")
    refused(give(role="partner_admin", producer="zzzz"), 404, "catalog.producer_not_found")
    refused(give(role="nothing"), 404, "access.unknown_role")
    refused(give(email="nobody@example.com"), 404, "accounts.member_not_found")
    refused(give(email="nobody"), 400, "accounts.bad_email")
    last = admin.post("/v1/admin/assignments/revoke", {"email": ADMIN, "role": "super_admin"})
    refused(last, 409, "access.last_super_admin")


def test_why_somebody_may_or_may_not_is_explained(service: Service) -> None:
    """The first line is the answer, the others name each role; whoever asks is on record."""
    admin = app(service, ADMIN)
    own, foreign = (app(service, name).get("/v1/me").json["producer"] for name in (MARIGOLD, BLUE_LANTERN))

    def asked(email: str, permission: str, **other: str) -> TestResponse:
        extra = "".join(f"&{name}={value}" for name, value in other.items())
        return admin.get(f"/v1/admin/explain?email={email}&permission={permission}{extra}")

    assert asked(FINANCE, "period:close").json["is_granted"] is True
    assert asked(MARIGOLD, "statement:read", producer=own).json["is_granted"] is True
    denied = asked(MARIGOLD, "statement:read", producer=foreign).json
    assert denied["is_granted"] is False
    assert "out_of_scope" in denied["lines"][0]
    assert asked(VIEWER, "wallet:read").json["is_granted"] is True
    assert UUID_TEXT.search(str(denied)) is None
    refused(asked(VIEWER, "nothing:read"), 400, "kernel.invalid_value")
    refused(asked(VIEWER, "nothing"), 400, "web.invalid_request")
    refused(asked("nobody@example.com", "wallet:read"), 404, "accounts.member_not_found")
    refused(asked("nobody", "wallet:read"), 400, "accounts.bad_email")
    refused(asked(VIEWER, "wallet:read", territory="india"), 400, "web.invalid_request")
    refused(asked(VIEWER, "statement:read", producer="zzzz"), 404, "catalog.producer_not_found")
    lines = admin.get("/v1/admin/audit?action=role.explain").json["lines"]
    assert (len(lines), {line["actor"] for line in lines}) == (4, {ADMIN})


def test_the_audit_is_searched_by_each_field(service: Service) -> None:
    """Actor, thing, action, address, reference and time each narrow; pages lead through all of it."""
    support, admin = app(service, SUPPORT), app(service, ADMIN)
    path = f"/v1/admin/users/{user_id(support, VIEWER)}/sign-out"
    headers = {**support.proof(), "X-Correlation-Id": "ticket-4711"}
    support.http.post(path, json=WHY, headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    service.clock.advance(timedelta(minutes=1))

    def found(query: str) -> list[str]:
        answer = admin.get(f"/v1/admin/audit?limit=100&{query}")
        assert answer.status_code == 200, answer.text
        return [line["action"] for line in answer.json["lines"]]

    assert found(f"actor={SUPPORT}") == ["session.revoke", "user.search", "session.begin"]
    assert found(f"about={VIEWER}") == ["session.revoke"]
    assert set(found("action=session")) == {"session.revoke", "session.begin"}
    assert found("ip=192.0.2.7") == found("reference=ticket-4711") == ["session.revoke"]
    assert set(found("since=2026-11-21T10:01:00Z")) == {"audit.search"}
    assert "audit.search" not in found("until=2026-11-21T10:01:00Z")
    assert found("actor=nobody@example.com") == []
    [line] = admin.get("/v1/admin/audit?ip=192.0.2.7").json["lines"]
    assert (line["ip"], line["reference"], line["as_whom"]) == ("192.0.2.7", "ticket-4711", None)
    page = admin.get("/v1/admin/audit?limit=1").json
    older = admin.get(f"/v1/admin/audit?limit=1&cursor={page['next_cursor']}").json
    assert older["lines"] != page["lines"]
    for wrong in (
        "since=yesterday",
        "since=2026-11-21T10:00:00",
        "until=0001-01-01T00:00:00%2B12:00",
        "limit=0",
    ):
        refused(admin.get(f"/v1/admin/audit?{wrong}"), 400, "web.invalid_request")


def test_another_producers_id_leads_nowhere(service: Service) -> None:
    """On each operation that a producer may use and that takes a producer's id, a foreign one is 404."""
    marigold, lantern = app(service, MARIGOLD), app(service, BLUE_LANTERN)
    foreign = marigold.get("/v1/me").json["producer"]
    tried = 0
    for method, path, declared in operations(service):
        if declared["x-permission"] not in ("statement:read",):
            continue
        assert "producer" in [item["name"] for item in declared["parameters"]], path
        for name in (foreign, foreign.upper(), "zzzz"):
            answer = lantern.post(f"{concrete(path)}?producer={name}", method=method)
            refused(answer, 404, "catalog.producer_not_found")
            tried += 1
    assert tried == 6
    for path in (
        "/v1/admin/users",
        "/v1/admin/assignments",
        f"/v1/admin/explain?email={VIEWER}&permission=a:b",
    ):
        refused(lantern.get(path), 403, "access.not_permitted")


UNASKED = tuple(f"/v1/admin/royalty/{name}" for name in ("facts", "facts/content", "terms"))


def test_no_internal_id_leaves_any_operation(service: Service) -> None:
    """After every kind of act, no reading operation answers with a UUID in any of its spellings."""
    support, finance, admin = app(service, SUPPORT), app(service, FINANCE), app(service, ADMIN)
    viewer_id = user_id(support, VIEWER)
    url = support.post(f"/v1/admin/users/{viewer_id}/tokens", {"tokens": 60, **WHY}, key="g1").json["url"]
    finance.post(f"{url}/approve", {})
    waits = finance.post(
        "/v1/admin/token-values",
        {"kind": "bonus", "effective_from": "2026-12-01T00:00:00Z", "values": {"INR": "90/1", "USD": "1/2"}},
        key="v1",
    ).json["url"]
    looking = support.post(f"/v1/admin/users/{viewer_id}/impersonate", WHY).json["access_token"]
    ApiClient(support.http, service, access=looking).get("/v1/wallet")
    producer = app(service, MARIGOLD).get("/v1/me").json["producer"]
    admin.post("/v1/admin/assignments", {"email": VIEWER, "role": "partner_admin", "producer": producer})
    admin.post(f"/v1/admin/users/{viewer_id}/sign-out", WHY)
    reads = [path for method, path, _ in operations(service) if method == "GET" and "{" not in path]
    reads += [url, waits, f"/v1/admin/users/{viewer_id}", f"/v1/producer/statements?producer={producer}"]
    reads += ["/v1/admin/approvals?state=all", "/v1/admin/audit?limit=100"]
    reads += ["/v1/admin/royalty/terms?entity=newtact"]
    reads += ["/v1/admin/royalty/facts?entity=newtact&month=2026-11"]
    # These need to be told whose, which the document's bare paths do not.
    reads = [path for path in reads if path not in UNASKED]
    reads += [f"/v1/admin/explain?email={MARIGOLD}&permission=statement:read&producer={producer}"]
    answered = 0
    for path in reads:
        answer = admin.get(path)
        answered += answer.status_code == 200
        text = re.sub(
            r'sha256:[0-9a-f]{64}|[a-z]{2,8}_[0-9a-f]{32}|"reference":"[0-9a-f]{32}"|'
            r'"correlation_id":"[0-9a-f]{32}"',
            "",
            answer.text,
        )
        assert UUID_TEXT.search(text) is None, (path, text)
    assert answered >= len(reads) - 3


def test_the_document_says_how_to_prove_who_asks(service: Service) -> None:
    """A bearer token serves everywhere, a cookie with a form token for a change; 401 and 429 are declared."""
    for method, path, declared in operations(service):
        ways = declared["security"]
        assert {"bearer": []} in ways, path
        cookies = [way for way in ways if "session" in way or "guest" in way]
        assert all(("form_token" in way) == (method != "GET") for way in cookies), path
        assert {"web.token_refused", "limits.too_many"} <= set(declared["x-codes"]), path
        assert "Retry-After" in declared["responses"]["429"]["headers"], path
        asks = declared["x-permission"]
        if asks not in ("public", "own"):
            assert asks in PERMISSIONS, path
            assert "access.second_factor_needed" in declared["x-codes"], path
            assert declared["x-scopes"], path


def test_a_member_who_registers_by_app_is_a_viewer(service: Service) -> None:
    """Registering without cookies answers with tokens, and the new member may nothing of the staff's."""
    http = service.app.test_client(use_cookies=False)
    body = {"email": "asha@example.com", "password": PASSWORD}
    joined = http.post("/v1/auth/register", json=body)
    assert (joined.status_code, joined.json["roles"]) == (201, ["viewer"])
    client = ApiClient(http, service, access=joined.json["access_token"])
    assert client.get("/v1/wallet").status_code == 200
    for method, path, declared in operations(service):
        if "/admin/" in path and declared["x-permission"] != "public":
            answer = client.post(concrete(path), {}, key="k1", method=method)
            refused(answer, 403, "access.not_permitted")
