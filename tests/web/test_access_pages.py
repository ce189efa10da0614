"""The pages of accounts, second factors, approvals, users, roles and the audit, on the running demo."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import evolve
from pyotp import TOTP

from buddy_web.demo.seed import DEMO_PASSWORD
from tests.web.service import PASSWORD, START, Browser, Service, running
from tests.web.test_viewer_pages import UUID_TEXT

ADMIN, SUPPORT = "admin@example.com", "support@example.com"
FINANCE, SECOND = "finance@example.com", "secondfinance@example.com"
VIEWER, PRODUCER = "viewer@example.com", "marigold@example.com"
ASHA = "asha@example.com"
LARGE = {"kind": "bonus", "effective_from": "2026-12-01", "value_INR": "1.20", "value_USD": "0.014"}
SMALL = {"kind": "bonus", "effective_from": "2026-12-01", "value_INR": "0.55", "value_USD": "0.006"}
DESK = (
    *("", "/values", "/costs", "/ad-rule", "/close", "/liability", "/rewards", "/alerts", "/approvals"),
    *("/users", "/roles", "/roles/form", "/audit", "/promotions", "/prices", "/rights", "/rights/import"),
    *("/facts", "/terms", "/terms/account", "/terms/pool", "/terms/waterfall"),
)
WHY = "Ticket 4711"
STEP = timedelta(seconds=30)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def enter(service: Service, email: str, password: str = DEMO_PASSWORD) -> Browser:
    """Return a browser in which somebody has signed in, with their second factor proved."""
    browser = service.browser()
    assert browser.sign_in(email, password).status_code == 303
    return browser


def member(service: Service, email: str = ASHA) -> Browser:
    """Return the browser of somebody who has just joined."""
    browser = service.browser()
    assert browser.join(email).status_code == 303
    return browser


def page_of(browser: Browser, email: str) -> str:
    """Return the address of somebody's page, as the list of users gives it."""
    found = re.search(r"/admin/users/usr_[0-9a-f]{32}", browser.get(f"/admin/users?email={email}").text)
    assert found is not None
    return found[0]


def ask(browser: Browser, value: dict[str, str] = LARGE) -> str:
    """Send the form of a new value, and return where that leads."""
    browser.get("/admin/values")
    answer = browser.post("/admin/values", {**value, "idempotency_key": "val-1"})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def taking(page: str) -> dict[str, str]:
    """Return the fields of the form that takes somebody's only role away, as their page has it."""
    [form] = re.findall(r'name="act" value="take".*?</form>', page)
    return {"act": "take", **dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))}


def request_of(address: str) -> str:
    """Return the address of the request that `?waiting=` names."""
    return f"/admin/approvals/{parse_qs(urlsplit(address).query)['waiting'][0]}"


# ---- the desk shows what the actor may


@pytest.mark.parametrize(
    ("email", "opens"),
    [
        (ADMIN, set(DESK)),
        (
            FINANCE,
            set(DESK)
            - {"/users", "/roles", "/roles/form", "/audit", "/promotions", "/prices", "/rights/import"}
            - {"/terms/account", "/terms/pool", "/terms/waterfall"},
        ),
        (SUPPORT, {"", "/costs", "/ad-rule", "/rewards", "/alerts", "/approvals", "/users", "/rights"}),
        (PRODUCER, set()),
        (VIEWER, set()),
    ],
)
def test_the_desk_opens_by_permission_and_links_nothing_else(
    service: Service, email: str, opens: set[str]
) -> None:
    """Each page opens for those who may and is refused to others; its links lead only where they may."""
    browser = enter(service, email)
    for path in DESK:
        answer = browser.get(f"/admin{path}")
        assert answer.status_code == (200 if path in opens else 403), path
        linked = {
            found.removeprefix("/admin") for found in re.findall(r'href="(/admin[a-z/-]*)"', answer.text)
        }
        # The page of a title's rights opens for whom the list of them does.
        titles = {found for found in linked if found.startswith("/rights/") and found.count("/") == 3}
        assert linked - titles <= opens, path
        assert not titles or "/rights" in opens, path
        assert not UUID_TEXT.search(answer.text), path


def test_a_guest_is_led_to_sign_in(service: Service) -> None:
    """Nobody in particular sees no page of the desk, and no second factor."""
    for path in (*(f"/admin{path}" for path in DESK), "/account/second-factor"):
        assert service.browser().get(path).location.startswith("/sign-in?next="), path


# ---- a second person


def test_a_large_change_waits_and_a_second_person_lets_it_through(service: Service) -> None:
    """The preview says so, saving waits, the asker is refused, another approves, and the value is coming."""
    first, second = enter(service, FINANCE), enter(service, SECOND)
    first.get("/admin/values")
    preview = first.post("/admin/values/preview", LARGE).text
    assert "by more than 20%: somebody else approves it" in preview
    assert "Ask for approval" in preview
    waiting = ask(first)
    assert "Waits for approval" in first.get(waiting).text
    address = request_of(waiting)
    own = first.get(address).text
    assert "You asked for this yourself: somebody else decides." in own
    assert 'value="approve"' not in own
    refused = first.post(address, {"decision": "approve"})
    assert refused.status_code == 403
    assert "somebody else decides" in refused.text

    page = second.get("/admin/approvals").text
    for words in ("₹0.50", "₹1.20", "+140%", "1 Dec 2026", f"Asked by {FINANCE}"):
        assert words in page, words
    assert '1<span class="hide"> waiting</span>' in second.get("/admin").text
    assert second.post(address, {"decision": "approve"}).location == "/admin/approvals?done=approved"
    assert "Coming" in second.get("/admin/values").text
    again = second.post(address, {"decision": "approve"})
    assert again.status_code == 409
    assert "decided once" in again.text


def test_a_small_change_needs_nobody_else(service: Service) -> None:
    """Ten per cent are saved at once, and the preview says nothing of a second person."""
    browser = enter(service, FINANCE)
    browser.get("/admin/values")
    assert "somebody else" not in browser.post("/admin/values/preview", SMALL).text
    assert ask(browser, SMALL) == "/admin/values?saved=bonus-2"


def test_a_request_is_rejected_with_a_reason_or_withdrawn(service: Service) -> None:
    """A rejection without a reason keeps the request and says so; a withdrawn one changes nothing."""
    first, second = enter(service, FINANCE), enter(service, SECOND)
    address = request_of(ask(first))
    second.get(address)
    short = second.post(address, {"decision": "reject", "reason": "no"})
    assert short.status_code == 400
    assert 'value="no"' in short.text
    assert "Say why" in short.text
    assert second.post(address, {"decision": "withdraw"}).status_code == 403
    assert first.post(address, {"decision": "withdraw"}).location == "/admin/approvals?done=withdrawn"
    assert "Withdrawn" in second.get("/admin/approvals").text
    assert "Coming" not in second.get("/admin/values").text


def test_a_request_that_waited_too_long_has_no_buttons(service: Service) -> None:
    """After its seven days it stands among those that are decided, as expired."""
    first, second = enter(service, FINANCE), enter(service, SECOND)
    address = request_of(ask(first))
    service.clock.advance(timedelta(days=8))
    page = second.get(address).text
    assert "Expired" in page
    assert 'name="decision"' not in page
    assert second.get("/admin/approvals/apr_" + "0" * 32).status_code == 404


def test_approving_asks_for_the_six_digits_first(service: Service) -> None:
    """Without a proved second factor the button leads to it, and from there back to the request."""
    address = request_of(ask(enter(service, FINANCE)))
    support, late = enter(service, SUPPORT), enter(service, SECOND)
    assert 'value="approve"' not in support.get(address).text
    # The demo's proof lasts long: here it is taken back.
    service.call(_unprove, service.container.uow(), SECOND)
    late.get(address)
    answer = late.post(address, {"decision": "approve"})
    assert answer.status_code == 303
    assert answer.location.startswith("/account/second-factor?next=%2Fadmin%2Fapprovals%2Fapr_")


# ---- users


def test_users_are_found_by_the_start_of_their_address(service: Service) -> None:
    """A page lists twenty, the next one goes on; an address that nobody has is answered with words."""
    for number in range(21):
        member(service, f"many{number:02}@example.com")
    support = enter(service, SUPPORT)
    page = support.get("/admin/users?email=many").text
    assert len(re.findall(r'href="/admin/users/usr_', page)) == 20
    more = re.search(r'href="(/admin/users\?email=many&amp;after=usr_[0-9a-f]{32})"', page)
    assert more is not None
    rest = support.get(html.unescape(more[1])).text
    assert len(re.findall(r'href="/admin/users/usr_', rest)) == 1
    assert "No address begins like this" in support.get("/admin/users?email=zzz").text
    assert support.get("/admin/users/usr_" + "0" * 32).status_code == 404


def test_roles_are_given_and_taken(service: Service) -> None:
    """A role for one producer counts at the next click, and is gone after it was taken away."""
    admin, asha = enter(service, ADMIN), member(service)
    address = page_of(admin, ASHA)
    page = admin.get(address).text
    assert "A viewer, and nothing else." in page
    producer = re.search(r'<option value="([a-z0-9]+)">Marigold', page)
    assert producer is not None
    role = {"role": "partner_admin", "where": "partner"}
    missing = admin.post(f"{address}/roles", role)
    assert missing.status_code == 400
    assert "name the producer" in missing.text
    assert '<option value="partner_admin" selected>' in missing.text
    given = admin.post(f"{address}/roles", {**role, "producer": producer[1]})
    assert given.location == f"{address}?done=role_given"
    assert "Partner admin" in admin.get(given.location).text
    assert asha.get("/producer").status_code == 200
    taken = admin.post(f"{address}/roles", taking(admin.get(address).text))
    assert taken.location == f"{address}?done=role_taken"
    assert asha.get("/producer").status_code == 403
    wrong = admin.post(f"{address}/roles", {"role": "finance", "where": "territory", "territory": "IN"})
    assert wrong.status_code == 400
    assert "is given global" in wrong.text


def test_support_signs_somebody_out_with_a_reason(service: Service) -> None:
    """Without a reason nothing happens; with one the other browser is a guest at its next click."""
    support, asha = enter(service, SUPPORT), member(service)
    address = page_of(support, ASHA)
    support.get(address)
    assert support.post(f"{address}/sign-out", {"reason": ""}).status_code == 400
    assert ASHA in asha.get("/account").text
    assert support.post(f"{address}/sign-out", {"reason": WHY}).location == f"{address}?done=signed_out"
    assert "No account yet" in asha.get("/account").text


def test_support_resets_a_lost_second_factor_but_not_that_of_finance(service: Service) -> None:
    """A member's goes; of somebody who may do more than support the page says who has to help."""
    support = enter(service, SUPPORT)
    address = page_of(support, FINANCE)
    support.get(address)
    answer = support.post(f"{address}/second-factor", {"reason": WHY})
    assert answer.status_code == 403
    assert "This reaches further than you do" in answer.text
    assert f'value="{WHY}"' in answer.text
    asha = member(service)
    set_up(service, asha)
    address = page_of(support, ASHA)
    support.get(address)
    assert support.post(f"{address}/second-factor", {"reason": WHY}).location.endswith("?done=factor_reset")
    assert "Reset a lost second factor" not in support.get(address).text


def test_a_gift_is_given_once_and_a_large_one_waits(service: Service) -> None:
    """Five tokens are in the wallet, once for one form; sixty wait for somebody in finance."""
    support, asha = enter(service, SUPPORT), member(service)
    address = page_of(support, ASHA)
    page = support.get(address).text
    assert "Above 50 tokens a second person approves." in page
    key = re.search(r'name="idempotency_key" value="([^"]+)"', page)
    assert key is not None
    for _ in range(2):
        form = {"tokens": "5", "reason": WHY, "idempotency_key": key[1]}
        assert support.post(f"{address}/tokens", form).location == f"{address}?done=tokens_given"
    assert asha.balance() == 5
    nothing = support.post(f"{address}/tokens", {"tokens": "0", "reason": WHY, "idempotency_key": "gft-0"})
    assert nothing.status_code == 400
    large = {"tokens": "60", "reason": "A lost evening", "idempotency_key": "gft-2"}
    waiting = support.post(f"{address}/tokens", large).location
    assert "Waits for approval" in support.get(waiting).text
    finance = enter(service, FINANCE)
    page = finance.get(request_of(waiting)).text
    assert f"60 tokens for {ASHA}" in re.sub(r"\s+", " ", page)
    assert "A lost evening" in page
    assert finance.post(request_of(waiting), {"decision": "approve"}).status_code == 303
    assert asha.balance() == 65


def test_looking_as_a_member_shows_and_changes_nothing(service: Service) -> None:
    """The banner stands on every page, errors too; each change is refused; stopping ends it."""
    support, asha = enter(service, SUPPORT), member(service)
    asha.earn(1)
    address = page_of(support, ASHA)
    support.get(address)
    assert support.post(f"{address}/look", {"reason": ""}).status_code == 400
    assert support.post(f"{address}/look", {"reason": WHY, "minutes": "10"}).location == "/"
    for path in ("/", "/wallet", "/account", "/nowhere"):
        page = support.get(path).text
        assert f"You look as <b>{ASHA}</b> until" in page, path
        assert f"Reason: {WHY}" in page, path
    assert support.balance() == 1
    assert "Sign out everywhere else" not in support.get("/account").text
    for path, form in (("/account/sessions", {}), ("/account/second-factor/set-up", {}), ("/earn/start", {})):
        answer = support.post(path, form)
        assert answer.status_code == 403, path
        assert "You only look" in answer.text, path
    assert support.get("/account/second-factor").status_code == 403
    assert support.get("/admin").status_code == 403
    assert support.post("/looking/end").location == "/admin/users"
    assert "You look as" not in support.get("/admin/users").text


def test_nobody_looks_as_staff(service: Service) -> None:
    """The page of staff has no such form, and a form sent all the same is refused."""
    support = enter(service, SUPPORT)
    address = page_of(support, FINANCE)
    assert "Look as this user" not in support.get(address).text
    assert support.post(f"{address}/look", {"reason": WHY}).status_code == 403


def test_a_permission_is_explained_without_internal_ids(service: Service) -> None:
    """Each line names a role and what it has to say; what does not exist is said at the form."""
    support = enter(service, SUPPORT)
    address = page_of(support, PRODUCER)
    for query, words in (
        ("permission=statement:read", "statement:read on the platform: no (out_of_scope)"),
        ("permission=title:watch", "yes (granted)"),
        ("permission=user:read", "user:read on the platform: no (no_role)"),
    ):
        page = support.get(f"{address}?{query}").text
        assert words in page, query
        assert not UUID_TEXT.search(page), query
    wrong = support.get(f"{address}?permission=a:b")
    assert wrong.status_code == 400
    assert "there is no permission" in html.unescape(wrong.text)
    assert support.get(f"{address}?permission=title:watch&territory=xyz1").status_code == 200
    assert support.get(f"{address}?permission=title:edit&producer=nobody").status_code == 404


def test_forms_of_a_user_lead_back_when_they_are_opened(service: Service) -> None:
    """Whoever proves themselves on the way to a form comes by its address, and lands on the page."""
    admin = enter(service, ADMIN)
    address = page_of(admin, VIEWER)
    for form in ("roles", "sign-out", "second-factor", "tokens", "look"):
        assert admin.get(f"{address}/{form}").location == address
    for form in ("2026-11", "2026-11/publish"):
        assert admin.get(f"/admin/close/{form}").location == "/admin/close"


# ---- roles


def test_a_custom_role_is_made_changed_and_dropped(service: Service) -> None:
    """It lists what it may; a name that is taken and a role in use are refused with words."""
    admin = enter(service, ADMIN)
    admin.get("/admin/roles/form")
    form = {
        "is_new": "yes",
        "name": "night_desk",
        "title": "Night desk",
        "note": "reads only",
        "scopes": "global",
        "permissions": "user:read",
        "includes": "analyst",
    }
    assert admin.post("/admin/roles/form", form).location == "/admin/roles?done=saved"
    assert "Night desk" in admin.get("/admin/roles").text
    taken = admin.post("/admin/roles/form", form)
    assert taken.status_code == 400
    assert "is a role already" in taken.text
    edit = admin.get("/admin/roles/form?role=night_desk").text
    assert re.search(r'value="user:read" checked', edit)
    assert re.search(r'value="analyst" checked', edit)
    changed = {**form, "is_new": "", "title": "Night watch", "permissions": "audit:read"}
    assert admin.post("/admin/roles/form", changed).status_code == 303
    address = page_of(admin, VIEWER)
    assert admin.post(f"{address}/roles", {"role": "night_desk", "where": "global"}).status_code == 303
    in_use = admin.post("/admin/roles", {"role": "night_desk"})
    assert in_use.status_code == 409
    assert "still use" in in_use.text
    assert admin.post(f"{address}/roles", taking(admin.get(address).text)).status_code == 303
    assert admin.post("/admin/roles", {"role": "night_desk"}).location == "/admin/roles?done=dropped"
    assert "Night watch" not in admin.get("/admin/roles").text


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"name": "Night Desk"}, 400, "lower-case letters"),
        ({"title": ""}, 400, "printable characters"),
        ({"scopes": "own"}, 400, "must be given everywhere"),
        ({"permissions": "a:b"}, 400, "no permission"),
        ({"name": "finance"}, 400, "is a role already"),
        ({"permissions": "title:watch"}, 400, "own account"),
    ],
)
def test_a_role_that_cannot_be_is_said_with_what_was_typed(
    service: Service, wrong: dict[str, str], status: int, words: str
) -> None:
    """The form comes back with its words, and the problem above it."""
    admin = enter(service, ADMIN)
    admin.get("/admin/roles/form")
    form = {"is_new": "yes", "name": "night_desk", "title": "Night desk", "scopes": "global"}
    answer = admin.post("/admin/roles/form", {**form, "permissions": "user:read", "note": "kept", **wrong})
    assert answer.status_code == status
    assert words in html.unescape(answer.text)
    assert 'value="kept"' in answer.text


def test_a_built_in_role_has_no_form(service: Service) -> None:
    """It is not edited, and its address says so."""
    admin = enter(service, ADMIN)
    assert admin.get("/admin/roles/form?role=finance").status_code == 404
    admin.get("/admin/roles")
    assert admin.post("/admin/roles", {"role": "finance"}).status_code == 400


# ---- the audit


def test_the_audit_is_narrowed_and_goes_on(service: Service) -> None:
    """Each field narrows; the last day counts; the link to older lines keeps the filter."""
    admin = enter(service, ADMIN)
    for _ in range(51):
        admin.get("/admin/roles")
    page = admin.get(f"/admin/audit?actor={ADMIN}&action=role.read").text
    assert page.count('<li class="line">') == 50
    older = re.search(r'href="(/admin/audit\?[^"]*before=[0-9]+)"', page)
    assert older is not None
    address = html.unescape(older[1])
    assert parse_qs(urlsplit(address).query)["action"] == ["role.read"]
    assert admin.get(address).text.count('<li class="line">') == 1
    today = START.date().isoformat()
    assert "Role: read" in admin.get(f"/admin/audit?since={today}&until={today}").text
    assert "No such act" in admin.get("/admin/audit?until=2026-01-01&action=role.read").text
    assert "No such act" in admin.get("/admin/audit?actor=nobody@example.com").text
    assert "127.0.0.1" in admin.get("/admin/audit?ip=127.0.0.1&action=session").text
    wrong = admin.get("/admin/audit?since=later")
    assert wrong.status_code == 400
    assert "Choose a day" in wrong.text
    assert admin.get("/admin/audit?until=9999-12-31").status_code == 400


def test_the_audit_names_as_whom(service: Service) -> None:
    """What staff saw while they looked stands with their own name and the member's."""
    support = enter(service, SUPPORT)
    member(service)
    address = page_of(support, ASHA)
    support.post(f"{address}/look", {"reason": WHY})
    support.get("/wallet")
    page = enter(service, ADMIN).get("/admin/audit?action=impersonation").text
    assert "GET /wallet" in page
    assert f"{SUPPORT} as <b>{ASHA}</b>" in page


# ---- the account


def test_a_guest_is_asked_to_join(service: Service) -> None:
    """There is nothing to manage yet."""
    page = service.browser().get("/account").text
    assert "No account yet" in page
    assert "Sign out everywhere" not in page


def test_sessions_are_signed_out_one_or_all(service: Service) -> None:
    """One goes by its button, the others by another; somebody else's stays."""
    here = member(service)
    others = [service.browser() for _ in range(3)]
    for browser in others:
        assert browser.sign_in(ASHA, PASSWORD).status_code == 303
    page = here.get("/account").text
    assert "This one" in page
    [first, *rest] = re.findall(r'action="(/account/sessions/sgn_[0-9a-f]{32})"', page)
    assert len(rest) == 2
    assert here.post(first).location == "/account?done=ended"
    assert sum(ASHA in browser.get("/account").text for browser in others) == 2
    stranger = member(service, "stranger@example.com")
    stranger.get("/account")
    assert stranger.post(rest[0]).location == "/account"
    assert sum(ASHA in browser.get("/account").text for browser in others) == 2
    assert here.post("/account/sessions").location == "/account?done=others_ended"
    assert sum(ASHA in browser.get("/account").text for browser in others) == 0
    assert ASHA in here.get("/account").text
    assert here.get(first).location == here.get("/account/sessions").location == "/account"


# ---- the second factor


def secret_of(page: str) -> str:
    """Return the secret that a page shows for typing."""
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert found is not None
    return found[1].replace(" ", "")


def set_up(service: Service, browser: Browser) -> str:
    """Set a second factor up, and return its secret."""
    browser.get("/account/second-factor")
    page = browser.post("/account/second-factor/set-up", {"password": PASSWORD}).text
    secret = secret_of(page)
    code = TOTP(secret).at(service.clock.now())
    answer = browser.post("/account/second-factor/confirm", {"code": f"{code[:3]} {code[3:]}"})
    assert answer.location == "/account?done=factor_set"
    return secret


def test_a_second_factor_is_set_up_and_asked_for(service: Service) -> None:
    """A wrong code keeps secret and picture; afterwards a password alone opens nothing but the question."""
    asha = member(service)
    asha.get("/account/second-factor")
    page = asha.post("/account/second-factor/set-up", {"password": PASSWORD}).text
    secret, uri = secret_of(page), re.search(r'name="uri" value="([^"]+)"', page)
    assert uri is not None
    assert '<svg role="img" aria-label="QR code' in page
    wrong = asha.post("/account/second-factor/confirm", {"code": "12", "uri": html.unescape(uri[1])})
    assert wrong.status_code == 422
    assert secret_of(wrong.text) == secret
    foreign = asha.post("/account/second-factor/confirm", {"code": "12", "uri": "https://example.net/"})
    assert foreign.location == "/account/second-factor"
    assert set_up(service, asha)

    other = service.browser()
    other.get("/sign-in?next=/wallet")
    form = {"email": ASHA, "password": PASSWORD, "next": "/wallet"}
    assert other.post("/sign-in", form).location == "/account/second-factor?next=%2Fwallet"
    assert other.get("/account").location == "/account/second-factor?next=%2Faccount"
    page = other.get("/account/second-factor?next=/wallet").text
    assert "Six digits, please" in page
    assert "demo-code" not in page


def test_a_code_is_good_once_and_too_many_tries_lock(service: Service) -> None:
    """The used code is refused; after five tries even the right one waits, and the page says how long."""
    asha = member(service)
    secret = set_up(service, asha)
    other = service.browser()
    other.get("/sign-in")
    other.post("/sign-in", {"email": ASHA, "password": PASSWORD})
    other.get("/account/second-factor")
    used = other.post("/account/second-factor", {"code": TOTP(secret).at(service.clock.now())})
    assert used.status_code == 422
    assert "was used before" in used.text
    service.clock.advance(STEP)
    good = TOTP(secret).at(service.clock.now())
    answer = other.post("/account/second-factor", {"code": good, "next": "https://example.net/"})
    assert answer.location == "/account"
    service.call(_unprove, service.container.uow(), ASHA)
    for _ in range(6):
        locked = other.post("/account/second-factor", {"code": "000000"})
    assert locked.status_code == 429
    assert "Wait 15 minutes" in locked.text
    assert int(locked.headers["Retry-After"]) == 900


def test_a_second_factor_goes_only_where_it_was_proved(service: Service) -> None:
    """A session that proved it takes it away; one that has not is asked for the digits first."""
    asha = member(service)
    set_up(service, asha)
    other = service.browser()
    other.get("/sign-in")
    other.post("/sign-in", {"email": ASHA, "password": PASSWORD})
    other.get("/account/second-factor")
    assert other.post("/account/second-factor/remove").location.startswith("/account/second-factor")
    assert "New phone, or done with it?" in asha.get("/account/second-factor").text
    again = {"password": PASSWORD}
    assert asha.post("/account/second-factor/set-up", again).location == "/account/second-factor"
    assert asha.post("/account/second-factor/remove").location == "/account?done=factor_removed"
    assert ASHA in asha.get("/account").text
    assert "No account yet" in other.get("/account").text
    for path in ("set-up", "confirm", "remove"):
        assert asha.get(f"/account/second-factor/{path}").location == "/account/second-factor"
    assert asha.post("/account/second-factor/confirm", {"code": "1"}).status_code in (303, 422)
    assert asha.post("/account/second-factor", {"code": "123456"}).location == "/account/second-factor"


def test_the_demo_shows_the_code_of_its_own_accounts(service: Service) -> None:
    """What it shows is accepted; once used, it shows the next one, and then how long to wait."""
    for wanted in (True, True, False):
        browser = service.browser()
        browser.get("/sign-in")
        browser.post("/sign-in", {"email": FINANCE, "password": DEMO_PASSWORD})
        page = browser.get("/account/second-factor").text
        shown = re.search(r'id="demo-code">([0-9]{3} [0-9]{3})<', page)
        assert (shown is not None) is wanted
        if shown is None:
            assert "Reload in 30 seconds" in page
            continue
        assert browser.post("/account/second-factor", {"code": shown[1]}).location == "/account"


def test_the_sign_in_page_names_every_account_and_says_how_long_to_wait(service: Service) -> None:
    """Each demo login stands there with what it is for; after too many tries the wait stands in words."""
    browser = service.browser()
    page = browser.get("/sign-in").text
    for email in (ADMIN, SUPPORT, FINANCE, SECOND, VIEWER, PRODUCER):
        assert f"Try it as {email}" in page, email
    for _ in range(6):
        answer = browser.post("/sign-in", {"email": ASHA, "password": "wrong"})
    assert answer.status_code == 429
    assert "Wait 15 minutes" in answer.text


async def _unprove(uow: Any, email: str) -> None:
    async with uow.begin() as tx:
        account, _ = await tx.accounts.by_email(email)
        for session in await tx.login_sessions.lock_open(account.id):
            await tx.login_sessions.save(evolve(session, second_factor_at=START - timedelta(days=500)))
