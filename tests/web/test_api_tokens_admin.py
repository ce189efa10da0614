"""The API of corrections: refund, reverse, adjust by staff who may, once a key, each mistake with a code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_client import (
    ADMIN,
    FINANCE,
    NOBODYS_ID,
    SUPPORT,
    VIEWER,
    ApiClient,
    app,
    guest,
    member,
    refused,
    user_id,
)
from tests.web.service import PASSWORD, Service, running

WHY = {"reason": "as the ticket says"}
SHORT = "Paper Kites"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    if request.param == "sqlite":
        with running(tmp_path) as found:
            yield found
        return
    from tests.web.service import seed_database

    server = request.getfixturevalue("postgres_server")
    url = server.create_database(server.template("demo", seed_database))
    with running(tmp_path, database_url=url) as found:
        yield found
    server.drop_database(url)


def spent(service: Service) -> tuple[ApiClient, dict[str, Any]]:
    """Have the viewer earn and unlock a title; return them and the title."""
    viewer = app(service, VIEWER)
    viewer.earn(3)
    title = viewer.title(SHORT)
    assert viewer.unlock(title, "u1").status_code == 201
    return viewer, title


def entry(client: ApiClient, operation: str) -> dict[str, Any]:
    """Return the newest entry of an operation in a client's own wallet."""
    found: dict[str, Any] = next(
        item for item in client.get("/v1/wallet/entries").json["entries"] if item["operation"] == operation
    )
    return found


def acts(staff: ApiClient, number: object, email: str = VIEWER) -> str:
    """Return the address of the acts upon an entry of a member."""
    return f"/v1/admin/users/{user_id(staff, email)}/entries/{number}"


def test_a_refund_closes_the_title(service: Service) -> None:
    """Tokens are back, the title is closed, a key gives one answer, and a second refund is refused."""
    viewer, title = spent(service)
    support = app(service, SUPPORT)
    before = viewer.get("/v1/wallet").json["bonus"]
    number = entry(viewer, "spend")["number"]
    path = f"{acts(support, number)}/refund"
    first = support.post(path, WHY, key="r1")
    assert first.status_code == 201, first.text
    tokens = first.json["tokens"]
    assert first.json == {
        "title": {"type": title["type"], "id": title["id"], "name": SHORT},
        "tokens": tokens,
        "expired": 0,
        "withdrawn": 0,
        "grant_ended": True,
        "was_played": False,
    }
    assert viewer.get("/v1/wallet").json["bonus"] == before + tokens
    assert viewer.title(SHORT)["access"]["allowed"] is False
    assert support.post(path, WHY, key="r1").json == first.json
    refused(support.post(path, {"reason": "another one"}, key="r1"), 409, "kernel.idempotency_mismatch")
    refused(support.post(path, WHY, key="r2"), 422, "tokens.already_refunded")
    line = entry(viewer, "refund")
    assert (line["corrects"]["number"], line["source"]) == (number, "support.refund")
    [told] = member(service, ADMIN).get("/v1/admin/audit?action=tokens.refund").json["lines"]
    assert (told["actor"], told["subject"], told["reason"]) == (SUPPORT, VIEWER, WHY["reason"])


def test_what_a_guest_did_is_found_by_its_reference(service: Service) -> None:
    """The reference that a guest read in the wallet names the entry after joining; a number would not."""
    browser = guest(service)
    browser.earn(3)
    assert browser.unlock(browser.title(SHORT), "u1").status_code == 201
    line = entry(browser, "spend")
    assert browser.post(
        "/v1/auth/register", {"email": "asha@example.com", "password": PASSWORD}, key="j1"
    ).status_code in (200, 201)
    support = app(service, SUPPORT)
    by_number = f"{acts(support, 40, 'asha@example.com')}/refund"
    refused(support.post(by_number, WHY, key="r1"), 404, "views.wallet_entry_not_found")
    answer = support.post(f"{acts(support, line['reference'], 'asha@example.com')}/refund", WHY, key="r2")
    assert answer.status_code == 201, answer.text
    assert answer.json["grant_ended"] is True


def test_a_reversal_tells_what_is_gone(service: Service) -> None:
    """What is left of the reward is taken, the rest is told, and nothing is taken twice."""
    viewer, _ = spent(service)
    support = app(service, SUPPORT)
    entries = viewer.get("/v1/wallet/entries").json["entries"]
    earned = [item["number"] for item in entries if item["operation"] == "earn"]
    answers = [support.post(f"{acts(support, n)}/reverse", WHY, key=f"v{n}").json for n in earned]
    assert {answer["taken"] + answer["uncollectable"] for answer in answers} == {1}
    assert viewer.get("/v1/wallet").json["bonus"] == 0
    refused(support.post(f"{acts(support, earned[0])}/reverse", WHY, key="v"), 422, "tokens.already_reversed")


def test_an_adjustment_by_one_person_or_two(service: Service) -> None:
    """A few tokens move at once; more than 50 wait, are shown with what they would do, and are approved."""
    viewer, _ = spent(service)
    support, finance = app(service, SUPPORT), app(service, FINANCE)
    number = entry(viewer, "earn")["number"]
    before = viewer.get("/v1/wallet").json["bonus"]
    path = f"{acts(support, number)}/adjust"
    assert support.post(path, {"tokens": 20, **WHY}, key="a1").json == {"tokens": 20}
    assert support.post(path, {"tokens": 20, **WHY}, key="a1").json == {"tokens": 20}
    assert viewer.get("/v1/wallet").json["bonus"] == before + 20
    waits = support.post(path, {"tokens": 40, "lot": 1, **WHY}, key="a2")
    assert waits.status_code == 202, "20 and 40 are more than one person moves in a day"
    seen = finance.get(waits.json["url"]).json
    assert seen["adjustment"]["tokens"] == 40
    assert (seen["adjustment"]["account"], seen["adjustment"]["kind"]) == (VIEWER, "bonus")
    assert seen["adjustment"]["entry"].startswith(f"{number}-")
    assert finance.post(f"{waits.json['url']}/approve", {}).json["state"] == "approved"
    assert viewer.get("/v1/wallet").json["bonus"] == before + 60


def test_wrong_input_has_its_code_and_changes_nothing(service: Service) -> None:
    """Amounts, entries, lots, accounts, keys and reasons that are none: a code each, nothing written."""
    viewer, _ = spent(service)
    support = app(service, SUPPORT)
    earned, bought = entry(viewer, "earn")["number"], entry(viewer, "spend")["number"]
    mine = acts(support, earned)
    nobodys = f"/v1/admin/users/{NOBODYS_ID}/entries/1"
    before = viewer.get("/v1/wallet/entries").json["entries"]
    for tokens in (0, 2**53 + 1, -(2**53) - 1, 1.5, 10**30):
        answer = support.post(f"{mine}/adjust", {"tokens": tokens, **WHY}, key="k1")
        refused(answer, 400, "tokens.bad_amount")
    for tokens in ("3", True, None, [1]):
        answer = support.post(f"{mine}/adjust", {"tokens": tokens, **WHY}, key="k1")
        refused(answer, 400, "web.invalid_request")
    for path, body, status, code in (
        (f"{acts(support, 99)}/refund", WHY, 404, "views.wallet_entry_not_found"),
        (f"{acts(support, f'{bought}-00000000')}/refund", WHY, 404, "views.wallet_entry_not_found"),
        (f"{acts(support, bought, ADMIN)}/refund", WHY, 404, "views.wallet_entry_not_found"),
        (f"{acts(support, 'first')}/refund", WHY, 400, "web.invalid_request"),
        (f"{mine}/refund", WHY, 422, "tokens.not_refundable"),
        (f"{acts(support, bought)}/reverse", WHY, 422, "tokens.not_reversible"),
        (f"{nobodys}/refund", WHY, 404, "accounts.not_found"),
        (f"{nobodys}/reverse", WHY, 404, "accounts.not_found"),
        (f"{mine}/adjust", {"tokens": 1, "lot": 2, **WHY}, 404, "tokens.lot_not_found"),
        (f"{mine}/adjust", {"tokens": -51, **WHY}, 422, "tokens.adjust_beyond_lot"),
        (f"{mine}/adjust", {"tokens": -9, **WHY}, 422, "tokens.adjust_beyond_lot"),
        (f"{mine}/reverse", {"reason": "  x  "}, 400, "access.reason_missing"),
        (f"{mine}/reverse", {}, 400, "web.invalid_request"),
        (f"{mine}/reverse", {**WHY, "tokens": 1}, 400, "web.invalid_request"),
    ):
        refused(support.post(path, body, key="k2"), status, code)
    for key in (None, "k" * 10_240):
        refused(support.post(f"{mine}/reverse", WHY, key=key), 400, "web.invalid_request")
    assert viewer.get("/v1/wallet/entries").json["entries"] == before
    assert support.get("/v1/admin/approvals").json["approvals"] == []


def test_a_frozen_wallet_says_so_and_is_refunded(service: Service) -> None:
    """Frozen, it earns and spends nothing; a refund is posted, and it stays frozen."""
    viewer, _ = spent(service)
    support = app(service, SUPPORT)
    number = entry(viewer, "spend")["number"]
    assert support.post("/v1/admin/wallets/freeze", {"email": VIEWER, **WHY}, key="f1").json == {
        "is_frozen": True
    }
    refused(viewer.post("/v1/ads/rewards"), 422, "tokens.wallet_frozen")
    refused(viewer.unlock(viewer.title("Eleven Minutes"), "u2"), 422, "tokens.wallet_frozen")
    given = {"tokens": 1, **WHY}
    refused(
        support.post(f"/v1/admin/users/{user_id(support, VIEWER)}/tokens", given, key="g1"),
        422,
        "tokens.wallet_frozen",
    )
    assert support.post(f"{acts(support, number)}/refund", WHY, key="r1").status_code == 201
    assert viewer.get("/v1/wallet").json["is_frozen"] is True


def test_nobody_corrects_their_own_wallet(service: Service) -> None:
    """Staff who earned and unlocked as viewers find somebody else for it."""
    support = app(service, SUPPORT)
    support.earn(3)
    assert support.unlock(support.title(SHORT), "u1").status_code == 201
    own = {item["operation"]: item["number"] for item in support.get("/v1/wallet/entries").json["entries"]}
    for act, number, body in (
        ("refund", own["spend"], WHY),
        ("reverse", own["earn"], WHY),
        ("adjust", own["earn"], {"tokens": 1, **WHY}),
    ):
        path = f"{acts(support, number, SUPPORT)}/{act}"
        refused(support.post(path, body, key=f"o-{act}"), 403, "access.own_account")
    wallet = {"email": SUPPORT, **WHY}
    refused(support.post("/v1/admin/wallets/freeze", wallet, key="f1"), 403, "access.own_account")


def test_a_statement_tells_of_refunds(service: Service) -> None:
    """The producer's month has a line that takes back, and says of which month's spends."""
    viewer, _ = spent(service)
    support = app(service, SUPPORT)
    support.post(f"{acts(support, entry(viewer, 'spend')['number'])}/refund", WHY, key="r1")
    admin = member(service, ADMIN)
    found = []
    for item in admin.get("/v1/titles?limit=100").json["titles"]:
        if item["name"] == SHORT:
            found.append(item)
    assert found
    for email in ("marigold@example.com", "bluelantern@example.com"):
        month = service.clock.now().strftime("%Y-%m")
        statement = member(service, email).get(f"/v1/producer/statements/{month}").json
        for line in statement.get("lines", []):
            if line["inputs"].get("tokens", 0) < 0:
                assert line["inputs"]["refund_of"] == month
                assert statement["payable"]["minor"] == 0
                return
    raise AssertionError("no producer's statement tells of the refund")
