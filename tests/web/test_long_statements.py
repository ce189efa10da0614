"""A statement of five thousand lines: the page and the API have them page by page, the files whole."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from fractions import Fraction

import pytest

from buddy_core.access import SYSTEM
from buddy_core.flows import BringFacts
from buddy_core.kernel import COUNTRIES
from buddy_web.reference import NEWTACT
from tests.web.api_client import ADMIN, BLUE_LANTERN, member
from tests.web.months import MONTH, close, signed_in
from tests.web.service import START, Browser, Service, running
from tests.web.test_viewer_pages import statements

MODELS = ("rental", "est", "pvod", "ppv", "festival", "edition")
API = f"/v1/producer/statements/{MONTH}"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Answer the demo with sales of Blue Lantern's titles in every country, by six models."""
    with running(tmp_path_factory.mktemp("long")) as found:
        bring_sales(found, COUNTRIES)
        yield found


def bring_sales(service: Service, countries: frozenset[str]) -> None:
    """Bring in a sale of each of Blue Lantern's first four titles in each country, by each model."""

    async def names() -> list[str]:
        async with service.container.uow().read() as tx:
            [producer] = [item for item in await tx.producers.all() if item.name.startswith("Blue")]
            titles = [item for item in await tx.titles.all() if item.producer_id == producer.id]
        return [f"{item.type}/{item.short_id}" for item in titles][:4]

    at = START.isoformat()
    sold = [(name, code, model) for name in service.call(names) for code in countries for model in MODELS]
    facts = [
        {"id": f"s{number}", "title": name, "territory": code, "model": model, "currency": "INR",
         "gross": 1_000 + number, "at": at}
        for number, (name, code, model) in enumerate(sold)
    ]  # fmt: skip
    command = BringFacts(NEWTACT, MONTH, "sales", json.dumps({"sales": facts}).encode())
    service.call(lambda: service.container.bring_facts(SYSTEM, command, correlation_id="test"))


def next_page(page: str) -> str | None:
    """Return where the next lines are, by a link and by htmx alike."""
    found = re.search(r'href="([^"]+)#lines" hx-get="([^"]+)" hx-target="#more-lines"', page)
    if found is None:
        return None
    assert found[1] == found[2]
    return html.unescape(found[1])


def earned(page: str) -> list[str]:
    """Return what the foot of the table says was earned."""
    return re.findall(r'<th scope="row" colspan="4">Earned</th><td class="n amt">([^<]+)</td>', page)


def amounts(page: str) -> list[str]:
    """Return the links of single lines."""
    return re.findall(r'<a href="[^"]+/why/[a-z]+-[a-z0-9]+\.[0-9]+\?', page)


def test_the_page_has_a_hundred_lines_and_a_way_to_the_next(service: Service) -> None:
    """By links alone each page has other lines under the same sums, and the page before is one step back."""
    browser = signed_in(service, BLUE_LANTERN)
    first = browser.get(f"/producer/{MONTH}").text
    assert re.search(r"Next 100 of [5-9],[0-9]{3} lines", first)
    assert len(amounts(first)) == 100
    path = next_page(first)
    assert path is not None
    second = browser.get(path).text
    assert "Lines 101 to 200 of" in second
    assert not set(amounts(first)) & set(amounts(second))
    assert earned(first) == earned(second) != []
    back = re.search(r'href="([^"]+)#lines">[^\n]*Lines before', second)
    assert back is not None
    assert amounts(browser.get(html.unescape(back[1])).text) == amounts(first)


def test_htmx_gets_the_lines_alone(service: Service) -> None:
    """The part that is added has bodies of the table and nothing else, down to the last line."""
    browser = signed_in(service, BLUE_LANTERN)
    path: str | None = f"/producer/{MONTH}?page=58"
    count = 0
    while path is not None:
        part = browser.get(path, headers={"HX-Request": "true"}).text
        assert part.lstrip().startswith("<tbody")
        assert "<table" not in part
        count, path = count + 1, next_page(part)
    assert count > 1
    assert "Next" not in part


@pytest.mark.parametrize("page", ["0", "-1", "x", "999999", "99999999999999999999"])
def test_odd_pages_are_answered(service: Service, page: str) -> None:
    """What is no page is the first one, and what is after the last is the last."""
    found = signed_in(service, BLUE_LANTERN).get(f"/producer/{MONTH}?page={page}")
    assert found.status_code == 200
    assert len(amounts(found.text)) > 0


def test_what_is_no_cursor_is_told(service: Service) -> None:
    """Another form and a place behind the last line are 400; a limit over 100 is too."""
    client = member(service, BLUE_LANTERN)
    cursor = client.get(API).json["next_cursor"]
    figures = cursor.partition("-")[2]
    for query in ("cursor=x", "cursor=", "cursor=20", f"cursor=999999999-{figures}", "limit=101", "limit=0"):
        found = client.get(f"{API}?{query}")
        assert (found.status_code, found.json["code"]) == (400, "web.invalid_request"), query
    changed = client.get(f"{API}?cursor=20-{'0' * 16}")
    assert (changed.status_code, changed.json["code"]) == (409, "views.statement_changed")


def test_files_are_whole(service: Service) -> None:
    """CSV and JSON have every line, whatever page is asked for."""
    browser = signed_in(service, BLUE_LANTERN)
    total = member(service, BLUE_LANTERN).get(API).json["line_count"]
    file = json.loads(browser.get(f"/producer/{MONTH}/statement.json?page=2").data)
    assert len(file["statement"]["lines"]) == total
    rows = csv.DictReader(io.StringIO(browser.get(f"/producer/{MONTH}/statement.csv?page=2").text))
    assert sum(row["row"] == "line" for row in rows) == total


def test_staff_go_on_naming_the_producer(service: Service) -> None:
    """The next page of a producer that staff look at is that producer's."""
    admin = signed_in(service, ADMIN)
    producer = member(service, BLUE_LANTERN).get("/v1/me").json["producer"]
    path = next_page(admin.get(f"/producer/{MONTH}?producer={producer}").text)
    assert path is not None
    assert f"producer={producer}" in path
    assert "Lines 101 to 200" in admin.get(path).text


def test_a_long_statement_asks_no_more_than_a_short_one(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The page asks the database as often for 5,000 lines of four titles as for 24 lines."""

    def asked(found: Service) -> int:
        browser: Browser = signed_in(found, BLUE_LANTERN)
        browser.get(f"/producer/{MONTH}")
        return statements(found, browser, f"/producer/{MONTH}", found.container.long_engine())

    with running(tmp_path_factory.mktemp("short")) as short:
        bring_sales(short, frozenset(("IN",)))
        assert asked(short) == asked(service)


def test_the_api_has_the_lines_by_cursor(service: Service) -> None:
    """Pages follow one another to the last line, as the file has them, each with the same sums."""
    close(service)
    client = member(service, BLUE_LANTERN)
    file = json.loads(signed_in(service, BLUE_LANTERN).get(f"/producer/{MONTH}/statement.json").data)
    names = [
        (line["title"], line["territory"], line["model"], Fraction(line["amount"])) for line in file["lines"]
    ]
    first = client.get(f"{API}?limit=100").json
    assert first["line_count"] == len(names) > 5_000
    whole = {name: first[name] for name in first if name not in ("lines", "next_cursor")}
    figures = first["next_cursor"].partition("-")[2]
    cursor: str | None = None
    for place in (0, 100, 200, len(names) - 150, len(names) - 50):
        if place == len(names) - 150:
            cursor = f"{place}-{figures}"
        found = client.get(f"{API}?limit=100" + (f"&cursor={cursor}" if cursor else "")).json
        shown = [
            (
                f"{line['title_type']}/{line['title_id']}",
                line["territory"],
                line["model"],
                Fraction(line["amount"]),
            )
            for line in found["lines"]
        ]
        assert shown == names[place : place + 100]
        assert {name: found[name] for name in whole} == whole
        cursor = found["next_cursor"]
    assert cursor is None
    exact = sum(item[3] for item in names) + Fraction(whole["rounding"])
    assert exact == whole["earned"]["minor"]
