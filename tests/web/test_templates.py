"""Every template with every sample: no inline code, tokens in forms, alt texts, one heading, few bytes."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from attrs import define, evolve, field

from tests.web.samples.pages import PARTS, SAMPLES, WEB, environment, render

ALL = SAMPLES | PARTS
TEMPLATES = environment()
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
HTMX_BYTES = 53_000
FIRST_VIEW_BYTES = 120_000
LABELLED = {"text", "email", "password", "search", "date", "range"}


@define
class Form:
    """A form and the names of its fields."""

    attributes: dict[str, str]
    fields: set[str] = field(factory=set)


@define(eq=False, init=False)
class Page(HTMLParser):
    """What the tests ask a page about."""

    problems: list[str]
    headings: list[str]
    forms: list[Form]
    ids: list[str]
    referred: set[str]
    labels: set[str]
    inputs: list[dict[str, str]]
    attributes: dict[str, list[dict[str, str]]]

    def __init__(self, html: str) -> None:
        super().__init__()
        self.problems, self.headings, self.forms, self.ids, self.inputs = [], [], [], [], []
        self.referred, self.labels, self.attributes = set(), set(), {}
        self._open: list[str] = []
        self.feed(html)
        self.close()
        if self._open:
            self.problems.append(f"not closed: {self._open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.attributes.setdefault(tag, []).append(found)
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):  # type: ignore[union-attr]
            self._open.append(tag)
        inline = [name for name in found if name == "style" or name.startswith("on") or name == "hx-on"]
        self.problems += [f"<{tag} {name}>" for name in inline]
        if tag == "style" or (tag == "script" and not found.get("src", "").startswith("/static/")):
            self.problems.append(f"inline <{tag}>")
        if tag == "img" and "alt" not in found:
            self.problems.append(f"no alt: {found.get('src')}")
        self._note(tag, found)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def _note(self, tag: str, found: dict[str, str]) -> None:
        if tag == "h1":
            self.headings.append(tag)
        if tag == "form":
            self.forms.append(Form(found))
        if tag in ("input", "select", "button", "textarea") and "form" in self._open:
            self.forms[-1].fields.add(found.get("name", ""))
        if tag in ("input", "select", "textarea"):
            self.inputs.append({"tag": tag, **found})
        if tag == "label":
            self.labels.add(found.get("for", ""))
        if "id" in found:
            self.ids.append(found["id"])
        for name in ("aria-labelledby", "aria-describedby"):
            self.referred |= set(found.get(name, "").split())

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self._open[-1:]} at {self.getpos()}")
        if tag in self._open:
            while self._open.pop() != tag:
                pass


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    return {name: Page(render(sample, TEMPLATES)) for name, sample in ALL.items()}


@pytest.mark.parametrize("name", ALL)
def test_page_is_well_formed_and_has_no_inline_code(pages: dict[str, Page], name: str) -> None:
    """Tags close in order, pictures have an alt text, and neither script nor style stands in the page."""
    assert pages[name].problems == []


@pytest.mark.parametrize("name", SAMPLES)
def test_page_has_one_first_heading(pages: dict[str, Page], name: str) -> None:
    """Each page has exactly one h1."""
    assert len(pages[name].headings) == 1


@pytest.mark.parametrize("name", ALL)
def test_forms_that_change_something_carry_the_token(pages: dict[str, Page], name: str) -> None:
    """Each POST form has its csrf_token; a GET form has none, so that no token reaches an address."""
    for form in pages[name].forms:
        assert form.attributes["action"].startswith("/")
        is_post = form.attributes.get("method", "get") == "post"
        assert ("csrf_token" in form.fields) == is_post, form


@pytest.mark.parametrize("name", ALL)
def test_ids_are_unique_and_references_lead_somewhere(pages: dict[str, Page], name: str) -> None:
    """No id stands twice; every aria reference and label names an id of the page."""
    page = pages[name]
    assert len(page.ids) == len(set(page.ids))
    assert (page.referred | page.labels) <= set(page.ids)


@pytest.mark.parametrize("name", ALL)
def test_fields_have_labels(pages: dict[str, Page], name: str) -> None:
    """Each visible field has a label."""
    shown = [found for found in pages[name].inputs if found.get("type", "text") in LABELLED]
    assert all(found.get("id") in pages[name].labels for found in shown)


@pytest.mark.parametrize("name", ALL)
def test_icons_exist(pages: dict[str, Page], name: str) -> None:
    """Each icon used is in the sprite."""
    sprite = (WEB / "static/img/icons.svg").read_text(encoding="utf-8")
    for found in pages[name].attributes.get("use", []):
        assert f'id="{found["href"].split("#")[1]}"' in sprite


def test_every_template_is_shown_by_a_sample() -> None:
    """No template is without a sample, directly or by inclusion."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in (WEB / "templates").glob("*.html")}
    shown = {sample.template for sample in ALL.values()}
    named = {name for name in texts if any(f'"{name}"' in text for text in texts.values())}
    # The pages for developers are made from the API's own document; their tests open them for real.
    assert set(texts) - {"docs.html", "problems.html"} == shown | named


def test_text_from_outside_is_escaped() -> None:
    """A title that holds markup shows as text."""
    sample = SAMPLES["film"]
    html = render(evolve(sample, page=evolve(sample.page, title='<img src=x onerror="x">')), TEMPLATES)
    assert "<img src=x" not in html


def test_language_and_direction_follow_the_locale(pages: dict[str, Page]) -> None:
    """Arabic pages run from right to left, Hindi ones say that they are Hindi."""
    assert pages["home-ar"].attributes["html"][0] | {"class": ""} == {
        "lang": "ar-AE",
        "dir": "rtl",
        "class": "",
    }
    assert pages["series-hi"].attributes["html"][0]["lang"] == "hi-IN"


def test_only_the_watch_page_loads_the_player(pages: dict[str, Page]) -> None:
    """The player and hls.js are asked for where something plays, and nowhere else."""
    with_player = {
        name
        for name, page in pages.items()
        if any("player.js" in found["src"] for found in page.attributes.get("script", []))
    }
    assert with_player == {"watch"}


def test_pending_asks_again_and_an_end_does_not(pages: dict[str, Page]) -> None:
    """A pending reward polls its status every two seconds; a paid one has stopped."""

    def polls(name: str) -> list[str]:
        return [found["hx-trigger"] for found in pages[name].attributes["div"] if "hx-trigger" in found]

    assert polls("earn-pending") == ["every 2s"]
    assert polls("earn-paid") == polls("earn-held") == polls("earn-capped") == []


def test_unlock_sends_back_what_was_shown(pages: dict[str, Page]) -> None:
    """The unlock form names cost, rule version and key; a sheet that cannot be paid has no form."""
    form = next(found for found in pages["part-unlock"].forms)
    assert form.fields >= {"csrf_token", "idempotency_key", "cost", "rule_version"}
    assert form.attributes["action"] == "/unlock/episode/k6ym"
    assert not [f for f in pages["unlock-short"].forms if f.attributes["action"].startswith("/unlock")]


def test_first_view_is_light() -> None:
    """Home with its style, script and icons stays within the budget, before any compression."""
    files = ("static/css/buddy.css", "static/js/ui.js", "static/img/icons.svg")
    total = HTMX_BYTES + sum((WEB / name).stat().st_size for name in files)
    total += len(render(SAMPLES["home"], TEMPLATES).encode("utf-8"))
    assert total <= FIRST_VIEW_BYTES


def test_css_and_scripts_are_light_on_the_wire() -> None:
    """Our own style and scripts, the player too, are under 25 KB compressed."""
    own = [path for folder in ("css", "js") for path in Path(WEB / "static" / folder).iterdir()]
    assert sum(len(gzip.compress(path.read_bytes())) for path in own) < 25_000


def test_style_uses_only_defined_properties() -> None:
    """Every custom property that a rule asks for is defined."""
    css = (WEB / "static/css/buddy.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\((--[a-z0-9-]+)", css))
    defined = set(re.findall(r"(--[a-z0-9-]+):", css))
    assert used <= defined


def test_error_page_needs_nothing_but_itself() -> None:
    """Where even the viewer could not be read, the error page still shows."""
    html = TEMPLATES.get_template("error.html").render(page=SAMPLES["error-500"].page)
    assert Page(html).problems == []
    assert "0f3a77c2" in html
