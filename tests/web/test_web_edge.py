"""The edge as the whole service shows it: headers of every answer, pages of other origins, size limits."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from buddy_web.cors import EXPOSED_HEADERS
from buddy_web.security import HEADERS, PRIVATE, STRICT_TRANSPORT
from buddy_web.settings import InvalidSettings, Mode, load_settings
from tests.web.api_client import ADMIN, ApiClient, guest, member, nobody
from tests.web.service import Service, running
from tests.web.test_odd_input import USUAL
from tests.web.toy_app import log_lines

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "WHATEVER")
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
CACHEABLE = {"static": "no-cache", "watching.art": "public, max-age=86400"}
"""What is the same for everybody; all else is somebody's own."""
APP, OTHER = "https://app.example.com", "https://evil.example.com"
MAX_BYTES = 3000
UNDECLARED = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
"""What a server says of a body that comes in chunks."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The demo behind https, with one allowed origin, a small limit on bodies, and two views that fail."""
    folder = tmp_path_factory.mktemp("edge")
    with running(
        folder, public_url="https://watch.example.com", cors_origins=(APP,), max_body_bytes=MAX_BYTES
    ) as found:
        found.app.config["PREFERRED_URL_SCHEME"] = "https"
        found.app.add_url_rule("/planted", "planted", _fail, methods=["GET"])
        found.app.add_url_rule("/v1/planted", "planted_api", _fail, methods=["GET"])
        yield found


def _fail() -> str:
    raise RuntimeError("planted")


@pytest.fixture
def admin(service: Service) -> ApiClient:
    return member(service, ADMIN)


def rules(app: Flask) -> list[Rule]:
    """Return every rule of the service, and be sure that they are all there."""
    found = list(app.url_map.iter_rules())
    assert len(found) > 60
    return found


def address(rule: Rule, **known: str) -> str:
    """Return an address that a rule takes."""
    built = rule.build({name: (USUAL | known)[name] for name in rule.arguments}, append_unknown=False)
    assert built is not None, rule.rule
    return built[1]


def check_headers(answer: TestResponse, seen_at: object) -> None:
    """Fail unless an answer carries all that every answer does."""
    headers = answer.headers
    for name, value in {**HEADERS, "Strict-Transport-Security": STRICT_TRANSPORT}.items():
        assert headers.getlist(name) == [value], (seen_at, name)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", headers["X-Correlation-Id"]), seen_at
    assert len(headers.getlist("Cache-Control")) == 1, seen_at
    assert "Server" not in headers, seen_at
    if headers.getlist("Set-Cookie"):
        assert headers["Cache-Control"] == PRIVATE, seen_at
        assert all("; Secure; HttpOnly" in cookie for cookie in headers.getlist("Set-Cookie")), seen_at


def walk(service: Service, who: ApiClient, accept: str) -> Iterator[tuple[Rule, str, TestResponse]]:
    """Ask every address of the service by every method; what changes things goes with the form token."""
    film = next(
        item["id"] for item in nobody(service).get("/v1/titles").json["titles"] if item["type"] == "film"
    )
    for rule in rules(service.app):
        for method in METHODS:
            # A member who signs out, or in anew, has another token.
            who.get("/v1/me")
            headers = {"Accept": accept, "X-CSRF-Token": who.token}
            path = address(rule, short_id=film, filename="css/buddy.css", media_key="monsoon")
            yield rule, method, who.http.open(path, method=method, headers=headers, buffered=True)


@pytest.mark.parametrize(
    ("role", "accept"), [("nobody", "application/json"), ("guest", "text/html"), ("admin", "text/html")]
)
def test_every_answer_of_every_route_is_guarded(service: Service, role: str, accept: str) -> None:
    """Whoever asks what address by what method: the headers are there, and nothing private is cached."""
    who = {"nobody": nobody, "guest": guest, "admin": lambda it: member(it, ADMIN)}[role](service)
    statuses = set()
    for rule, method, answer in walk(service, who, accept):
        check_headers(answer, (rule.rule, method, answer.status_code))
        assert answer.status_code < 500 or rule.endpoint.startswith("planted"), (rule.rule, method)
        shared = CACHEABLE.get(rule.endpoint) if answer.status_code in (200, 304) else None
        allowed = {PRIVATE, shared} if method in ("OPTIONS", "GET", "HEAD") else {PRIVATE}
        assert answer.headers["Cache-Control"] in allowed, (rule.rule, method)
        statuses.add(answer.status_code)
    assert statuses >= {200, 303, 400, 404, 405, 500}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/static/css/buddy.css", {"If-None-Match": "*"}, 304),
        ("/static/css/buddy.css", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
        ("/static/css/buddy.css", {"Accept-Encoding": "gzip"}, 200),
        ("/static/css/buddy.css", {"Range": "bytes=0-9"}, 206),
        ("/static/css/buddy.css", {"Range": "bytes=99999999-"}, 416),
        ("/static/css/none.css", {}, 404),
        ("/static/../settings.py", {}, 404),
        ("//evil.example", {}, 308),
        ("/%00", {}, 404),
        ("/?q=%00", {}, 400),
        ("/", {"Host": "a b/../c"}, 200),
        ("/", {"Cookie": 'buddy_account="; buddy_csrf=; ;;='}, 200),
        ("/", {"Accept": "image/png"}, 200),
    ],
)
def test_odd_answers_are_guarded(service: Service, path: str, headers: dict[str, str], status: int) -> None:
    """Parts of files, files as before, redirects, and what cannot be understood have the headers too."""
    answer = service.app.test_client().get(path, headers=headers, buffered=True)
    assert answer.status_code == status
    check_headers(answer, path)


def changing(service: Service) -> Iterator[tuple[Rule, str]]:
    """Return each rule and method that may bring a body."""
    for rule in rules(service.app):
        for method in sorted(CHANGING & (rule.methods or set())):
            yield rule, method


def limit_of(service: Service, rule: Rule) -> int:
    """Return how many bytes a rule takes: the setting, or what its view declares."""
    found: int = getattr(service.app.view_functions[rule.endpoint], "_buddy_body_limit", MAX_BYTES)
    return found


def test_every_route_refuses_a_body_that_is_too_large(service: Service, admin: ApiClient) -> None:
    """One byte over its limit, and every route that changes things answers 413, with a token and without."""
    seen = 0
    for rule, method in changing(service):
        body = b"x" * (limit_of(service, rule) + 1)
        for headers in ({}, {"X-CSRF-Token": admin.token}):
            answer = admin.http.open(address(rule), method=method, data=body, headers=headers)
            assert (answer.status_code, answer.json["code"]) == (413, "web.body_too_large"), rule.rule
            check_headers(answer, rule.rule)
            seen += 1
    assert seen > 30


def test_no_route_takes_the_beginning_for_the_whole(service: Service) -> None:
    """A body that does not say how long it is is read to the limit and refused, never cut there and taken."""
    for rule, method in changing(service):
        for content_type in ("application/json", "application/x-www-form-urlencoded"):
            admin = member(service, ADMIN)
            limit = limit_of(service, rule)
            stream = io.BytesIO(b'{"a": "' + b"x" * (limit + 100))
            answer = admin.http.open(
                address(rule),
                method=method,
                input_stream=stream,
                content_type=content_type,
                headers={"X-CSRF-Token": admin.token},
                environ_overrides=UNDECLARED,
            )
            # A view that takes no JSON need not read it.
            assert answer.status_code == 413 or stream.tell() == 0, rule.rule
            assert stream.tell() <= limit + 1, rule.rule
            assert answer.status_code == 413 or content_type == "application/json", rule.rule


@pytest.mark.parametrize(("over", "status"), [(0, 400), (1, 413)])
def test_the_limit_itself_is_taken(service: Service, over: int, status: int) -> None:
    """A body as long as the limit is read whole, whether it says its length or not; one byte more is not."""
    client = nobody(service)
    body = b'{"email": "asha", "password": "'
    body += b"x" * (MAX_BYTES - len(body) - 2 + over) + b'"}'
    for declared in ({}, UNDECLARED):
        answer = client.http.post(
            "/v1/auth/register",
            input_stream=io.BytesIO(body),
            content_type="application/json",
            headers={"X-CSRF-Token": client.token},
            environ_overrides=declared,
        )
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", ["/v1/me", "/v1/nowhere", "/v1/planted", "/v1/wallet", "/v1/openapi.json"])
def test_an_allowed_page_may_read_the_api(service: Service, path: str) -> None:
    """An answer to an allowed origin names it and lets cookies and the useful headers through, errors too."""
    headers = service.app.test_client().get(path, headers={"Origin": APP}).headers
    assert headers.getlist("Access-Control-Allow-Origin") == [APP]
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert set(headers["Access-Control-Expose-Headers"].split(", ")) == set(EXPOSED_HEADERS)
    assert "Origin" in headers["Vary"].split(", ")


NOT_ALLOWED = [
    None, OTHER, "null", "*", "", "http://app.example.com", "https://app.example.com:8443",
    "https://APP.example.com", "https://app.example.com/", "https://app.example.com.evil.example",
    "https://evil.example/https://app.example.com", f"{APP}, {OTHER}", "https://watch.example.com",
]  # fmt: skip


@pytest.mark.parametrize("origin", NOT_ALLOWED)
def test_other_pages_are_told_nothing(service: Service, origin: str | None) -> None:
    """An origin that is not in the list letter for letter gets no header of this kind."""
    sent = {} if origin is None else {"Origin": origin}
    headers = service.app.test_client().get("/v1/me", headers=sent).headers
    assert not named(headers)
    assert "Origin" in headers["Vary"].split(", ")


@pytest.mark.parametrize("path", ["/", "/join", "/static/css/buddy.css", "/nowhere", "/v1"])
def test_pages_are_for_no_other_site(service: Service, path: str) -> None:
    """Outside of the API no answer names an origin, not even an allowed one."""
    client = service.app.test_client()
    assert not named(client.get(path, headers={"Origin": APP}, buffered=True).headers)
    preflight = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    assert not named(client.options(path, headers=preflight, buffered=True).headers)


def named(headers: Any) -> list[str]:
    """Return the headers that speak to other origins' pages."""
    return [name for name, _ in headers if name.startswith("Access-Control-")]


def preflight(service: Service, path: str, origin: str, method: str = "POST") -> TestResponse:
    """Ask as a browser does before a page of `origin` may send something."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type,idempotency-key,x-csrf-token",
        "Sec-Fetch-Site": "cross-site",
    }
    return service.app.test_client().options(path, headers=headers)


def test_a_preflight_is_answered_before_all_else(service: Service) -> None:
    """Any address of the API says 204 to an allowed page, without an account or a token, for a day."""
    asked = 0
    for rule in rules(service.app):
        if not rule.rule.startswith("/v1/"):
            continue
        answer = preflight(service, address(rule), APP)
        assert (answer.status_code, answer.data) == (204, b""), rule.rule
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Access-Control-Max-Age"] == "86400"
        assert {"GET", "POST", "PUT"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))
        taken = set(answer.headers["Access-Control-Allow-Headers"].split(", "))
        assert taken >= {"Content-Type", "Authorization", "Idempotency-Key", "X-CSRF-Token"}
        assert "Set-Cookie" not in answer.headers
        check_headers(answer, rule.rule)
        asked += 1
    assert asked > 25


def test_the_document_names_no_header_that_a_preflight_refuses(service: Service) -> None:
    """Each header that an operation takes is one that a preflight allows."""
    document = service.app.test_client().get("/v1/openapi.json").json
    allowed = preflight(service, "/v1/me", APP).headers["Access-Control-Allow-Headers"].lower().split(", ")
    taken = {
        parameter["name"].lower()
        for operations in document["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "header"
    }
    assert taken
    assert taken <= set(allowed)


@pytest.mark.parametrize("origin", [OTHER, "null"])
def test_a_refused_preflight_says_so(service: Service, origin: str) -> None:
    """Another origin's preflight is a 403 problem with no header that a browser would act on."""
    answer = preflight(service, "/v1/unlocks", origin)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (403, "web.origin_not_allowed")
    assert not named(answer.headers)
    assert "Origin" in answer.headers["Vary"].split(", ")
    check_headers(answer, origin)


def test_options_without_a_preflight_is_plain(service: Service) -> None:
    """OPTIONS that asks for nothing of another origin names the methods of the address."""
    answer = service.app.test_client().options("/v1/guests")
    assert answer.status_code == 200
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_an_allowed_page_changes_things_with_its_token(service: Service, site: str) -> None:
    """A request that changes something passes from an allowed origin, and still not without the token."""
    client = nobody(service)
    sent = {"Origin": APP, "Sec-Fetch-Site": site}
    refused = client.http.post("/v1/guests", headers=sent)
    assert (refused.status_code, refused.json["code"]) == (403, "web.form_token_refused")
    assert refused.headers["Access-Control-Allow-Origin"] == APP
    assert client.http.post("/v1/guests", headers={**sent, "X-CSRF-Token": client.token}).status_code == 201


@pytest.mark.parametrize(
    ("path", "origin"),
    [("/v1/guests", OTHER), ("/v1/guests", "null"), ("/v1/guests", None), ("/country", APP)],
)
def test_others_change_nothing_even_with_a_token(service: Service, path: str, origin: str | None) -> None:
    """From another origin, or to a page instead of the API, a request from elsewhere is refused as before."""
    client = nobody(service)
    sent = {"Sec-Fetch-Site": "same-site", "X-CSRF-Token": client.token}
    sent |= {} if origin is None else {"Origin": origin}
    assert client.http.post(path, headers=sent).status_code == 403


def test_no_origin_is_allowed_unless_it_is_set(tmp_path: Path) -> None:
    """Without the setting no origin is named, and each preflight is refused."""
    with running(tmp_path) as service:
        assert not named(service.app.test_client().get("/v1/me", headers={"Origin": APP}).headers)
        assert preflight(service, "/v1/me", APP).status_code == 403


KEY = "k" * 40
PRODUCTION = {
    "BUDDY_MODE": "production", "BUDDY_SECRET_KEY": KEY, "BUDDY_PUBLIC_URL": "https://watch.example.com"
}  # fmt: skip


def test_origins_are_read_as_browsers_send_them() -> None:
    """Several origins are separated by commas; the demo takes plain http too."""
    text = "https://app.example.com, http://localhost:5173,https://xn--bcher-kva.example:8443,https://[2001:db8::1]"
    settings = load_settings({"BUDDY_SECRET_KEY": KEY, "BUDDY_CORS_ORIGINS": text})
    assert settings.cors_origins == tuple(part.strip() for part in text.split(","))


@pytest.mark.parametrize(
    "origin",
    [
        "*", "null", "app.example.com", "https://*.example.com", "https://app.example.com/",
        "https://app.example.com/v1", "https://App.example.com", "https://app.example.com:443",
        "https://app.example.com:", "https://app.example.com:99999", "https://a@app.example.com", "https://",
        "https://-a.example.com", "https://a..example.com", "ftp://app.example.com", "https://app.example.com?x",
        "http://app.example.com", "https://app.example.com;https://b.example.com",
    ],
)  # fmt: skip
def test_what_is_no_origin_stops_the_start(origin: str) -> None:
    """A wildcard, `null`, a path, capitals, a scheme's own port, or plain http in production is refused."""
    with pytest.raises(InvalidSettings) as caught:
        load_settings({**PRODUCTION, "BUDDY_CORS_ORIGINS": f"{APP},{origin}"})
    assert "BUDDY_CORS_ORIGINS" in caught.value.message()


def in_production(folder: Path, **settings: Any) -> Any:
    """Run the service as production has it: no demo visitor chooses a country."""
    return running(
        folder,
        mode=Mode.PRODUCTION,
        public_url="https://watch.example.com",
        country_header="CF-IPCountry",
        **settings,
    )


def test_a_country_that_a_client_names_itself_changes_nothing(tmp_path: Path) -> None:
    """The header of no trusted proxy moves neither the country nor what is offered; the proxy's own does."""
    proxy, client = "10.0.0.1", "203.0.113.9"
    with in_production(tmp_path, trusted_proxies=(ip_network("10.0.0.0/8"),)) as service:

        def seen(peer: str, **headers: str) -> tuple[Any, Any]:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            http, peers = service.app.test_client(), {"REMOTE_ADDR": peer}
            country = http.get("/v1/me", headers=sent, environ_overrides=peers).json["country"]
            titles = http.get("/v1/titles?limit=100", headers=sent, environ_overrides=peers).json["titles"]
            return country, [(title["id"], title["access"]) for title in titles]

        plain = seen(client)
        assert plain[0] is None
        for country in ("IN", "US"):
            forged = {
                "CF_IPCountry": country,
                "X_Country": country,
                "X_Forwarded_For": proxy,
                "Forwarded": "for=10.0.0.1",
            }
            assert seen(client, **forged) == plain
        assert seen(proxy, CF_IPCountry="IN", X_Forwarded_For=client)[0] == "IN"
        assert seen(proxy, CF_IPCountry="IN", X_Forwarded_For=client)[1] != plain[1]


@pytest.mark.parametrize(
    "path", ["/v1/me", "/", "/v1/planted", "/planted", "/nowhere", "/v1/titles/film/zzzz", "/ready"]
)
@pytest.mark.parametrize("given", ["req-7F.a_1", None])
def test_the_correlation_id_is_in_every_line(service: Service, path: str, given: str | None) -> None:
    """A sane id that came along, or else a new one, is in the answer and in each line, of failures too."""
    sent = {} if given is None else {"X-Correlation-Id": given}
    with log_lines() as lines:
        answer = service.app.test_client().get(path, headers=sent, buffered=True)
    told = answer.headers.getlist("X-Correlation-Id")
    assert told == [given] if given else re.fullmatch(r"[0-9a-f]{32}", told[0])
    assert {line["correlation_id"] for line in lines} == set(told)
    assert [line["logger"] for line in lines].count("buddy.request") == 1
    assert (answer.status_code == 500) == ("buddy.errors" in [line["logger"] for line in lines])


def test_each_request_has_an_id_of_its_own(service: Service) -> None:
    """Ids that are made are never made twice, also on one connection."""
    client = service.app.test_client()
    assert len({client.get("/health").headers["X-Correlation-Id"] for _ in range(20)}) == 20


def test_each_lack_of_a_password_has_its_line(service: Service) -> None:
    """The join page names all that a password lacks, a line each, as what describes the field."""
    browser = service.browser()
    page = browser.join("asha@example.com", "asha").text
    field = re.search(r'<input id="password"[^>]*>', page)
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    described = re.search(r'aria-describedby="([^"]+)"', field[0])
    assert described is not None
    box = re.search(rf'<div [^>]*id="{described[1]}"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert box is not None
    assert re.findall(r"<li>(.*?)</li>", box[1]) == [
        "at least 8 characters", "an upper-case letter", "a digit", "a special character",
        "no part of your e-mail address",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("password", "lacks"),
    [
        ("asha", ["too_short", "no_upper", "no_digit", "no_special", "holds_email"]),
        ("Password1!", ["too_common"]),
        ("Xy-ASHA-2026", ["holds_email"]),
    ],
)
def test_the_api_tells_each_lack_by_its_code(service: Service, password: str, lacks: list[str]) -> None:
    """The problem's facts hold a stable code for each thing that the password lacks."""
    client = nobody(service)
    answer = client.post("/v1/auth/register", {"email": "Asha@Example.com", "password": password})
    assert (answer.status_code, answer.json["code"]) == (400, "accounts.weak_password")
    assert answer.json["facts"] == {"lacks": lacks}
