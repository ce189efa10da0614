"""Promotions from the form that begins one to the tokens in a wallet: pages, API and command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_client import ADMIN, FINANCE, SUPPORT, VIEWER, ApiClient, guest, member
from tests.web.service import Service, running
from tests.web.test_cli_access import buddy, folder, seeded
from tests.web.test_producer_admin_pages import changes, signed_in
from tests.web.test_viewer_pages import UUID_TEXT

__all__ = ["buddy", "folder", "seeded"]

BODY: dict[str, Any] = {
    "code": "Monsoon26",
    "tokens": 5,
    "days": 30,
    "limit": 2,
    "ends_at": "2026-12-31T00:00:00Z",
    "for_guests": True,
    "reason": "posters in Pune",
}
FORM = {
    "code": "monsoon 26",
    "tokens": "5",
    "days": "30",
    "limit": "2",
    "last_day": "2026-12-31",
    "for_guests": "yes",
    "reason": "posters in Pune",
}
LARGE = {"tokens": 50, "limit": 201}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def admin(service: Service) -> ApiClient:
    """A super admin at the API."""
    return member(service, ADMIN)


def begun(admin: ApiClient, **body: Any) -> Any:
    """Begin a promotion by the API."""
    found = admin.post("/v1/admin/promotions", {**BODY, **body}, key=str(body))
    assert found.status_code in (201, 202), found.text
    return found.json


def claimed(client: ApiClient, code: str = "MONSOON26", key: str = "k1") -> Any:
    """Claim by the API."""
    return client.post("/v1/wallet/promotions", {"code": code}, key=key)


def key_of(page: str) -> str:
    """Return the key of the page's form of codes."""
    found = re.search(r'name="idempotency_key" value="(cod_[0-9a-f]{32})"', page)
    assert found is not None
    return found[1]


# -- the API --------------------------------------------------------------------------------------------


def test_a_code_brings_tokens_by_the_api(service: Service, admin: ApiClient) -> None:
    """Whoever claims has them at once, the list counts it, and the ended code brings nothing any more."""
    answer = begun(admin)
    assert (answer["code"], answer["ends_at"]) == ("MONSOON26", "2026-12-31T00:00:00Z")
    viewer = member(service, VIEWER)
    before = viewer.get("/v1/wallet").json["bonus"]
    found = claimed(viewer, " monsoon-26")
    assert (found.status_code, found.json["code"], found.json["tokens"]) == (201, "MONSOON26", 5)
    assert claimed(viewer, "MONSOON26").json == found.json
    assert viewer.get("/v1/wallet").json["bonus"] == before + 5
    assert viewer.get("/v1/wallet/entries").json["entries"][0]["source"] == "promotion"
    [listed] = admin.get("/v1/admin/promotions").json["promotions"]
    assert (listed["claimed"], listed["limit"], listed["state"]) == (1, 2, "running")
    path = "/v1/admin/promotions/monsoon26/end"
    ended = admin.post(path, {"reason": "too dear"}, key="end")
    assert (ended.status_code, admin.post(path, {"reason": "too dear"}, key="end").json) == (201, ended.json)
    assert claimed(member(service, SUPPORT)).json["code"] == "promotions.over"
    assert admin.get("/v1/admin/promotions").json["promotions"][0]["state"] == "over"
    assert changes(service) == ["promotion.add", "promotion.end"]


def test_each_refusal_has_its_own_code(service: Service, admin: ApiClient) -> None:
    """And its own status; guests hear of what brings nothing now as of what is not there."""
    begun(admin, limit=1)
    begun(admin, code="LATER1", starts_at="2026-12-24T00:00:00Z")
    begun(admin, code="MEMBERS1", for_guests=False)
    viewer, other, somebody = member(service, VIEWER), member(service, SUPPORT), guest(service)
    assert claimed(viewer).status_code == 201
    for client, code, status, problem in (
        (viewer, "MONSOON26", 422, "promotions.claimed"),
        (viewer, "x", 400, "promotions.bad_code"),
        (viewer, "NOSUCH1", 404, "promotions.unknown_code"),
        (viewer, "LATER1", 422, "promotions.not_begun"),
        (other, "MONSOON26", 422, "promotions.used_up"),
        (somebody, "MONSOON26", 404, "promotions.unknown_code"),
        (somebody, "LATER1", 404, "promotions.unknown_code"),
        (somebody, "MEMBERS1", 422, "promotions.not_for_guests"),
    ):
        found = claimed(client, code, key="k2")
        assert (found.status_code, found.json["code"]) == (status, problem), code
    assert viewer.post("/v1/wallet/promotions", {"code": "MONSOON26"}).json["code"] == "web.invalid_request"
    assert claimed(viewer, "MEMBERS1").json["code"] == "kernel.idempotency_mismatch"


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"code": "x"}, 400, "web.invalid_request"),
        ({"tokens": 0}, 400, "web.invalid_request"),
        ({"tokens": True}, 400, "web.invalid_request"),
        ({"tokens": 5.0}, 400, "web.invalid_request"),
        ({"limit": 2**53 + 1}, 400, "web.invalid_request"),
        ({"for_guests": 1}, 400, "web.invalid_request"),
        ({"kind": "paid"}, 400, "web.invalid_request"),
        ({"tokens": 5000}, 400, "promotions.bad_promotion"),
        ({"ends_at": "2026-01-01T00:00:00Z"}, 400, "promotions.bad_promotion"),
        ({"ends_at": "2029-01-01T00:00:00Z"}, 400, "promotions.bad_promotion"),
        ({"reason": "  x"}, 400, "access.reason_missing"),
    ],
)
def test_what_cannot_be_a_promotion_is_refused(
    service: Service, admin: ApiClient, wrong: dict[str, Any], status: int, code: str
) -> None:
    """Each with its stable code, and nothing is written."""
    found = admin.post("/v1/admin/promotions", {**BODY, **wrong}, key="k1")
    assert (found.status_code, found.json["code"]) == (status, code)
    assert changes(service) == []


def test_a_large_promotion_is_decided_by_two(service: Service, admin: ApiClient) -> None:
    """Its request says what approving it does; approved by finance it brings its tokens."""
    waiting = begun(admin, **LARGE)
    assert claimed(member(service, VIEWER)).json["code"] == "promotions.unknown_code"
    finance = member(service, FINANCE)
    request = finance.get(waiting["url"]).json
    assert (request["act"], request["measure"], request["may_decide"]) == ("promotion.add", "10050/1", True)
    assert (request["promotion"]["code"], request["promotion"]["limit"]) == ("MONSOON26", 201)
    assert finance.post(f"{waiting['url']}/approve", {}).json["state"] == "approved"
    assert claimed(member(service, VIEWER)).json["tokens"] == 50


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    """The eleventh try of an account within a quarter of an hour is told to wait, whatever it types."""
    with running(tmp_path, rate_limits="memory") as service:
        begun(member(service, ADMIN))
        viewer = member(service, VIEWER)
        found = [claimed(viewer, f"GUESS{n}").status_code for n in range(10)]
        assert found == [404] * 10
        stopped = claimed(viewer)
        assert (stopped.status_code, stopped.json["code"]) == (429, "limits.too_many")
        service.clock.advance(timedelta(minutes=16))
        assert claimed(viewer).status_code == 201


# -- pages ----------------------------------------------------------------------------------------------


def test_a_code_is_typed_into_the_wallet(service: Service, admin: ApiClient) -> None:
    """The page says what it brought, and the line in the history why; twice sent it comes once."""
    begun(admin)
    viewer = service.browser()
    page = viewer.get("/wallet")
    assert "Have a code?" in page.text
    form = {"code": " Monsoon 26", "idempotency_key": key_of(page.text)}
    for _ in range(2):
        answer = viewer.post("/wallet/promotions", form)
        assert (answer.status_code, answer.location) == (303, "/wallet?done=code_claimed")
    landed = viewer.get(answer.location).text
    assert "The tokens of your code are in the wallet." in landed
    assert "You typed a code that brings them." in landed
    assert viewer.balance() == 5


@pytest.mark.parametrize("as_part", [False, True])
def test_what_is_wrong_with_a_code_stands_at_its_field(service: Service, as_part: bool) -> None:
    """With what was typed, as a whole page or as the part that htmx puts in its place; then another try."""
    viewer = service.browser()
    form = {"code": "<NOSUCH>", "idempotency_key": key_of(viewer.get("/wallet").text)}
    headers = {"Accept": "text/html", **({"HX-Request": "true"} if as_part else {})}
    data = {"csrf_token": viewer.token, **form}
    for typed, status in (("<NOSUCH>", 400), ("NOSUCH", 422)):
        found = viewer.client.post("/wallet/promotions", data={**data, "code": typed}, headers=headers)
        assert found.status_code == status
        assert 'id="code-problem"' in found.text
        assert 'aria-invalid="true"' in found.text
        assert ("<h1>Wallet</h1>" in found.text) is not as_part
        assert "<NOSUCH>" not in found.text
        assert key_of(found.text) != form["idempotency_key"]


def test_a_promotion_is_begun_and_ended_on_its_page(service: Service) -> None:
    """It counts to the end of its last day where the first entity sells; the list says how it stands."""
    desk = signed_in(service, ADMIN)
    page = desk.get("/admin/promotions").text
    assert "No promotions yet" in page
    assert '<a href="/admin/promotions"' in page
    form = {**FORM, "idempotency_key": _desk_key(page)}
    answers = [desk.post("/admin/promotions", form) for _ in range(2)]
    assert [answer.location for answer in answers] == ["/admin/promotions?done=promotion_added"] * 2
    page = desk.get(answers[0].location).text
    for words in ("The promotion stands", "MONSOON26", "Running", "0 of 2 claimed", "1 Jan 2027", "guests"):
        assert words in page, words
    assert not UUID_TEXT.search(page)
    ending = {"reason": "too dear", "idempotency_key": _desk_key(page)}
    assert desk.post("/admin/promotions/MONSOON26/end", ending).status_code == 303
    page = desk.get("/admin/promotions").text
    assert "Over" in page
    assert "too dear" in page
    again = desk.post("/admin/promotions/MONSOON26/end", {**ending, "idempotency_key": "prm-9"})
    assert again.status_code == 422
    assert "MONSOON26: This code counted until" in again.text
    assert changes(service) == ["promotion.add", "promotion.end"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"tokens": ""}, "tokens: must be a whole number"),
        ({"tokens": "0"}, "Tokens a claim must be a whole number from 1"),
        ({"last_day": "soon"}, "last_day: must be a day"),
        ({"last_day": "2026-01-01"}, "The end must be later than the start"),
        ({"last_day": "9999-12-31"}, "last_day: must be a day"),
        ({"first_day": "2026-13-01"}, "first_day: must be a day"),
        ({"code": "no"}, "A code has 4 to 32 letters"),
        ({"reason": " "}, "reason"),
        ({"idempotency_key": ""}, "idempotency_key: is missing"),
    ],
)
def test_what_is_wrong_with_a_promotion_is_said_with_what_was_typed(
    service: Service, wrong: dict[str, str], words: str
) -> None:
    """Nothing is saved, and nothing has to be typed again."""
    desk = signed_in(service, ADMIN)
    desk.get("/admin/promotions")
    found = desk.post("/admin/promotions", {**FORM, "idempotency_key": "prm-1", **wrong})
    assert (found.status_code, words in found.text) == (400, True)
    assert f'value="{wrong.get("limit", "2")}"' in found.text
    assert changes(service) == []


def test_a_large_promotion_leads_to_its_request(service: Service) -> None:
    """Which says what it would do, and that somebody else decides."""
    desk = signed_in(service, ADMIN)
    desk.get("/admin/promotions")
    form = {**FORM, "tokens": "50", "limit": "201", "idempotency_key": "prm-1"}
    page = desk.get(desk.post("/admin/promotions", form).location).text
    for words in (
        "Code MONSOON26: 10,050 tokens at most",
        "201 accounts, guests too",
        "somebody else decides",
    ):
        assert words in page, words


def test_promotions_are_not_for_everyone(service: Service) -> None:
    """Support finds no link and no page."""
    desk = signed_in(service, SUPPORT)
    assert "/admin/promotions" not in desk.get("/admin").text
    assert desk.get("/admin/promotions").status_code == 403


# -- the command line -----------------------------------------------------------------------------------


def test_the_command_line_begins_lists_and_ends(buddy: Any) -> None:
    """A large one waits and says so with exit code 3; a wrong one says what is wrong."""
    wanted = ["--tokens", "5", "--until", "2100-01-01", "--reason", "posters"]
    assert "No such" not in buddy("promotions", "list").output
    assert buddy("promotions", "add", "MONSOON26", *wanted, "--limit", "2").exit_code == 1
    soon = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    wanted[3] = soon
    added = buddy("promotions", "add", "monsoon-26", *wanted, "--limit", "2", "--guests")
    assert (added.exit_code, added.output.startswith("MONSOON26 counts from")) == (0, True), added.output
    listed = buddy("promotions", "list").output
    assert re.search(r"MONSOON26 +running +0/2 claimed, 5 tokens for 30 days, .* guests too", listed), listed
    large = buddy("promotions", "add", "LARGE26", *wanted, "--limit", "3000")
    assert (large.exit_code, "waits for a second person" in large.output) == (3, True)
    assert "the code LARGE26 brings 5 bonus tokens to 3000 accounts" in buddy("approvals", "list").output
    ended = buddy("promotions", "end", "MONSOON26", "--reason", "too dear")
    assert (ended.exit_code, ended.output.startswith("MONSOON26 ended at")) == (0, True)
    again = buddy("promotions", "end", "MONSOON26", "--reason", "too dear")
    assert (again.exit_code, "promotions.over" in again.output) == (1, True)


def _desk_key(page: str) -> str:
    found = re.search(r'name="idempotency_key" value="(prm_[0-9a-f]{32})"', page)
    assert found is not None
    return found[1]
