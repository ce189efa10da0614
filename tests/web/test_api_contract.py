"""The API's document as a client reads it: valid, complete, and with a page for every code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from buddy_web.errors import host_codes
from tests.web.api_client import ADMIN, MARIGOLD, guest, member, nobody
from tests.web.api_client import VIEWER as VIEWER_EMAIL
from tests.web.service import Service, running

HTML = {"Accept": "text/html"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def client(service: Service) -> FlaskClient:
    return service.app.test_client()


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get("/v1/openapi.json").json


def operations(document: Any) -> list[tuple[str, str, Any]]:
    """Return method, path and declaration of each operation."""
    return [
        (method, path, found) for path, item in document["paths"].items() for method, found in item.items()
    ]


def test_the_document_is_openapi_3_1(document: Any) -> None:
    """It fits the published schema of OpenAPI 3.1, and every reference in it leads somewhere."""
    assert document["openapi"].startswith("3.1.")
    assert list(OPENAPI_31_VALIDATOR.iter_errors(document)) == []
    for name in set(re.findall(r"'#/components/schemas/([^']+)'", str(document))):
        assert name in document["components"]["schemas"], name


def test_operations_can_be_told_apart(document: Any) -> None:
    """Each has an id of its own, a group, and a success that is declared."""
    found = operations(document)
    assert len({declared["operationId"] for _, _, declared in found}) == len(found)
    for method, path, declared in found:
        assert declared["tags"], (method, path)
        assert [status for status in declared["responses"] if status.startswith("2")], (method, path)


def test_each_refusal_is_declared_with_its_codes(document: Any) -> None:
    """The codes of an operation are those that its answers list; each names 401, 429 and its kinds of 403."""
    for method, path, declared in operations(document):
        listed = {
            code
            for response in declared["responses"].values()
            for code in re.findall(r"`([a-z_]+\.[a-z_]+)`", response["description"])
        }
        # The answer to a wrong field is the same everywhere and is described in words.
        assert listed <= set(declared["x-codes"]), (method, path)
        assert {"web.token_refused", "limits.too_many"} <= listed, (method, path)
        if declared["x-permission"] != "public":
            assert "web.sign_in_needed" in listed, (method, path)
        if declared["x-permission"] not in ("public", "own"):
            assert {"access.not_permitted", "access.second_factor_needed"} <= listed, (method, path)
        if method != "get":
            # Staff who look as a member change nothing, and hear so even where everybody may.
            assert {"web.form_token_refused", "access.not_permitted"} <= listed, (method, path)


def test_every_code_that_an_answer_carries_has_its_page(client: FlaskClient, document: Any) -> None:
    """The codes of the document and those of the host alone each have a page that says what they mean."""
    codes = {code for _, _, declared in operations(document) for code in declared["x-codes"]}
    assert len(codes) > 25
    for code in sorted(codes | set(host_codes())):
        answer = client.get(f"/problems/{code}")
        assert answer.status_code == 200, code
        assert f'id="{code}"' in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "web.no_such_page"),
        ("DELETE", "/v1/wallet", 405, "web.method_not_allowed"),
        ("GET", "/v1/titles?limit=101", 400, "web.invalid_request"),
        ("GET", "/v1/wallet", 403, "web.sign_in_needed"),
    ],
)
def test_the_type_of_a_problem_leads_to_its_page(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    """Whatever layer refuses, the answer is a problem whose type can be opened."""
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"
    assert client.get(answer.json["type"]).status_code == 200


def test_a_field_that_a_query_does_not_have_is_refused(service: Service, document: Any) -> None:
    """Every operation names it and those there are; what it knows is taken with it or without."""
    client = member(service, ADMIN)
    seen = 0
    for method, path, declared in operations(document):
        if method != "get" or declared["x-permission"] not in ("public", "own") or "{" in path:
            continue
        names = [item["name"] for item in declared.get("parameters", ()) if item["in"] == "query"]
        answer = client.get(f"{path}?limt=3")
        if any(item.get("required") for item in declared.get("parameters", ())):
            assert answer.status_code == 400, path
            continue
        assert (answer.status_code, answer.json["code"]) == (400, "web.invalid_request"), path
        [field] = answer.json["facts"]["fields"]
        assert field["field"] == "limt"
        assert all(name in field["problem"] for name in names), path
        seen += 1
    assert seen >= 5
    producer = member(service, MARIGOLD).get("/v1/me").json["producer"]
    for path in (
        "/v1/admin/royalty/terms?entity=newtact&pages=2",
        "/v1/admin/royalty/facts?entity=newtact&month=2026-10&section=sales",
        f"/v1/producer/statements?producer={producer}&month=2026-10",
        f"/v1/producer/statements/2026-11?producer={producer}&page=2",
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json["code"]) == (400, "web.invalid_request"), path
        assert "is not known in this address's query" in answer.json["detail"]
    sent = client.post("/v1/guests?name=x")
    assert (sent.status_code, sent.json["code"]) == (400, "web.invalid_request")


def test_a_body_that_is_no_json_is_a_problem(service: Service) -> None:
    """A broken body, another content type, and JSON that is no object are 400 or 415, never 500."""
    client = guest(service)
    headers = {"X-CSRF-Token": client.token, "Idempotency-Key": "k1"}
    for body, kind in ((b"{", "application/json"), (b"[1]", "application/json"), (b"a=1", "text/plain"),
                       (b"\xff\xfe", "application/json"), (b"", "application/json")):  # fmt: skip
        answer = client.http.post("/v1/unlocks", data=body, content_type=kind, headers=headers)
        assert answer.status_code in (400, 415), (body, answer.text)
        assert answer.content_type == "application/problem+json"


def test_where_value_moves_a_key_is_asked_for(service: Service, document: Any) -> None:
    """Each operation that declares the header as required refuses a request without it, by its name."""
    bodies = {
        "/v1/unlocks": {"type": "film", "id": "zzzz", "seen_tokens": 1, "seen_version": 1},
        "/v1/admin/token-values": {"kind": "paid", "effective_from": "2027-01-01T00:00:00Z", "values": {}},
        "/v1/admin/token-costs": {"changes": {"film": 9}},
        "/v1/admin/reward-rules": {"tokens": 2},
        "/v1/wallet/promotions": {"code": "MONSOON26"},
        "/v1/admin/promotions": {
            "code": "MONSOON26",
            "tokens": 5,
            "days": 30,
            "limit": 10,
            "ends_at": "2026-12-31T00:00:00Z",
            "reason": "a test",
        },
        "/v1/admin/promotions/{promotion}/end": {"reason": "a test"},
        "/v1/admin/wallets/freeze": {"email": VIEWER_EMAIL, "reason": "a test"},
        "/v1/admin/wallets/unfreeze": {"email": VIEWER_EMAIL, "reason": "a test"},
        "/v1/admin/users/{id}/tokens": {"tokens": 1, "reason": "a test"},
        "/v1/admin/prices": {"removed": ["est-film-in"]},
        "/v1/admin/users/{id}/access": {"kind": "gift", "reason": "a test"},
        "/v1/admin/users/{id}/access/{grant}/extend": {"ends_at": "2027-01-01T00:00:00Z", "reason": "a test"},
        "/v1/admin/users/{id}/access/{grant}/revoke": {"reason": "a test"},
        "/v1/admin/users/{id}/entries/{entry}/refund": {"reason": "a test"},
        "/v1/admin/users/{id}/entries/{entry}/reverse": {"reason": "a test"},
        "/v1/admin/users/{id}/entries/{entry}/adjust": {"tokens": 1, "reason": "a test"},
        "/v1/admin/titles/{type}/{id}/rights/changes": {"changes": [], "reason": "a test"},
        "/v1/admin/titles/{type}/{id}/takedown": {"territories": ["*"], "notice": "n", "reason": "a test"},
        "/v1/admin/titles/{type}/{id}/restore": {"takedown": "tkd_" + "0" * 32, "reason": "a test"},
        "/v1/admin/rights/windows.csv": {},
    }
    asking = {
        path
        for _, path, declared in operations(document)
        for parameter in declared.get("parameters", [])
        if parameter["name"] == "Idempotency-Key" and parameter["required"]
    }
    assert asking == set(bodies)
    admin = member(service, "admin@example.com")
    for path, body in bodies.items():
        path = path.replace("{id}", "usr_" + "0" * 32).replace("{entry}", "7")
        answer = admin.post(path.replace("{promotion}", "MONSOON26"), body)
        assert answer.status_code == 400, path
        assert [item["field"] for item in answer.json["facts"]["fields"]] == ["Idempotency-Key"]


@pytest.mark.parametrize("position", [-1, 10**7, 10**40, 1.5, "9", None, True])
def test_a_position_that_none_can_be_is_refused(service: Service, position: Any) -> None:
    """Seconds below nought or beyond any film, fractions and texts are named as wrong."""
    client = guest(service)
    path = "/v1/playback/sessions/ses_" + "0" * 32
    for end, body in (
        ("beats", {"position_s": position, "playing": True}),
        ("stop", {"position_s": position}),
    ):
        answer = client.post(f"{path}/{end}", body)
        assert answer.status_code == 400, end
        assert [item["field"] for item in answer.json["facts"]["fields"]] == ["position_s"]


def test_the_documents_page_has_no_inline_code(client: FlaskClient) -> None:
    """Under the strict policy every script and style of it is a file of ours, that is there."""
    answer = client.get("/v1/docs", headers=HTML)
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", answer.text)
    assert scripts
    for attributes, code in scripts:
        assert 'src="/static/' in attributes
        assert code == ""
    with client.get("/static/js/docs.js") as script:
        assert script.status_code == 200


def test_a_stranger_is_told_how_to_begin(service: Service) -> None:
    """Without an account the wallet answers in words what to do next."""
    answer = nobody(service).get("/v1/wallet")
    assert "POST /v1/guests" in answer.json["detail"]
