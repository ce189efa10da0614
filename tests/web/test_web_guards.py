"""Security headers, cache rules, body limits, logs and health."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from buddy_web.app import BuddyApp
from buddy_web.logs import JsonLines, configure_logging, correlation_id
from tests.web.toy_app import ASHA, Container, log_lines

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self' blob: data:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
PATHS = ["/me", "/nowhere", "/fault", "/fail/toy.not_yours", "/health", "/v1/openapi.json", "/files/toy.txt"]


@pytest.mark.parametrize("path", PATHS)
def test_headers_on_every_answer(client: FlaskClient, path: str) -> None:
    """Pages, errors, files and documents all carry the security headers."""
    with client.get(path) as answer:
        headers = answer.headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert headers["X-Correlation-Id"]
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", PATHS)
def test_production_demands_https(production: BuddyApp, path: str) -> None:
    """In production every answer tells browsers to come by https only."""
    with production.test_client().get(path) as answer:
        headers = answer.headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


def test_personal_answers_are_not_stored(client: FlaskClient) -> None:
    """An answer is private unless its view says otherwise, and one with a cookie always is."""
    assert client.get("/me").headers["Cache-Control"] == "private, no-store"
    assert client.get("/fail/toy.not_yours").headers["Cache-Control"] == "private, no-store"
    assert client.get("/cached").headers["Cache-Control"] == "public, max-age=60"
    assert client.get("/cached-with-cookie").headers["Cache-Control"] == "private, no-store"


def test_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    """A body over the limit is a 413 problem, before a view or the form check reads it."""
    answer = client.post("/change", data=b"x" * 1001)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (413, "web.body_too_large")
    assert answer.mimetype == "application/problem+json"


def test_body_of_undeclared_length_is_cut_off(client: FlaskClient) -> None:
    """A body that does not declare its length is refused once it passes the limit."""
    undeclared = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    answer = client.post("/upload", input_stream=io.BytesIO(b"x" * 5001), environ_overrides=undeclared)
    assert answer.status_code == 413


def test_route_declares_its_own_limit(client: FlaskClient) -> None:
    """A route for uploads takes as much as it declares, and no more."""
    assert client.post("/upload", data=b"x" * 5000).get_json() == {"size": 5000}
    assert client.post("/upload", data=b"x" * 5001).status_code == 413


def test_request_line(client: FlaskClient) -> None:
    """A request leaves one line: method, route pattern, status, milliseconds, correlation id."""
    with log_lines() as lines:
        client.get("/titles/k7m2", headers={"X-Correlation-Id": "abc-1"})
    line = next(line for line in lines if line["logger"] == "buddy.request")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/titles/<title_id>", 200)
    assert isinstance(line["ms"], int)
    assert line["correlation_id"] == "abc-1"


def test_correlation_id_reaches_every_line(client: FlaskClient) -> None:
    """Lines written on the loop carry the request's id, and the answer returns it."""
    with log_lines() as lines:
        answer = client.get("/titles/k7m2")
    minted = answer.headers["X-Correlation-Id"]
    assert answer.get_json()["correlation_id"] == minted
    assert {line["correlation_id"] for line in lines} == {minted}
    assert "on the loop" in [line["message"] for line in lines]
    assert correlation_id.get() == ""


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "asha@example.com", 'x"y', "é"])
def test_malformed_correlation_id_is_replaced(client: FlaskClient, given: str) -> None:
    """An id that is not 1 to 64 safe characters is replaced by a new one."""
    answer = client.get("/me", headers={"X-Correlation-Id": given.encode().decode("latin-1")})
    assert answer.headers["X-Correlation-Id"] != given
    assert len(answer.headers["X-Correlation-Id"]) == 32


def test_no_personal_data_in_logs(client: FlaskClient) -> None:
    """No address, query, cookie, body, path value or exception's words reach the log."""
    client.get("/sign-in/asha")
    cookie = client.get_cookie("buddy_account")
    assert cookie is not None
    peer = {"REMOTE_ADDR": "203.0.113.77"}
    with log_lines() as lines:
        client.get("/me?email=asha@example.com", environ_overrides=peer)
        client.get("/titles/secret-title", environ_overrides=peer)
        client.get("/reset/secret-title", environ_overrides=peer)
        client.get("/fault", environ_overrides=peer)
        client.post("/v1/purchases", json={"tokens": 0, "email": "asha@example.com"}, environ_overrides=peer)
        client.open("/me", method="ASHA", environ_overrides=peer)
    text = json.dumps(lines)
    for personal in ("asha", "ASHA", "203.0.113", "secret-title", "email", ASHA.hex, cookie.value):
        assert personal not in text
    assert [line["route"] for line in lines if line["logger"] == "buddy.request"].count("unmatched") == 2


def test_demo_logs_the_words_of_errors() -> None:
    """With texts of errors switched on, the whole traceback is in the line."""
    with log_lines(texts_of_errors=True) as lines:
        try:
            raise RuntimeError("told in full")
        except RuntimeError:
            logging.getLogger("buddy.toy").exception("failed")
    assert "told in full" in lines[0]["error_text"]


def test_configure_logging_writes_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once configured, any logger's line is JSON, from the level that was set."""
    root = logging.getLogger()
    kept: tuple[Any, int] = (root.handlers[:], root.level)
    stream = io.StringIO()
    # Keep pytest's own handlers from being closed by the new configuration.
    monkeypatch.setattr(root, "handlers", [])
    try:
        configure_logging("WARNING", texts_of_errors=False, stream=stream)
        logging.getLogger("anything").info("quiet")
        logging.getLogger("anything").warning("said %s", "so")
        assert isinstance(root.handlers[0].formatter, JsonLines)
    finally:
        root.handlers[:], root.level = kept
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == [("warning", "said so")]


def test_health_and_readiness(client: FlaskClient, container: Container) -> None:
    """The process is up even when what it needs is not; ready says which, without details."""
    assert client.get("/ready").status_code == 200
    container.fault = RuntimeError("password of the database")
    with log_lines() as lines:
        answer = client.get("/ready")
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (503, "web.not_ready")
    assert "password" not in answer.get_data(as_text=True) + json.dumps(lines)
    assert client.get("/health").get_json() == {"status": "up"}


def test_readiness_does_not_wait_for_ever(client: FlaskClient, container: Container) -> None:
    """A check that reports a timeout is a 503 like any other."""
    container.fault = TimeoutError()
    assert client.get("/ready").status_code == 503


@pytest.mark.parametrize(
    "request_of", [{"path": "/me?name=a%00b"}, {"path": "/me", "query_string": {"\0": "x"}}]
)
def test_a_nul_is_refused(client: FlaskClient, request_of: dict[str, Any]) -> None:
    """A NUL character in a field is answered as a mistake of the request, not by the database."""
    answer = client.get(**request_of)
    assert answer.status_code == 400
    assert answer.json["code"] == "web.invalid_request"
