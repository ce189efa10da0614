"""The API's wallet: any instant, what expires, the history and its file; one's own and another's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from buddy_core.kernel.canonical import instant_text
from buddy_core.tokens import BadStatementPlace, StatementPlace, TokenKind
from buddy_web.demo.seed import DEMO_PASSWORD
from buddy_web.routes import wallet_files
from tests.web.api_client import (
    NOBODYS_ID,
    SUPPORT,
    VIEWER,
    ApiClient,
    app,
    guest,
    member,
    nobody,
    refused,
    user_id,
)
from tests.web.service import START, Service, running

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("wallet")) as found:
        yield found


@pytest.fixture(scope="module")
def viewer(service: Service) -> ApiClient:
    """The seeded viewer, who earned on three days and unlocked something on the second."""
    client = app(service, VIEWER)
    for day in range(3):
        service.clock.set(START + day * DAY)
        client = app(service, VIEWER)
        client.earn(3)
        if day == 1:
            assert client.unlock(client.title("Paper Kites"), "k1").status_code == 201
    return client


def at(days: float) -> str:
    return quote(instant_text(START + days * DAY))


def test_the_wallet_of_now(service: Service, viewer: ApiClient) -> None:
    """What can be spent, by kind, with each lot's life; the instants asked about are now."""
    found = viewer.get("/v1/wallet").json
    now = instant_text(START + 2 * DAY).replace(".000000", "")
    assert (found["at"], found["known_at"], found["is_frozen"]) == (now, now, False)
    assert found["is_final"] is False
    assert viewer.get(f"/v1/wallet?known_at={at(1.9)}").json["is_final"] is True
    assert found["tokens"] == {"bonus": found["bonus"]}
    assert (found["held"], found["expired"], found["paid"]) == ({}, {}, 0)
    assert sum(lot["tokens"] for lot in found["lots"]) == found["bonus"]
    assert all(lot["effective_from"] < lot["expires_at"] for lot in found["lots"])


def test_the_wallet_of_another_instant(viewer: ApiClient) -> None:
    """Then and as known then; a day without entries between is the day before; long before, nothing."""
    now = viewer.get("/v1/wallet").json["bonus"]
    cost = viewer.get("/v1/wallet/entries?limit=100").json["entries"][3]["tokens"]["bonus"]
    asked = {"at": (1, now - 3), "known_at": (1, now - 3), "before": (0.5, now - 6 - cost)}
    for name, (days, expected) in asked.items():
        field = "at" if name == "before" else name
        assert viewer.get(f"/v1/wallet?{field}={at(days)}").json["bonus"] == expected, name
    assert viewer.get(f"/v1/wallet?at={at(-999)}").json["tokens"] == {}
    assert viewer.get(f"/v1/wallet?at={at(2)}&known_at={at(-999)}").json["tokens"] == {}
    assert viewer.get(f"/v1/wallet?at={at(999)}").json["expired"] == {"bonus": now}
    offset = viewer.get("/v1/wallet?at=2026-11-22T15:30:00%2B05:30").json
    assert (offset["at"], offset["bonus"]) == ("2026-11-22T10:00:00Z", now - 3)


@pytest.mark.parametrize("field", ["at", "known_at"])
@pytest.mark.parametrize(
    "value",
    ["2026-11-03T10:00:00", "2026-11-03", "x", "", "9" * 40, "-1", "0001-01-01T00:00:00%2B14:00", "%00"],
)
def test_what_is_no_instant_is_refused(viewer: ApiClient, field: str, value: str) -> None:
    """A naive instant, a day, and what is none at all are 400 and named."""
    answer = viewer.get(f"/v1/wallet?{field}={value}")
    refused(answer, 400, "web.invalid_request")
    assert [item["field"] for item in answer.json["facts"]["fields"]] == [field]


def test_nothing_is_known_of_the_future(viewer: ApiClient) -> None:
    """`known_at` to come is refused in words; `at` to come is answered."""
    answer = viewer.get(f"/v1/wallet?known_at={at(2.1)}")
    refused(answer, 400, "kernel.invalid_value")
    assert "known_at" in answer.json["detail"]


def test_what_expires_is_told(viewer: ApiClient) -> None:
    """Within 30 days nothing of what lasts 90; within 90 days some; days must be some and not too many."""
    assert viewer.get("/v1/wallet/expiring").json["expiring"] == []
    found = viewer.get("/v1/wallet/expiring?within_days=90").json
    ends = [item["expires_at"] for item in found["expiring"]]
    assert ends
    assert ends == sorted(ends)
    assert (found["at"] < ends[0], ends[-1] <= found["until"]) == (True, True)
    for days in ("0", "-1", "3661", "1.5", "x", ""):
        refused(viewer.get(f"/v1/wallet/expiring?within_days={days}"), 400, "web.invalid_request")


def test_entries_have_the_balance_after_them(viewer: ApiClient) -> None:
    """Page by page, each balance is the next older one plus what the entry moved; the last is of now."""
    lines: list[Any] = []
    cursor = ""
    while True:
        page = viewer.get(f"/v1/wallet/entries?limit=3{cursor}").json
        lines += page["entries"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert lines[0]["balance_after"] == viewer.get("/v1/wallet").json["tokens"]
    total = 0
    for line in reversed(lines):
        total += line["tokens"]["bonus"]
        assert line["balance_after"] == {"bonus": total}
    [unlock] = [line for line in lines if line["operation"] == "spend"]
    assert unlock["title"]["name"] == "Paper Kites"
    assert sum(lot["tokens"] for lot in unlock["lots"]) == unlock["tokens"]["bonus"]
    assert re.fullmatch(rf"{unlock['number']}-[0-9a-f]{{8}}", unlock["reference"])


@pytest.mark.parametrize("cursor", ["", "x", "3", "%00", "a" * 2000, "W10", "Wzk5LHt9XQ", "../.."])
def test_a_cursor_of_no_page_is_refused(viewer: ApiClient, cursor: str) -> None:
    """Whatever was sent, the answer says what to send; never a fault, never another page."""
    answer = viewer.get(f"/v1/wallet/entries?cursor={cursor}")
    assert answer.status_code == 400, answer.text
    assert answer.json["code"] in ("web.invalid_request", "tokens.bad_statement_place")


def test_a_cursor_that_was_not_given_is_refused(service: Service, viewer: ApiClient) -> None:
    """Balances that somebody wrote, signed by nobody or for another wallet, are no place in this one."""
    first = viewer.get("/v1/wallet/entries?limit=2").json["next_cursor"]
    assert viewer.get(f"/v1/wallet/entries?cursor={first}").status_code == 200
    forged = StatementPlace(3, {TokenKind("bonus"): 1_000_004}).text
    support = member(service, SUPPORT)
    whose = user_id(support, VIEWER)
    for cursor in (
        forged,
        forged + first[-43:],
        first[:-43],
        first[:-1] + ("A" if first[-1] != "A" else "B"),
    ):
        for path in ("/v1/wallet", f"/v1/admin/users/{whose}/wallet"):
            client = viewer if path == "/v1/wallet" else support
            refused(client.get(f"{path}/entries?cursor={cursor}"), 400, "tokens.bad_statement_place")
        assert viewer.get(f"/wallet?before={cursor}").status_code == 400
        assert support.get(f"/admin/users/{whose}/wallet?before={cursor}").status_code == 400
    other = guest(service)
    other.earn(3)
    assert other.get("/v1/wallet/entries").json["entries"]
    refused(other.get(f"/v1/wallet/entries?cursor={first}"), 400, "tokens.bad_statement_place")


def test_a_cursor_of_a_guest_is_none_of_the_member(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the guest has joined, its cursor is refused; a file that is being sent ends, and mixes nothing."""
    monkeypatch.setattr(wallet_files, "PAGE", 1)
    with running(tmp_path_factory.mktemp("joined")) as service:
        someone, support = guest(service), member(service, SUPPORT)
        of_guest = f"/v1/admin/users/{someone.get('/v1/me').json['user_id']}/wallet"
        someone.earn(2)
        app(service, VIEWER).earn(3)
        first = support.get(f"{of_guest}/entries?limit=1").json
        assert first["next_cursor"] is not None
        sent = support.http.get(f"{of_guest}/statement.csv", headers=support.proof()).iter_encoded()
        assert next(sent).startswith(wallet_files.csv_head())
        assert someone.post("/v1/auth/login", {"email": VIEWER, "password": DEMO_PASSWORD}).status_code == 200
        old = support.get(f"{of_guest}/entries?limit=1&cursor={first['next_cursor']}")
        refused(old, 400, "tokens.bad_statement_place")
        with pytest.raises(BadStatementPlace):
            list(sent)
        # What is asked for under the guest's id is the member's by now, and so is its cursor.
        now = support.get(f"{of_guest}/entries?limit=1").json["next_cursor"]
        of_member = f"/v1/admin/users/{user_id(support, VIEWER)}/wallet/entries?limit=1&cursor={now}"
        assert support.get(of_member).json == support.get(f"{of_guest}/entries?limit=1&cursor={now}").json


def rows_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))


def test_the_history_is_a_file(viewer: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent in pieces or at once it is the same: documented columns, ISO instants, whole numbers."""
    answer = viewer.get("/v1/wallet/statement.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="wallet-2026-11-23.csv"'
    monkeypatch.setattr(wallet_files, "PAGE", 2)
    assert viewer.get("/v1/wallet/statement.csv").data == answer.data
    rows = rows_of(answer)
    assert tuple(rows[0]) == wallet_files.COLUMNS
    lines = viewer.get("/v1/wallet/entries?limit=100").json["entries"]
    assert [int(row["number"]) for row in rows] == [line["number"] for line in lines]
    assert [int(row["balance_after"]) for row in rows] == [line["balance_after"]["bonus"] for line in lines]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", row["effective_at"]) for row in rows)
    [unlock] = [row for row in rows if row["operation"] == "spend"]
    assert (unlock["title"], unlock["kind"], unlock["held"]) == ("Paper Kites", "bonus", "0")


def test_an_empty_wallet_has_all_of_it(service: Service) -> None:
    """Who never had a token gets empty answers, and a file with its first row alone."""
    client = guest(service)
    assert client.get("/v1/wallet").json["tokens"] == {}
    assert client.get("/v1/wallet/expiring").json["expiring"] == []
    assert client.get("/v1/wallet/entries").json == {"entries": [], "next_cursor": None}
    assert rows_of(client.get("/v1/wallet/statement.csv")) == []


ENDS = ("", "/expiring", "/entries", "/statement.csv")


def test_staff_read_anothers_wallet_on_record(service: Service, viewer: ApiClient) -> None:
    """Support sees what its owner sees, and each look is in the audit with whose it was."""
    support = member(service, SUPPORT)
    whose = user_id(support, VIEWER)
    for end in ENDS:
        answer = support.get(f"/v1/admin/users/{whose}/wallet{end}")
        assert answer.status_code == 200, answer.text
        assert answer.data == viewer.get(f"/v1/wallet{end}").data
    page = support.get(f"/v1/admin/users/{whose}/wallet/entries?limit=2").json
    older = support.get(f"/v1/admin/users/{whose}/wallet/entries?limit=2&cursor={page['next_cursor']}").json
    assert [line["number"] for line in page["entries"] + older["entries"]] == [
        line["number"] for line in viewer.get("/v1/wallet/entries?limit=4").json["entries"]
    ]
    found = member(service, "admin@example.com").get("/v1/admin/audit?action=wallet.read").json["lines"]
    assert [line["actor"] for line in found] == [SUPPORT] * 6
    assert {line["subject"] for line in found} == {VIEWER}


@pytest.mark.parametrize("end", ENDS)
def test_others_read_no_wallet_but_their_own(service: Service, viewer: ApiClient, end: str) -> None:
    """A member is refused, a stranger asked to sign in; an id that is nobody's is not found."""
    support = member(service, SUPPORT)
    whose = user_id(support, VIEWER)
    refused(viewer.get(f"/v1/admin/users/{whose}/wallet{end}"), 403, "access.not_permitted")
    refused(nobody(service).get(f"/v1/admin/users/{whose}/wallet{end}"), 403, "web.sign_in_needed")
    refused(nobody(service).get(f"/v1/wallet{end}"), 403, "web.sign_in_needed")
    refused(support.get(f"/v1/admin/users/{NOBODYS_ID}/wallet{end}"), 404, "accounts.not_found")


def test_the_document_declares_the_file(service: Service) -> None:
    """Its media type and columns stand in the document, and every read names its errors."""
    paths = nobody(service).get("/v1/openapi.json").json["paths"]
    for path in ("/v1/wallet/statement.csv", "/v1/admin/users/{id}/wallet/statement.csv"):
        declared = paths[path]["get"]["responses"]["200"]
        assert list(declared["content"]) == ["text/csv"]
        assert "balance_after" in declared["description"]
    assert "tokens.bad_statement_place" in paths["/v1/wallet/entries"]["get"]["x-codes"]
    assert "kernel.invalid_value" in paths["/v1/wallet"]["get"]["x-codes"]
