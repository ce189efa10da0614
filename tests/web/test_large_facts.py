"""A file of facts of twenty megabytes: over HTTP, by the page, at the command line; more is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from waitress.server import create_server
from werkzeug.test import TestResponse

from buddy_web.routes.api_royalty import MOST_SENT, MOST_SENT_MB
from tests.web.api_client import ADMIN, ApiClient, app
from tests.web.months import MONTH, signed_in
from tests.web.service import Browser, Service, running
from tests.web.test_cli import Buddy, buddy, database, past, settings, store_with_a_past

__all__ = ["buddy", "database", "past", "settings", "store_with_a_past"]

FACTS = f"/v1/admin/royalty/facts?entity=newtact&month={MONTH}"
COUNT = 20_000


def megabytes(count: int = COUNT) -> bytes:
    """Return a file of facts, most of it blanks: how long facts take to read is measured elsewhere."""
    paid = {"territory": "IN", "currency": "INR", "gross": 100}
    ads = [{"id": f"a{number}", **paid} for number in range(count)]
    return json.dumps({"ads": ads}, separators=(", " + " " * 230, ": ")).encode()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("large")) as found:
        yield found


@pytest.fixture
def admin(service: Service) -> ApiClient:
    """Answer an app of an admin's."""
    return app(service, ADMIN)


def send(admin: ApiClient, name: str, body: bytes) -> tuple[int, dict[str, object]]:
    """Bring a body in as JSON."""
    headers = {**admin.proof(), "Content-Type": "application/json"}
    answer = admin.http.post(f"{FACTS}&name={name}", data=body, headers=headers)
    return answer.status_code, answer.get_json(force=True)


def upload(browser: Browser, name: str, body: bytes) -> TestResponse:
    """Send the form of the page of facts, written out here: the client would leave a file behind."""
    form = {"csrf_token": browser.token, "entity": "newtact", "month": MONTH, "name": name}
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in form.items()
    ]
    head = '--cut\r\nContent-Disposition: form-data; name="file"; filename="ads.json"\r\n\r\n'
    data = "".join([*parts, head]).encode() + body + b"\r\n--cut--\r\n"
    headers = {"Accept": "text/html", "Content-Type": "multipart/form-data; boundary=cut"}
    return browser.client.post("/admin/facts", data=data, headers=headers)


@pytest.fixture
def desk(service: Service) -> Browser:
    """Answer an admin with the page of facts open."""
    browser = signed_in(service, ADMIN)
    browser.get("/admin/facts")
    return browser


def test_twenty_megabytes_come_in_over_http(admin: ApiClient) -> None:
    """They are counted, listed without being read, given back whole, and brought in again count once."""
    body = megabytes()
    assert 19_000_000 < len(body) < MOST_SENT
    assert send(admin, "large", body) == (
        201,
        {"sequence": 1, "facts": COUNT, "is_new": True, "is_late": False},
    )
    status, again = send(admin, "large", body)
    assert (status, again["is_new"]) == (201, False)
    [file] = [item for item in admin.get(FACTS).json["files"] if item["name"] == "large"]
    assert file["facts"] == COUNT
    content = admin.get("/v1/admin/royalty/facts/content?entity=newtact&name=large").data
    assert [item["id"] for item in json.loads(content)["ads"]] == [
        item["id"] for item in json.loads(body)["ads"]
    ]


def test_twenty_megabytes_come_in_by_the_page(desk: Browser) -> None:
    """The form takes as much as it says, and the page lists it."""
    assert f"Up to {MOST_SENT_MB} MB here" in desk.get("/admin/facts").text
    sent = upload(desk, "by page", megabytes().replace(b'"id": "', b'"id": "p'))
    assert sent.status_code == 303, sent.text[:500]
    assert "20,000 facts" in desk.get(sent.location).text


def test_a_file_with_many_problems_is_told_in_a_page_that_can_be_read(desk: Browser) -> None:
    """Of twenty thousand problems the first hundred are listed and the others counted."""
    answer = upload(desk, "wrong", megabytes().replace(b'"gross": 100', b'"gross": "x"'))
    assert answer.status_code == 400
    assert "20,000 things" in answer.text
    assert answer.text.count('<li class="break">') == 100
    assert "And 19,900 more." in answer.text


def test_what_is_too_large_is_told(admin: ApiClient, desk: Browser) -> None:
    """One byte more than the limit is 413 with the limit, for the API and on a page."""
    status, problem = send(admin, "huge", b"x" * (MOST_SENT + 1))
    assert (status, problem["code"]) == (413, "web.body_too_large")
    assert problem["facts"] == {"most_bytes": MOST_SENT}
    assert f"{MOST_SENT:,} bytes" in str(problem["detail"])
    answer = upload(desk, "huge", b"x" * MOST_SENT)
    assert answer.status_code == 413
    assert f"{MOST_SENT:,} bytes" in answer.text


def test_a_client_that_sends_first_hears_why_it_was_refused(service: Service, admin: ApiClient) -> None:
    """Over a real connection the answer to 40 MB is 413, and no broken pipe."""
    server = create_server(service.app, host="127.0.0.1", port=0)

    def serve() -> None:
        with suppress(OSError):  # its sockets are closed below while it waits for them
            server.run()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.effective_port}{FACTS}&name=huge"
        headers = {**admin.proof(), "Content-Type": "application/json"}
        with pytest.raises(HTTPError) as refused:
            urlopen(Request(url, data=b"x" * 40_000_000, headers=headers), timeout=60)
        assert refused.value.code == 413
        assert json.loads(refused.value.read())["code"] == "web.body_too_large"
    finally:
        server.close()
        thread.join(5)


def test_twenty_megabytes_come_in_at_the_command_line(past: Buddy, tmp_path: Path) -> None:
    """And more than fifty are refused with what to do."""
    path = tmp_path / "ads.json"
    path.write_bytes(megabytes())
    done = past("facts", "bring", str(path), "--entity", "newtact", "--month", "2026-10")
    assert (done.exit_code, done.stdout) == (0, "ads.json, 2026-10 of newtact: 20000 facts.\n")
    path.write_bytes(b'{"ads": [' + b" " * 50_000_000 + b"]}")
    refused = past("facts", "bring", str(path), "--entity", "newtact", "--month", "2026-10")
    assert refused.exit_code == 1
    assert "longer than 50 MB; split it" in refused.stderr
