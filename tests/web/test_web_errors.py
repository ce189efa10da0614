"""Errors: the table, problem documents, pages, and what is kept back."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from buddy_core.kernel.errors import BuddyError
from buddy_web.errors import status_of
from buddy_web.settings import Settings
from tests.web.toy_app import SECRET, Container, log_lines, make_app

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("toy.no_such_title", 404),
        ("toy.not_yours", 403),
        ("toy.not_proven", 401),
        ("toy.too_often", 429),
        ("toy.too_few_tokens", 422),
        ("toy.already_done", 409),
        ("kernel.contention", 409),
        ("kernel.idempotency_mismatch", 409),
        ("kernel.invalid_value", 400),
        ("toy.unreachable", 503),
    ],
)
def test_table(client: FlaskClient, code: str, status: int) -> None:
    """Each kind of error has its status, as a problem document with the code."""
    answer = client.get(f"/fail/{code}")
    body = answer.get_json(force=True)
    assert answer.status_code == body["status"] == status
    assert answer.mimetype == "application/problem+json"
    assert (body["code"], body["type"]) == (code, f"/problems/{code}")
    assert body["title"]
    assert body["detail"]
    assert body["correlation_id"] == answer.headers["X-Correlation-Id"]


def test_an_error_of_no_kind_is_ours() -> None:
    """An error outside of the table counts as a fault of ours."""
    assert status_of(BuddyError())[0] == 500


def test_unavailable_says_when_to_try_again(client: FlaskClient) -> None:
    """A 503 carries Retry-After."""
    assert client.get("/fail/toy.unreachable").headers["Retry-After"] == "2"


def test_too_many_says_when_to_try_again(client: FlaskClient) -> None:
    """A 429 carries the error's own seconds in Retry-After."""
    assert client.get("/fail/toy.too_often").headers["Retry-After"] == "42"


def test_not_signed_in_names_the_scheme(client: FlaskClient) -> None:
    """A 401 says that a bearer token is asked for."""
    assert client.get("/fail/toy.not_proven").headers["WWW-Authenticate"] == 'Bearer realm="buddy"'


def test_facts_are_json_without_internal_ids(client: FlaskClient) -> None:
    """Facts come as plain JSON values, and internal ids are left out."""
    facts = client.get("/fail/toy.too_few_tokens").get_json(force=True)["facts"]
    assert facts == {"cost": 2, "seen_at": "2026-11-21T10:00:00.000000Z", "scopes": ["episode", "film"]}


def test_browser_gets_a_page(client: FlaskClient) -> None:
    """A client that prefers HTML gets the error page with the same status."""
    answer = client.get("/fail/toy.no_such_title", headers=HTML)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "<i>toy.no_such_title</i>" in answer.get_data(as_text=True)
    assert "Accept" in answer.vary


def test_failing_error_page_falls_back(container: Container) -> None:
    """If the error page itself cannot be made, the problem document is sent."""
    app = make_app(Settings(secret_key=SECRET), container, error_page=False)
    with log_lines():
        answer = app.test_client().get("/fail/toy.no_such_title", headers=HTML)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_unforeseen_error_tells_nothing(client: FlaskClient) -> None:
    """An unforeseen exception is a 500 without its words, and its type and place are logged."""
    with log_lines() as lines:
        answer = client.get("/fault")
    assert answer.status_code == 500
    assert answer.get_json(force=True)["code"] == "web.fault"
    assert "asha" not in answer.get_data(as_text=True)
    logged = next(line for line in lines if line["logger"] == "buddy.errors")
    assert logged["error"] == "builtins.RuntimeError"
    assert any("fault" in place for place in logged["where"])
    assert logged["correlation_id"] == answer.headers["X-Correlation-Id"]


def test_http_errors_are_problems(client: FlaskClient) -> None:
    """Unknown addresses and methods are problem documents too, and 405 names what is allowed."""
    missing, method = client.get("/nowhere"), client.delete("/me")
    assert (missing.status_code, missing.get_json(force=True)["code"]) == (404, "web.no_such_page")
    assert (method.status_code, method.get_json(force=True)["code"]) == (405, "web.method_not_allowed")
    assert "GET" in method.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"tokens": 0, "email": "a@example.com"}, ["tokens"]),
        ({"email": 7}, ["tokens", "email"]),
        (None, ["body"]),
    ],
)
def test_wrong_fields_are_named(
    client: FlaskClient, body: dict[str, object] | None, fields: list[str]
) -> None:
    """A request of the wrong shape is a 400 problem that names each field."""
    token = client.get("/form").get_data(as_text=True)
    answer = client.post("/v1/purchases", json=body, headers={"X-CSRF-Token": token})
    problem = answer.get_json(force=True)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert problem["code"] == "web.invalid_request"
    assert [item["field"] for item in problem["facts"]["fields"]] == fields
    assert fields[0] in problem["detail"]


def test_what_was_sent_is_not_repeated(client: FlaskClient) -> None:
    """The answer to a wrong field does not hold the value that was sent."""
    token = client.get("/form").get_data(as_text=True)
    sent = {"tokens": "asha@example.com", "email": "a"}
    answer = client.post("/v1/purchases", json=sent, headers={"X-CSRF-Token": token})
    assert "asha" not in answer.get_data(as_text=True)


def test_document_describes_problems(client: FlaskClient) -> None:
    """The OpenAPI 3.1 document is served and describes the answer to a wrong request as it is sent."""
    document = client.get("/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    refused = document["paths"]["/v1/purchases"]["post"]["responses"]["400"]
    assert list(refused["content"]) == ["application/problem+json"]
    assert "correlation_id" in document["components"]["schemas"]["Problem"]["properties"]
