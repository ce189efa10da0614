"""The desk's pages of rights: what is open where, forms that show their effect first, takedowns and files."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.web.api_client import ADMIN, FINANCE, ApiClient, guest, member
from tests.web.service import Browser, Service, running
from tests.web.test_producer_admin_pages import changes, signed_in
from tests.web.test_viewer_pages import UUID_TEXT

HEAD = "title,type,territories,starts,ends,tiers,free,tokens\n"
SVOD = {
    "act": "add_window",
    "type": "svod",
    "territories": "* ",
    "excluding": "ae",
    "starts": "2026-12-01",
    "ends": "2027-06-01",
    "zone": "Asia/Kolkata",
    "tiers": "gold, silver",
    "reason": "the autumn plan",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def admin(service: Service) -> Browser:
    """An admin who has opened the desk."""
    browser = signed_in(service, ADMIN)
    browser.get("/admin")
    return browser


@pytest.fixture
def api(service: Service) -> ApiClient:
    """The same person by the API."""
    return member(service, ADMIN)


@pytest.fixture
def film(api: ApiClient) -> str:
    """The page of a film that is licensed worldwide and has one open TVOD window."""
    return f"/admin/rights/film/{api.title('The Last Monsoon')['id']}"


def sent_on(page: str) -> dict[str, str]:
    """Return what the form under the effect sends."""
    part = page[page.index('id="effect"') :]
    part = part[: part.index("</form>")]
    found = re.findall(r'name="([^"]+)" value="([^"]*)"', part)
    return {name: html.unescape(value) for name, value in found if name != "csrf_token"}


def words(page: str) -> str:
    """Return what is read on a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page))).replace("\u202f", " ")


def ids(page: str, prefix: str) -> list[str]:
    """Return the public ids on a page, each once."""
    return list(dict.fromkeys(re.findall(rf"{prefix}_[0-9a-f]{{32}}", page)))


def test_the_list_says_what_is_open_today(service: Service, admin: Browser, film: str) -> None:
    """Each title has its types and places; a search finds by name and address, and nothing else."""
    page = admin.get("/admin/rights").text
    assert "TVOD · everywhere" in words(page)
    assert film in page
    found = admin.get("/admin/rights?q=monsoon").text
    assert found.count('class="target break"') == 1
    assert film in admin.get(f"/admin/rights?q=film/{film[-4:]}").text
    assert "No title" in admin.get("/admin/rights?q=zzzz").text
    assert "/admin/rights" in admin.get("/admin").text
    assert not UUID_TEXT.search(page)


def test_a_window_is_shown_before_it_is_saved(
    service: Service, admin: Browser, api: ApiClient, film: str
) -> None:
    """The first step changes nothing and says what comes; the second saves it, once for two clicks."""
    shown = admin.post(f"{film}/preview", SVOD)
    assert shown.status_code == 200
    said = words(shown.text)
    assert "SVOD everywhere but United Arab Emirates, 30 Nov 2026, 6:30 pm UTC until 31 May 2027" in said
    assert changes(service) == []
    sent = sent_on(shown.text)
    saved = admin.post(f"{film}/changes", sent)
    assert (saved.status_code, saved.location) == (303, f"{film}?done=changed")
    assert admin.post(f"{film}/changes", sent).status_code == 303
    assert changes(service) == ["rights.change"]
    page = admin.get(saved.location).text
    assert "Saved." in page
    assert not UUID_TEXT.search(page)
    windows = api.get(f"/v1/admin/titles/{film.removeprefix('/admin/rights/')}/rights").json["windows"]
    assert [(item["type"], item["tiers"]) for item in windows] == [("tvod", []), ("svod", ["gold", "silver"])]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"territories": "IN UK"}, "'UK' is no territory"),
        ({"territories": ""}, "Say where"),
        ({"territories": "AE"}, "Nothing is left"),
        ({"ends": "2026-11-01"}, "would end before it begins"),
        ({"starts": "2026-13-01"}, "This is no day"),
        ({"type": "tvod"}, "Only an SVOD window has tiers"),
        ({"reason": ""}, "Say why"),
        (
            {"type": "tvod", "tiers": "", "excluding": ""},
            "two TVOD windows would be open from 2026-11-30T18:30",
        ),
    ],
)
def test_what_cannot_be_is_said_at_the_form(
    service: Service, admin: Browser, film: str, wrong: dict[str, str], said: str
) -> None:
    """What was typed stands there still with the problem at its field, and saving it does nothing either."""
    for step in ("preview", "changes"):
        admin.get(film)
        found = admin.post(f"{film}/{step}", {**SVOD, **wrong, "idempotency_key": "k-1", "base": "1"})
        assert found.status_code in (400, 422)
        assert said in words(found.text)
        assert 'value="the autumn plan"' in found.text or "reason" in wrong
        assert not UUID_TEXT.search(found.text)
    assert changes(service) == []


def test_a_form_that_was_open_too_long_is_refused(service: Service, admin: Browser, film: str) -> None:
    """What was changed meanwhile is not overwritten: the second of two forms says so."""
    first, second = (sent_on(admin.post(f"{film}/preview", SVOD).text) for _ in range(2))
    assert admin.post(f"{film}/changes", first).status_code == 303
    admin.get(film)
    late = admin.post(f"{film}/changes", second)
    assert late.status_code == 409
    assert "changed meanwhile" in late.text
    assert changes(service) == ["rights.change"]


def test_a_window_ends_moves_and_goes(service: Service, admin: Browser, film: str) -> None:
    """What is open ends in five minutes, what is coming moves and is taken away; each shows what it does."""
    admin.post(f"{film}/changes", sent_on(admin.post(f"{film}/preview", {**SVOD, "tiers": ""}).text))
    coming, opened = ids(admin.get(film).text, "win")
    moved = {"act": "move_window", "item": coming, "starts": "2026-12-24", "zone": "UTC", "reason": "later"}
    shown = admin.post(f"{film}/preview", moved)
    assert "24 Dec 2026 on, without an end" in words(shown.text)
    assert admin.post(f"{film}/changes", sent_on(shown.text)).status_code == 303
    end = {"act": "end_window", "item": opened, "how": "soon", "reason": "the term was agreed anew"}
    shown = admin.post(f"{film}/preview", end)
    assert "From 21 Nov 2026, 10:05 am UTC not available any more everywhere." in words(shown.text)
    assert admin.post(f"{film}/changes", sent_on(shown.text)).status_code == 303
    gone = {"act": "remove_window", "item": coming, "reason": "never agreed"}
    assert admin.post(f"{film}/changes", sent_on(admin.post(f"{film}/preview", gone).text)).status_code == 303
    admin.get(film)
    again = admin.post(f"{film}/preview", gone)
    assert again.status_code == 400
    past = admin.post(f"{film}/preview", {**end, "how": "day", "ends": "2026-11-01"})
    assert "has no" not in past.text
    assert "which is past" in words(past.text)


def test_co_owners_and_certificates(service: Service, admin: Browser, api: ApiClient, film: str) -> None:
    """Owners are added together: 99.99 % is refused, thirds are exact; and a certificate is set."""
    address = f"/v1/admin/titles/{film.removeprefix('/admin/rights/')}/rights"
    [licence] = ids(admin.get(film).text, "lic")
    end = {"act": "end_licence", "item": licence, "how": "day", "ends": "2027-01-01", "reason": "sold"}
    assert admin.post(f"{film}/changes", sent_on(admin.post(f"{film}/preview", end).text)).status_code == 303
    admin.get(film)
    partners = re.findall(r'value="(\w+)">(?:Marigold|Blue Lantern)', admin.get(film).text)
    owners = {
        "act": "add_licence", "territories": "*", "starts": "2027-01-01", "reason": "contract 117",
        "partner_1": partners[0], "ownership_1": "33.33%", "share_1": "1/4",
        "partner_2": partners[1], "ownership_2": "66.66%", "share_2": "10%",
    }  # fmt: skip
    short = admin.post(f"{film}/preview", owners)
    assert "99.99 %" in words(short.text)
    odd = admin.post(f"{film}/preview", {**owners, "ownership_1": "0.3333"})
    assert "is no part; write an exact fraction such as 3/5" in words(odd.text)
    whole = admin.post(f"{film}/preview", {**owners, "ownership_1": "1/3", "ownership_2": "2/3"})
    assert "owns 1/3" in words(whole.text)
    assert admin.post(f"{film}/changes", sent_on(whole.text)).status_code == 303
    found = api.get(address).json["licences"]
    assert sorted(item["ownership"] for item in found) == ["1/1", "1/3", "2/3"]
    rating = {"act": "rating", "territories": "GB", "label": "15", "reason": "the board decided"}
    assert (
        admin.post(f"{film}/changes", sent_on(admin.post(f"{film}/preview", rating).text)).status_code == 303
    )
    assert api.get(address).json["ratings"][0]["label"] == "15"
    admin.get(film)
    assert "is no certificate" in words(admin.post(f"{film}/preview", {**rating, "label": "R15?"}).text)


def test_the_ladder_shows_its_dates(admin: Browser, film: str) -> None:
    """Every rung with its days is shown before anything is saved, or what it would overlap."""
    ladder = {"act": "ladder", "territories": "IN", "starts": "2027-01-01", "reason": "release"}
    clash = admin.post(f"{film}/preview", ladder)
    assert (
        "two TVOD windows would be open from 2027-04-30: “* from 2026-01-01” and “IN from 2027-04-30” (new)"
        in (words(clash.text))
    )
    [tvod] = ids(admin.get(film).text, "win")
    end = {"act": "end_window", "item": tvod, "ends": "2026-12-20", "reason": "a new release"}
    admin.post(f"{film}/changes", sent_on(admin.post(f"{film}/preview", end).text))
    admin.get(film)
    said = words(admin.post(f"{film}/preview", ladder).text)
    for rung in ("Festival in India, 1 Jan 2027 until 30 Jan 2027", "AVOD in India, 31 Dec 2027 on"):
        assert rung in said


def test_why_in_a_country(admin: Browser, film: str) -> None:
    """A country's answer and its days; a typo is said at the field."""
    assert "Available in India." in admin.get(f"{film}?country=in").text
    odd = words(admin.get(f"{film}?country=XX").text)
    assert "'XX' is no country" in odd
    ash = re.search(r'/admin/rights/film/\w+(?="><b>The Ash Line)', admin.get("/admin/rights").text)
    assert ash is not None
    said = words(admin.get(f"{ash[0]}?country=IN").text)
    assert "Not available in India" in said
    assert not UUID_TEXT.search(said)


def test_a_takedown_tells_what_is_owed_before_and_after(
    service: Service, admin: Browser, api: ApiClient
) -> None:
    """Two buyers are counted with their tokens before it is done, and stay owed after it was restored."""
    for number in range(2):
        buyer = guest(service)
        buyer.earn(1)
        assert buyer.unlock(buyer.title("Eleven Minutes"), f"u{number}").status_code == 201
    page = f"/admin/rights/short/{api.title('Eleven Minutes')['id']}"
    form = {"territories": "*", "notice": "DMCA 7, Studio X", "reason": "in order"}
    shown = admin.post(f"{page}/takedown/preview", form)
    assert "2 grants that were paid for are written down as owed, paid with 2 tokens" in words(shown.text)
    assert changes(service) == []
    sent = sent_on(shown.text)
    done = admin.post(f"{page}/takedown", sent)
    assert done.location == f"{page}?done=down"
    assert admin.post(f"{page}/takedown", sent).status_code == 303
    assert changes(service) == ["title.takedown"]
    after = admin.get(done.location).text
    assert "2 grants are owed, paid with 2 tokens" in words(after)
    [takedown] = ids(after, "tkd")
    back = admin.post(f"{page}/restore/preview", {"item": takedown, "reason": "a counter-notice"})
    assert "2 grants stay owed" in words(back.text)
    assert admin.post(f"{page}/restore", sent_on(back.text)).location == f"{page}?done=restored"
    assert changes(service) == ["title.takedown", "title.restore"]
    admin.get(page)
    assert "UK" in words(admin.post(f"{page}/takedown/preview", {**form, "territories": "UK"}).text)


def file(browser: Browser, raw: bytes, step: str = "/preview", **more: str) -> TestResponse:
    """Send a file of windows by its form."""
    browser.get("/admin/rights/import")
    fields = {"csrf_token": browser.token, "reason": "plan", **more}
    # Written by hand: the test client would keep a large one in a file that it leaves open.
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(b'name="file"; filename="w.csv"\r\nContent-Type: text/csv\r\n\r\n' + raw)
    body = b"".join(b"--edge\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
    return browser.client.post(
        f"/admin/rights/import{step}",
        data=body + b"--edge--\r\n",
        content_type="multipart/form-data; boundary=edge",
        buffered=True,
    )


def test_a_file_of_windows_is_checked_and_then_added(service: Service, admin: Browser, film: str) -> None:
    """Each bad line is told with its number; the good ones are added by a second step, once."""
    name = film.removeprefix("/admin/rights/")
    lines = [f"{name},svod,IN,2026-12-01,2027-06-01,gold,,", f"{name},avod,UK,2027-01-01,,,,", "x,y"]
    shown = file(admin, (HEAD + "\r\n".join(lines)).encode())
    said = words(shown.text)
    assert shown.status_code == 400
    assert "2 faults to mend" in said
    assert "Line 3, territories" in said
    assert "Adds 1 window, and leaves out the lines above" in said
    assert changes(service) == []
    sent = sent_on(shown.text)
    assert sent["lines"] == "good"
    for _ in range(2):
        admin.get("/admin/rights/import")
        done = admin.post("/admin/rights/import", sent)
        assert "1 window of 1 title added" in words(done.text)
    assert changes(service) == ["rights.import"]
    whole = file(admin, (HEAD + lines[1]).encode(), "", lines="all", idempotency_key="k-1")
    assert whole.status_code == 400
    assert "Nothing was written" in whole.text
    assert file(admin, b"").status_code == 400


@pytest.mark.parametrize(
    "line",
    [b"film/zzzz,tvod,UK,2027-13-01,x,,,\n", b"\xff" * 80, b'"' + b"x" * 79],
    ids=["lines", "binary", "quotes"],
)
def test_a_broken_file_of_5_mb_answers_quickly(service: Service, admin: Browser, line: bytes) -> None:
    """Five million bytes of nonsense are a short page with the first faults, within seconds."""
    begun = time.monotonic()
    found = file(admin, HEAD.encode() + line * (5_000_000 // len(line)))
    assert time.monotonic() - begun < 5
    assert found.status_code == 400
    assert "Line " in found.text
    assert len(found.data) < 200_000
    assert changes(service) == []


def test_who_may_not_change_sees_no_forms(service: Service, film: str) -> None:
    """Finance sees the book without a form, and is refused where one would be sent."""
    finance = signed_in(service, FINANCE)
    page = finance.get(film)
    assert page.status_code == 200
    assert "Add a window" not in page.text
    assert "Take it down" not in page.text
    for step in ("preview", "changes", "takedown/preview", "takedown", "restore/preview", "restore"):
        assert finance.post(f"{film}/{step}", SVOD).status_code == 403
    assert finance.get("/admin/rights/import").status_code == 403
    assert changes(service) == []


def test_the_page_works_without_script(admin: Browser, film: str) -> None:
    """No form of the pages needs a script, and no style stands in them."""
    for address in (film, "/admin/rights", "/admin/rights/import"):
        page = admin.get(address).text
        main = page[page.index("<main") :]
        assert "hx-" not in main[: main.index("</main>")]
        assert " style=" not in page
