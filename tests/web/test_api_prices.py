"""Price rules by the API, on the desk's page and at the command line."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from buddy_core.kernel.money import Money
from buddy_core.pricing import PriceBook, Quote, QuoteKind, rule_from_plain
from buddy_web.reference import PRICES
from buddy_web.schemas.prices import OfferOut
from tests.contracts.cases import AT, title
from tests.web.api_client import ADMIN, FINANCE, VIEWER, member
from tests.web.service import Browser, Service, running
from tests.web.test_producer_admin_pages import changes, signed_in
from tests.web.test_viewer_pages import UUID_TEXT

EXAMPLES = Path(__file__).parents[2] / "examples/prices"
RULE = {
    "id": "rental-film-in",
    "kind": "rental",
    "territories": ["IN"],
    "currency": "INR",
    "amount_minor": 5900,
    "title_type": "film",
    "hours": 48,
}
FORM = {
    "id": "rental-film-in",
    "kind": "rental",
    "territories": "IN",
    "currency": "INR",
    "amount": "59",
    "title_type": "film",
    "hours": "48",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def test_the_api_has_prices_in_versions(service: Service) -> None:
    """What is set is answered with its number, stands first in the list, and counts from its instant."""
    client = member(service, ADMIN)
    film = client.title("The Last Monsoon")
    own = {key: value for key, value in RULE.items() if key != "title_type"}
    own |= {"id": "gala", "title": f"film/{film['id']}", "starts_at": "2026-12-01T00:00:00+05:30"}
    body = {
        "rules": [RULE, own],
        "removed": ["est-film-in"],
        "currencies": {"NP": "INR"},
        "effective_from": "2026-12-01T00:00:00+05:30",
        "base_version": 1,
    }
    first = client.post("/v1/admin/prices", body, key="k1")
    assert (first.status_code, first.json["version"]) == (201, 2)
    assert client.post("/v1/admin/prices", body, key="k1").json["version"] == 2
    [coming, now] = client.get("/v1/admin/prices").json["versions"]
    assert (coming["state"], now["state"]) == ("coming", "in_force")
    rules = {rule["id"]: rule for rule in coming["rules"]}
    assert rules["rental-film-in"]["amount_minor"] == 5900
    assert (rules["gala"]["title"], rules["gala"]["title_type"]) == (own["title"], None)
    assert rules["gala"]["starts_at"] == "2026-11-30T18:30:00Z"
    assert "est-film-in" not in rules
    assert len(now["rules"]) == len(PRICES.rules)
    assert coming["currencies"] == {**PRICES.currencies, "NP": "INR"}
    assert not UUID_TEXT.search(json.dumps(coming))
    assert changes(service) == ["prices.set"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"rules": [{**RULE, "amount_minor": 0}]}, 400, "pricing.bad_amount"),
        ({"rules": [{**RULE, "amount_minor": -4900}]}, 400, "pricing.bad_amount"),
        ({"rules": [{**RULE, "amount_minor": 49.0}]}, 400, "web.invalid_request"),
        ({"rules": [{**RULE, "amount_minor": "4900"}]}, 400, "web.invalid_request"),
        ({"rules": [{**RULE, "currency": "RS"}]}, 400, "pricing.bad_currency"),
        ({"rules": [{**RULE, "territories": ["IND"]}]}, 400, "pricing.bad_territory"),
        ({"rules": [{**RULE, "hours": 12}]}, 400, "pricing.bad_hours"),
        (
            {"rules": [{**RULE, "starts_at": "2026-12-02T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"}]},
            400,
            "pricing.bad_dates",
        ),
        ({"rules": [{**RULE, "id": "twin"}]}, 400, "pricing.same_rank"),
        ({"rules": [{**RULE, "window": "tvodd"}]}, 400, "pricing.bad_price_rule"),
        ({"rules": [{**RULE, "colour": "red"}]}, 400, "web.invalid_request"),
        ({"removed": ["none-such"]}, 400, "pricing.bad_price_rule"),
        ({"rules": [RULE], "base_version": 7}, 409, "pricing.prices_changed"),
        ({"rules": [RULE], "effective_from": "2026-01-02T00:00:00Z"}, 422, "pricing.prices_in_past"),
        ({"rules": [RULE], "effective_from": "2029-01-02T00:00:00Z"}, 422, "pricing.prices_too_far"),
    ],
)
def test_the_api_says_which_price_cannot_be(
    service: Service, body: dict[str, Any], status: int, code: str
) -> None:
    """Each wrong request has its own stable code, and nothing is written."""
    found = member(service, ADMIN).post("/v1/admin/prices", body, key="k1")
    assert (found.status_code, found.json["code"]) == (status, code)
    assert changes(service) == []


def test_only_who_may_sees_and_sets_prices(service: Service) -> None:
    """A viewer and finance may do neither."""
    for who in (VIEWER, FINANCE):
        client = member(service, who)
        assert client.get("/v1/admin/prices").status_code == 403
        assert client.post("/v1/admin/prices", {"rules": [RULE]}, key="k1").status_code == 403


def test_an_offer_shows_no_internal_id() -> None:
    """Tokens are null for money and money for tokens, and a title's own cost is called just that."""
    tokens = OfferOut.of(Quote(title(1), 7, f"title:{title(1)}", 3, quoted_at=AT, expires_at=AT))
    assert (tokens.tokens, tokens.price, tokens.rule) == (7, None, "title")
    rental = OfferOut.of(
        Quote(title(1), 0, "rental-in", 3, kind=QuoteKind.RENTAL, price=Money(4900, "INR"), hours=48)
    )
    assert (rental.tokens, rental.price and rental.price.minor, rental.rule) == (None, 4900, "rental-in")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_each_example_is_a_book(path: Path) -> None:
    """The price lists of the examples load, rule by rule and as a whole."""
    document = json.loads(path.read_text("utf-8"))
    book = PriceBook(1, AT, [rule_from_plain(rule) for rule in document["rules"]], document["currencies"])
    assert len(book.rules) == len(document["rules"]) >= 3


# -- the page ---------------------------------------------------------------------------------------


@pytest.fixture
def admin(service: Service) -> Browser:
    """An admin who has opened the desk."""
    browser = signed_in(service, ADMIN)
    browser.get("/admin")
    return browser


def sent_on(page: str) -> dict[str, str]:
    """Return the fields that the form of the effect sends when it is saved."""
    form = page.partition('<h2 id="effect-title">')[2]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {html.unescape(name): html.unescape(value) for name, value in found if name != "csrf_token"}


def test_prices_are_seen_before_they_are_saved_and_saved_once(service: Service, admin: Browser) -> None:
    """The preview tells in one sentence what it does and changes nothing; saving adds one version."""
    page = admin.get("/admin/prices").text
    for words in ("India", "Everywhere", "₹49.00", "$3.99"):
        assert words in page, words
    assert 'value="49.00"' in admin.get("/admin/prices?rule=rental-film-in").text
    form = {**FORM, "act": "set", "base": "1", "effective_from": "2026-12-01"}
    preview = admin.post("/admin/prices/preview", form)
    assert preview.status_code == 200
    text = " ".join(re.sub(r"<[^>]+>", " ", preview.text).split())
    assert "From 1 Dec 2026 a 48 h rental of a film in India costs ₹59.00 instead of ₹49.00" in text
    assert changes(service) == []
    sent = sent_on(preview.text)
    saved = [admin.post("/admin/prices", sent) for _ in range(2)]
    assert [answer.location for answer in saved] == ["/admin/prices?saved=2"] * 2
    after = admin.get(saved[0].location).text
    assert "Version 2 is saved" in after
    assert "Coming" in after
    assert not UUID_TEXT.search(after)
    assert changes(service) == ["prices.set"]


def test_a_rule_is_removed_by_the_page(service: Service, admin: Browser) -> None:
    """It says that nobody is sold this any more, and does so once it is saved."""
    preview = admin.post(
        "/admin/prices/preview", {"id": "rental-film-in", "kind": "rental", "act": "remove", "base": "1"}
    )
    text = " ".join(re.sub(r"<[^>]+>", " ", preview.text).split())
    assert "a 48 h rental of a film in India is not sold any more; it cost ₹49.00" in text
    assert admin.post("/admin/prices", sent_on(preview.text)).status_code == 303


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"amount": "0"}, "above 0"),
        ({"amount": "59,5"}, 'id="amount-problem"'),
        ({"amount": "59.555"}, 'id="amount-problem"'),
        ({"currency": "RS"}, 'id="currency-problem"'),
        ({"territories": "IND"}, "is no territory"),
        ({"territories": ""}, "is no territory"),
        ({"hours": "12"}, "24, 36, 48 or 72"),
        ({"hours": "x"}, "24, 36, 48 or 72"),
        ({"id": ""}, 'id="id-problem"'),
        ({"id": "twin"}, "are for the same"),
        ({"kind": "opera"}, "there are rental"),
        ({"title": "film/zzzz", "title_type": ""}, "names no title"),
        ({"amount": "49"}, "nothing would change"),
        ({"base": "7"}, "Version 1 of the prices"),
        ({"effective_from": "soon"}, "Choose a date"),
        ({"effective_from": "2026-11-01"}, 'id="effective_from-problem"'),
        ({"act": "remove", "id": "none-such"}, "not in the book"),
    ],
)
def test_the_page_says_what_cannot_be(admin: Browser, changed: dict[str, str], said: str) -> None:
    """Each mistake is said in words, and nothing can be saved."""
    answer = admin.post("/admin/prices/preview", {**FORM, "act": "set", "base": "1", **changed})
    assert answer.status_code == 400
    assert said in html.unescape(answer.text)
    assert "effect-title" not in answer.text
