"""The API of users: finding them, helping their owners, and looking as a member."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.api_client import (
    ADMIN,
    FINANCE,
    MARIGOLD,
    NOBODYS_ID,
    SUPPORT,
    VIEWER,
    ApiClient,
    app,
    concrete,
    guest,
    member,
    operations,
    refused,
    user_id,
)
from tests.web.service import Service, running

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


def test_staff_find_users_page_by_page(service: Service, enter: Enter) -> None:
    """Pages hold every member once, newest first; the start of an address narrows them."""
    support = enter(service, SUPPORT)
    seen: list[str] = []
    cursor = ""
    while True:
        page = support.get(f"/v1/admin/users?limit=3{cursor}").json
        seen += [item["email"] for item in page["users"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 7
    assert seen[-1] == VIEWER
    [found] = support.get("/v1/admin/users?email=MARI").json["users"]
    producer = member(service, MARIGOLD).get("/v1/me").json["producer"]
    assert found["roles"] == [
        {"role": "partner_admin", "scope": "partner", "producer": producer, "territory": None}
    ]
    assert support.get("/v1/admin/users?email=%25").json["users"] == []
    refused(support.get(f"/v1/admin/users?cursor={NOBODYS_ID}"), 400, "web.invalid_request")
    refused(support.get("/v1/admin/users?cursor=1"), 400, "web.invalid_request")


def test_staff_look_at_one_account(service: Service) -> None:
    """Facts, roles, sessions and tokens are told, and that somebody looked is on the record."""
    viewer, support, admin = app(service, VIEWER), app(service, SUPPORT), app(service, ADMIN)
    viewer.earn(2)
    viewer_id = user_id(support, VIEWER)
    found = support.get(f"/v1/admin/users/{viewer_id}").json
    assert {name: found[name] for name in ("email", "kind", "tokens", "is_frozen", "has_second_factor")} == {
        "email": VIEWER, "kind": "member", "tokens": 2, "is_frozen": False, "has_second_factor": False,
    }  # fmt: skip
    assert found["user_id"] == viewer_id == viewer.get("/v1/me").json["user_id"]
    assert [item["id"] for item in found["sessions"]] == [viewer.get("/v1/auth/verify").json["session_id"]]
    guest_id = guest(service).get("/v1/me").json["user_id"]
    assert support.get(f"/v1/admin/users/{guest_id}").json["kind"] == "guest"
    refused(support.get(f"/v1/admin/users/{NOBODYS_ID}"), 404, "accounts.not_found")
    refused(support.get("/v1/admin/users/usr_1"), 400, "web.invalid_request")
    lines = admin.get("/v1/admin/audit?action=user.read").json["lines"]
    assert [(line["actor"], line["subject"]) for line in lines][-1] == (SUPPORT, VIEWER)


def test_staff_sign_a_member_out(service: Service) -> None:
    """All the member's tokens die at once, with the reason on record; without a reason nothing happens."""
    viewer, support = app(service, VIEWER), app(service, SUPPORT)
    path = f"/v1/admin/users/{user_id(support, VIEWER)}/sign-out"
    refused(support.post(path, {"reason": ""}), 400, "web.invalid_request")
    refused(support.post(path, {"reason": "     "}), 400, "access.reason_missing")
    assert viewer.get("/v1/wallet").status_code == 200
    assert support.post(path, WHY).json == {"ended": 1}
    refused(viewer.get("/v1/wallet"), 401, "web.token_refused")
    assert support.post(path, WHY).json == {"ended": 0}
    refused(support.post(f"/v1/admin/users/{NOBODYS_ID}/sign-out", WHY), 404, "accounts.not_found")
    [line, *_] = app(service, ADMIN).get("/v1/admin/audit?action=session.revoke").json["lines"][1:]
    assert (line["actor"], line["subject"], line["reason"]) == (SUPPORT, VIEWER, WHY["reason"])


def test_a_lost_second_factor_is_reset_by_those_who_reach_as_far(service: Service) -> None:
    """Support helps support, but not an admin, whose permissions it has not; who has none is told so."""
    support, admin, finance = app(service, SUPPORT), app(service, ADMIN), app(service, FINANCE)
    reset = "/v1/admin/users/{}/second-factor/reset"
    for email in (ADMIN, FINANCE, MARIGOLD):
        refused(support.post(reset.format(user_id(support, email)), WHY), 403, "access.beyond_own_reach")
    refused(support.post(reset.format(user_id(support, VIEWER)), WHY), 404, "sessions.second_factor_missing")
    assert finance.get("/v1/auth/second-factor").json["is_set"] is True
    assert admin.post(reset.format(user_id(admin, FINANCE)), WHY).status_code == 204
    refused(finance.get("/v1/auth/second-factor"), 401, "web.token_refused")
    assert app(service, FINANCE).get("/v1/auth/second-factor").json["is_set"] is False


def test_staff_look_as_a_member_and_change_nothing(service: Service, enter: Enter) -> None:
    """They see the member's wallet until they stop; every change is refused, and each look is on record."""
    viewer, support, admin = app(service, VIEWER), enter(service, SUPPORT), app(service, ADMIN)
    viewer.earn(1)
    viewer_id = user_id(support, VIEWER)
    begun = support.post(f"/v1/admin/users/{viewer_id}/impersonate", {"minutes": 10, **WHY})
    assert (begun.status_code, begun.json["email"], begun.json["until"]) == (
        201,
        VIEWER,
        "2026-11-21T10:10:00Z",
    )
    assert (begun.json["access_token"] is None) == (enter is member)
    looking = ApiClient(support.http, service, support.token, begun.json["access_token"] or "")
    assert looking.get("/v1/me").json["email"] == VIEWER
    assert looking.get("/v1/wallet").json["bonus"] == 1
    verified = looking.get("/v1/auth/verify").json
    assert (verified["is_support"], verified["expires_at"]) == (True, "2026-11-21T10:10:00Z")
    listed = viewer.get("/v1/auth/sessions").json["sessions"]
    assert sorted(item["is_support"] for item in listed) == [False, True]
    for method, path, declared in operations(service):
        ends = path in ("/v1/auth/logout", "/v1/admin/impersonation/end")
        if method != "GET" and not ends:
            answer = looking.post(concrete(path), {}, key="k1", method=method)
            refused(answer, 403, "access.not_permitted")
            assert "access.not_permitted" in declared["x-codes"], path
    refused(looking.get("/v1/admin/users"), 403, "access.not_permitted")
    stopped = looking.post("/v1/admin/impersonation/end")
    assert (stopped.status_code, stopped.json["email"]) == (200, SUPPORT if enter is member else None)
    assert support.get("/v1/auth/verify").json["email"] == SUPPORT
    if enter is app:
        refused(looking.get("/v1/wallet"), 401, "web.token_refused")
    lines = admin.get("/v1/admin/audit?action=impersonation&limit=100").json["lines"]
    assert {(line["actor"], line["subject"]) for line in lines} == {(SUPPORT, VIEWER)}
    assert {line["as_whom"] for line in lines if line["action"] == "impersonation.look"} == {VIEWER}
    assert {line["action"] for line in lines} == {
        "impersonation.begin", "impersonation.look", "impersonation.end",
    }  # fmt: skip
    support.get("/v1/me")
    again = support.post("/v1/admin/impersonation/end")
    assert (again.status_code, again.json["email"]) == (200, SUPPORT)


def test_looking_ends_with_its_time_and_with_its_staff(service: Service) -> None:
    """The token is over at its minute, at once when its member of staff signs out, and by logging out."""
    support = app(service, SUPPORT)
    path = f"/v1/admin/users/{user_id(support, VIEWER)}/impersonate"

    def look() -> ApiClient:
        token = support.post(path, {"minutes": 1, **WHY}).json["access_token"]
        return ApiClient(support.http, service, access=token)

    looking = look()
    assert looking.post("/v1/auth/logout").status_code == 200
    refused(looking.get("/v1/wallet"), 401, "web.token_refused")
    assert support.get("/v1/auth/verify").status_code == 200
    looking = look()
    service.clock.advance(timedelta(minutes=1))
    refused(looking.get("/v1/wallet"), 401, "web.token_refused")
    looking = look()
    assert support.post("/v1/auth/logout").status_code == 200
    refused(looking.get("/v1/wallet"), 401, "web.token_refused")


def test_a_browser_that_signs_out_while_looking_is_signed_out(service: Service) -> None:
    """Neither the member's view nor the staff's own session is left."""
    support = member(service, SUPPORT)
    own = {name: support.http.get_cookie(name).value for name in ("buddy_session", "buddy_refresh")}
    support.post(f"/v1/admin/users/{user_id(support, VIEWER)}/impersonate", WHY)
    # A form token of before the look is none of its own.
    refused(support.post("/v1/auth/logout"), 403, "web.form_token_refused")
    support.get("/v1/me")
    assert support.post("/v1/auth/logout").json["kind"] == "nobody"
    stolen = service.app.test_client()
    for name, value in own.items():
        stolen.set_cookie(name, value)
    assert stolen.get("/v1/me").json["kind"] == "nobody"


def test_nobody_looks_as_staff_or_as_themselves(service: Service) -> None:
    """Staff and one's own account are refused, and a time beyond half an hour is wrong input."""
    support, admin = app(service, SUPPORT), app(service, ADMIN)
    path = "/v1/admin/users/{}/impersonate"
    refused(support.post(path.format(user_id(support, ADMIN)), WHY), 403, "access.beyond_own_reach")
    refused(admin.post(path.format(user_id(admin, FINANCE)), WHY), 403, "access.beyond_own_reach")
    refused(admin.post(path.format(user_id(admin, ADMIN)), WHY), 403, "access.beyond_own_reach")
    refused(support.post(path.format(NOBODYS_ID), WHY), 404, "accounts.not_found")
    viewer_id = user_id(support, VIEWER)
    for minutes in (0, 31, "5", 1.5):
        answer = support.post(path.format(viewer_id), {"minutes": minutes, **WHY})
        refused(answer, 400, "web.invalid_request")
    refused(support.post(path.format(viewer_id), {"reason": "    "}), 400, "access.reason_missing")


def test_what_is_wrong_with_a_field_is_one_plain_sentence(service: Service) -> None:
    """A number that is none is one mistake and not two, and nobody is shown a regular expression."""
    support = member(service, SUPPORT)
    path = f"/v1/admin/users/{user_id(support, VIEWER)}/tokens"
    answer = support.post(path, {"tokens": "many", "reason": "as\x00told"}, key="g1")
    refused(answer, 400, "web.invalid_request")
    assert sorted((item["field"], item["problem"]) for item in answer.json["facts"]["fields"]) == [
        ("reason", "does not have the form that belongs here, or holds characters that do not"),
        ("tokens", "must be a number"),
    ]
