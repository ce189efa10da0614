"""The API of the second person: gifts and values that wait until somebody else decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.api_client import (
    ADMIN,
    FINANCE,
    NOBODYS_ID,
    SECOND_FINANCE,
    SUPPORT,
    VIEWER,
    ApiClient,
    app,
    member,
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


def test_support_gives_tokens_once_a_key(service: Service, enter: Enter) -> None:
    """Up to 50 are in the wallet at once; the same key again gives nothing twice."""
    support, viewer = enter(service, SUPPORT), enter(service, VIEWER)
    viewer_id = user_id(support, VIEWER)
    path = f"/v1/admin/users/{viewer_id}/tokens"
    wallet = {"email": VIEWER, "reason": "looks odd"}
    support.post("/v1/admin/wallets/freeze", wallet, key="f1")
    refused(support.post(path, {"tokens": 1, **WHY}, key="g4"), 422, "tokens.wallet_frozen")
    assert support.post("/v1/admin/wallets/unfreeze", wallet, key="f2").status_code == 200
    first = support.post(path, {"tokens": 50, **WHY}, key="g1")
    assert (first.status_code, first.json) == (201, {"user_id": viewer_id, "tokens": 50})
    assert support.post(path, {"tokens": 50, **WHY}, key="g1").json == first.json
    refused(support.post(path, {"tokens": 9, **WHY}, key="g1"), 409, "kernel.idempotency_mismatch")
    assert viewer.get("/v1/wallet").json["bonus"] == 50
    for wrong in (0, -1, 1.5, 2**53 + 1):
        refused(support.post(path, {"tokens": wrong, **WHY}, key="g2"), 400, "tokens.bad_amount")
    for none in ("9", True, None):
        refused(support.post(path, {"tokens": none, **WHY}, key="g2"), 400, "web.invalid_request")
    refused(support.post(path, {"tokens": 1, **WHY}), 400, "web.invalid_request")
    nowhere = f"/v1/admin/users/{NOBODYS_ID}/tokens"
    refused(support.post(nowhere, {"tokens": 1, **WHY}, key="g3"), 404, "accounts.not_found")
    # The 50 were this day's: one more is somebody else's to approve.
    assert support.post(path, {"tokens": 1, **WHY}, key="g5").status_code == 202


def test_a_large_gift_waits_for_a_second_person(service: Service, enter: Enter) -> None:
    """Above 50 nothing is given until somebody else with the permission approves, who then does it."""
    support, finance = enter(service, SUPPORT), enter(service, FINANCE)
    viewer = app(service, VIEWER)
    path = f"/v1/admin/users/{user_id(support, VIEWER)}/tokens"
    waits = support.post(path, {"tokens": 51, **WHY}, key="g1")
    assert waits.status_code == 202
    assert support.post(path, {"tokens": 51, **WHY}, key="g1").json == waits.json
    assert viewer.get("/v1/wallet").json["bonus"] == 0
    url = waits.json["url"]
    seen = support.get(url).json
    assert (seen["state"], seen["is_own"], seen["may_decide"]) == ("pending", True, False)
    assert (seen["requested_by"], seen["reason"], seen["measure"]) == (SUPPORT, WHY["reason"], "51/1")
    assert seen["grant"] == {
        "user_id": viewer.get("/v1/me").json["user_id"], "account": VIEWER, "tokens": 51,
    }  # fmt: skip
    refused(support.post(f"{url}/approve", {}), 403, "access.not_permitted")
    assert [item["id"] for item in finance.get("/v1/admin/approvals").json["approvals"]] == [seen["id"]]
    done = finance.post(f"{url}/approve", {"reason": "checked"})
    assert (done.status_code, done.json["state"], done.json["decided_by"]) == (200, "approved", FINANCE)
    assert viewer.get("/v1/wallet").json["bonus"] == 51
    refused(finance.post(f"{url}/approve", {}), 409, "access.approval_decided")
    assert finance.get("/v1/admin/approvals").json["approvals"] == []
    assert len(finance.get("/v1/admin/approvals?state=all").json["approvals"]) == 1
    assert service.call(service.container.verify).is_clean


def test_a_large_change_of_a_value_waits_for_a_second_person(service: Service) -> None:
    """A change by more than a fifth is 202 and counts only once somebody else has approved it."""
    finance, second = app(service, FINANCE), app(service, SECOND_FINANCE)
    body = {
        "kind": "bonus",
        "effective_from": "2026-12-01T00:00:00+05:30",
        "values": {"INR": "90/1", "USD": "1/2"},
    }
    waits = finance.post("/v1/admin/token-values", body, key="v1")
    assert waits.status_code == 202, waits.text
    assert finance.post("/v1/admin/token-values", body, key="v1").json == waits.json
    assert {item["state"] for item in finance.get("/v1/admin/token-values").json["versions"]} == {"in_force"}
    url = waits.json["url"]
    steps = second.get(url).json["value"]["steps"]
    assert steps[0] == {"currency": "INR", "before": "50/1", "after": "90/1", "change": "4/5"}
    refused(finance.post(f"{url}/approve", {}), 403, "access.own_request")
    refused(second.post(f"{url}/withdraw", {}), 403, "access.not_own_request")
    assert second.post(f"{url}/approve", {}).json["state"] == "approved"
    versions = finance.get("/v1/admin/token-values").json["versions"]
    assert (versions[0]["state"], versions[0]["values"]["INR"]) == ("coming", "90/1")
    later = {**body, "effective_from": "2099-01-01T00:00:00Z"}
    refused(finance.post("/v1/admin/token-values", later, key="v2"), 422, "tokens.value_version_too_far")


def test_requests_are_rejected_withdrawn_and_expire(service: Service) -> None:
    """Each is decided once and in time: what is over is 409, what is not there 404, no reason 400."""
    admin, finance = app(service, ADMIN), app(service, FINANCE)
    path = f"/v1/admin/users/{user_id(admin, VIEWER)}/tokens"

    def ask(key: str) -> str:
        url: str = admin.post(path, {"tokens": 60, **WHY}, key=key).json["url"]
        return url

    one, two, three = ask("a"), ask("b"), ask("c")
    refused(admin.post(f"{one}/approve", {}), 403, "access.own_request")
    refused(admin.post(f"{one}/reject", WHY), 403, "access.own_request")
    refused(finance.post(f"{one}/reject", {}), 400, "web.invalid_request")
    refused(finance.post(f"{one}/reject", {"reason": "     "}), 400, "access.reason_missing")
    rejected = finance.post(f"{one}/reject", WHY).json
    assert (rejected["state"], rejected["decision_reason"]) == ("rejected", WHY["reason"])
    withdrawn = admin.post(f"{two}/withdraw", {}).json
    assert (withdrawn["state"], withdrawn["decided_by"]) == ("withdrawn", ADMIN)
    for url in (one, two):
        refused(finance.post(f"{url}/approve", {}), 409, "access.approval_decided")
    pages = [finance.get("/v1/admin/approvals?state=all&limit=2").json]
    pages.append(finance.get(f"/v1/admin/approvals?state=all&limit=2&cursor={pages[0]['next_cursor']}").json)
    listed = [item["state"] for page in pages for item in page["approvals"]]
    assert (sorted(listed), pages[1]["next_cursor"]) == (["pending", "rejected", "withdrawn"], None)
    service.clock.advance(timedelta(days=3))
    finance = app(service, FINANCE)
    refused(finance.post(f"{three}/approve", {}), 409, "access.approval_expired")
    assert finance.get(three).json["state"] == "expired"
    assert finance.get("/v1/admin/approvals").json["approvals"] == []
    refused(finance.get("/v1/admin/approvals/apr_" + "0" * 32), 404, "access.approval_not_found")
    refused(finance.post(f"/v1/admin/approvals/apr_{'0' * 32}/approve", {}), 404, "access.approval_not_found")


def test_what_waits_is_shown_behind_what_expired(service: Service) -> None:
    """A page of what waits is full although newer requests expired: it is not cut short by them."""
    finance, support = app(service, FINANCE), app(service, SUPPORT)
    body = {
        "kind": "paid",
        "effective_from": "2026-12-01T00:00:00Z",
        "values": {"INR": "900/1", "USD": "9/1"},
    }
    waits = finance.post("/v1/admin/token-values", body, key="v1")
    assert waits.status_code == 202, waits.text
    service.clock.advance(timedelta(minutes=1))
    path = f"/v1/admin/users/{user_id(support, VIEWER)}/tokens"
    for number in range(4):
        assert support.post(path, {"tokens": 60, **WHY}, key=f"g{number}").status_code == 202
    service.clock.advance(timedelta(days=4))
    page = app(service, FINANCE).get("/v1/admin/approvals?limit=1").json
    assert [item["id"] for item in page["approvals"]] == [waits.json["request_id"]]
    assert page["next_cursor"] is None


def test_who_lost_the_role_gets_nothing_approved(service: Service) -> None:
    """A request whose asker may not do it any more is 409, and stays as it was."""
    support, admin, finance = app(service, SUPPORT), app(service, ADMIN), app(service, FINANCE)
    path = f"/v1/admin/users/{user_id(support, VIEWER)}/tokens"
    url = support.post(path, {"tokens": 60, **WHY}, key="g1").json["url"]
    role = {"email": SUPPORT, "role": "support"}
    assert admin.post("/v1/admin/assignments/revoke", role).status_code == 200
    refused(finance.post(f"{url}/approve", {}), 409, "access.requester_lacks_permission")
    assert finance.get(url).json["state"] == "pending"
    refused(support.get("/v1/admin/users"), 403, "access.not_permitted")
