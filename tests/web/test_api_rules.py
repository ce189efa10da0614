"""What the API refuses, to whom, and in which words; and that its document says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from buddy_core.access import BUILT_IN, MEMBER_PERMISSIONS, PERMISSIONS, SYSTEM
from buddy_core.ads import RewardCapReached
from buddy_core.flows import BringFacts
from buddy_core.pricing import HONOUR, TokenCosts
from buddy_web.csrf import exempt_routes
from buddy_web.permissions import OWN, PUBLIC, permissions_of
from buddy_web.reference import NEWTACT
from buddy_web.routes.developers import error_codes
from tests.web.api_client import ADMIN, BLUE_LANTERN, MARIGOLD, VIEWER, ApiClient, guest, member, nobody
from tests.web.service import Service, running

UUID_TEXT = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def operations(service: Service) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and declaration of every operation in the document."""
    paths = service.app.test_client().get("/v1/openapi.json").json["paths"]
    return [(method, path, found) for path, item in paths.items() for method, found in item.items()]


def concrete(path: str) -> str:
    """Fill a path's parameters with values that name nothing."""
    values = {"type": "film", "id": "rwd_" + "0" * 32, "month": "2026-09", "name": "night_desk", "entry": "1"}
    values |= {
        "grant": "gra_" + "0" * 32,
        "promotion": "NOTHING26",
        "takedown": "tkd_" + "0" * 32,
        "kind": "pool",
    }
    for part, prefix in (("/users/", "usr_"), ("/approvals/", "apr_"), ("/auth/sessions/", "sgn_")):
        if part in path:
            values["id"] = prefix + "0" * 32
    if "/titles/" in path:
        values["id"] = "zzzz"
    return re.sub(r"{(\w+)}", lambda match: values[match[1]], path)


_ENDINGS = {"/v1/auth/logout-all"}
"""What would sign the clients out in the middle of a walk."""


def test_every_operation_says_who_may_and_what_may_go_wrong(service: Service) -> None:
    """The document names a permission for each operation, and each error as problem+json with its codes."""
    found = operations(service)
    assert len(found) > 25
    known = {*PERMISSIONS, PUBLIC, OWN}
    for method, path, declared in found:
        assert declared["x-permission"] in known, (method, path)
        assert declared["summary"], (method, path)
        for status, response in declared["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (method, path, status)


def test_the_document_and_the_views_name_the_same_permissions(service: Service) -> None:
    """What the document promises is what the route checks; only signed calls from outside have none."""
    checked = sorted(
        permission for name, permission in permissions_of(service.app).items() if name.startswith("api_")
    )
    assert checked == sorted(declared["x-permission"] for _, _, declared in operations(service))
    for rule in service.app.url_map.iter_rules():
        if rule.rule.startswith(("/v1/", "/admin", "/producer")) and rule.rule != "/v1/openapi.json":
            is_exempt = rule.endpoint in exempt_routes(service.app)
            assert is_exempt or rule.endpoint in permissions_of(service.app), rule.rule


def test_each_role_may_just_what_the_document_says(service: Service) -> None:
    """Over all operations: 403 for those who may not, and anything but 403 for those who may."""
    clients = {
        "nobody": nobody(service),
        "guest": guest(service),
        "viewer": member(service, VIEWER),
        "partner_admin": member(service, MARIGOLD),
        "super_admin": member(service, ADMIN),
    }
    for method, path, declared in operations(service):
        permission = declared["x-permission"]
        if permission in (PUBLIC, OWN) or path in _ENDINGS:
            continue
        for role, client in clients.items():
            own = set() if role == "nobody" else MEMBER_PERMISSIONS
            is_allowed = permission in {*own, *BUILT_IN.permissions_of(role)}
            # Whoever may not hears so before the body is looked at; whoever may is told what it lacks.
            answer = client.post(concrete(path), method=method.upper())
            code = "web.sign_in_needed" if role == "nobody" else "access.not_permitted"
            is_refused = answer.status_code == 403 and answer.json["code"] == code
            # A guest has the permissions of a member, and no session to use some of them on.
            if role != "guest" or "/auth/" not in path:
                assert is_refused != is_allowed, (method, path, role, answer.text)


def test_a_change_without_the_form_token_is_refused(service: Service) -> None:
    """Every operation that changes something refuses a request without the token that pages cannot read."""
    client = guest(service)
    for method, path, _ in operations(service):
        if method != "get":
            answer = client.http.open(concrete(path), method=method.upper(), json={})
            assert (answer.status_code, answer.json["code"]) == (403, "web.form_token_refused"), path


def test_a_wrong_field_is_named(service: Service) -> None:
    """A wrong field is answered 400 with its name, and what was sent is not repeated."""
    client = guest(service)
    body = {"type": "short", "id": "zzzz", "seen_tokens": "one", "seen_version": 1}
    answer = client.post("/v1/unlocks", body, key="k1")
    assert (answer.status_code, answer.json["code"]) == (400, "web.invalid_request")
    assert [item["field"] for item in answer.json["facts"]["fields"]] == ["seen_tokens"]
    assert "one" not in answer.json["detail"]
    unknown = client.post("/v1/unlocks", {**body, "seen_tokens": 1, "price": 0}, key="k1")
    assert [item["field"] for item in unknown.json["facts"]["fields"]] == ["price"]
    page = client.get("/v1/titles?limit=101")
    assert [item["field"] for item in page.json["facts"]["fields"]] == ["limit"]
    month = member(service, MARIGOLD).get("/v1/producer/statements/2026-13")
    assert (month.status_code, month.json["code"]) == (400, "kernel.invalid_month")


def test_an_unlock_needs_a_key_and_a_key_serves_one_request(service: Service) -> None:
    """Without Idempotency-Key 400 names it; the same key for another title is a conflict."""
    client = guest(service)
    client.earn(3)
    kites, minutes = client.title("Paper Kites"), client.title("Eleven Minutes")
    without = client.unlock(kites, "")
    assert [item["field"] for item in without.json["facts"]["fields"]] == ["Idempotency-Key"]
    assert client.unlock(kites, "k1").status_code == 201
    other = client.unlock(minutes, "k1")
    assert (other.status_code, other.json["code"]) == (409, "kernel.idempotency_mismatch")
    assert client.get("/v1/wallet").json["bonus"] == 2


def test_a_cost_that_has_changed_spends_nothing(service: Service) -> None:
    """An unlock at the cost of before is answered 409 with the cost of now, once it is held no more."""
    client = guest(service)
    client.earn(3)
    kites = client.title("Paper Kites")
    service.call(_make_costs, service, short=3)
    service.clock.advance(HONOUR)
    answer = client.unlock(kites, "k1")
    assert (answer.status_code, answer.json["code"]) == (409, "pricing.price_changed")
    asked = {"seen_tokens": 1, "seen_version": 1, "tokens": 3, "version": 2}
    assert answer.json["facts"] == {**asked, "seen_price": None, "price": None}
    assert client.get("/v1/wallet").json["bonus"] == 3
    assert client.unlock(client.title("Paper Kites"), "k2").json["tokens_spent"] == 3


def test_too_few_tokens_says_how_many(service: Service) -> None:
    """An unlock that cannot be paid is refused with what is needed and what is there."""
    client = guest(service)
    answer = client.unlock(client.title("The Last Monsoon"), "k1")
    assert (answer.status_code, answer.json["code"]) == (422, "tokens.insufficient")
    assert answer.json["facts"] == {"needed": 10, "available": 0}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/titles/film/zzzz", None),
        ("GET", "/v1/titles/film/zzzz/quote", None),
        ("POST", "/v1/unlocks", {"type": "film", "id": "zzzz", "seen_tokens": 1, "seen_version": 1}),
        ("GET", "/v1/ads/rewards/rwd_00000000000000000000000000000000", None),
        ("POST", "/v1/playback/sessions", {"type": "film", "id": "zzzz"}),
        (
            "POST",
            "/v1/playback/sessions/ses_00000000000000000000000000000000/beats",
            {"position_s": 1, "playing": True},
        ),
        ("POST", "/v1/playback/sessions/ses_00000000000000000000000000000000/stop", {"position_s": 1}),
        ("GET", "/v1/nothing", None),
    ],
)
def test_what_does_not_exist_is_not_found(service: Service, method: str, path: str, body: Any) -> None:
    """An id that names nothing is answered 404 as a problem."""
    client = guest(service)
    answer = client.post(path, body, key="k1", method=method)
    assert answer.status_code == 404, answer.text
    assert answer.content_type == "application/problem+json"


def test_what_is_anothers_looks_like_nothing(service: Service) -> None:
    """Another's reward and another's session are answered as if they were not there."""
    one, other = guest(service), guest(service)
    reward = one.earn()[0]
    assert one.get(f"/v1/ads/rewards/{reward}").status_code == 200
    assert other.get(f"/v1/ads/rewards/{reward}").status_code == 404
    kites = one.title("Paper Kites")
    one.unlock(kites, "k1")
    session = one.post("/v1/playback/sessions", {"type": "short", "id": kites["id"]}).json
    stolen = other.post(session["heartbeat_url"], {"position_s": 1, "playing": True})
    assert (stolen.status_code, stolen.json["code"]) == (404, "playback.session_not_found")


def test_a_title_that_may_not_be_watched_says_why(service: Service) -> None:
    """A locked title is refused with the reason and the way past it."""
    client = guest(service)
    film = client.title("Salt Road")
    answer = client.post("/v1/playback/sessions", {"type": "film", "id": film["id"]})
    assert (answer.status_code, answer.json["code"]) == (422, "playback.denied")
    ways = ["tokens", "rental", "watch_once", "est"]
    assert answer.json["facts"] == {"reason": "no_grant", "unlockable_by": ways, "opens_at": None}


def test_a_producer_sees_no_other_producers_figures(service: Service) -> None:
    """Another producer's short id is answered 404, as one that does not exist; staff may name any."""
    viewer = guest(service)
    viewer.earn(1)
    viewer.unlock(viewer.title("Paper Kites"), "k1")
    service.clock.advance(timedelta(days=20))
    member(service, ADMIN).close("2026-11")
    marigold, lantern, admin = (member(service, name) for name in (MARIGOLD, BLUE_LANTERN, ADMIN))
    own, foreign = marigold.get("/v1/me").json["producer"], lantern.get("/v1/me").json["producer"]
    for path in ("/v1/producer/statements", "/v1/producer/statements/2026-11"):
        assert marigold.get(f"{path}?producer={own}").status_code == 200
        assert admin.get(f"{path}?producer={own}").status_code == 200
        assert lantern.get(f"{path}?producer={own}").status_code == 404
        assert marigold.get(f"{path}?producer=zzzz").status_code == 404
    assert own != foreign
    assert lantern.get("/v1/producer/statements").json == {"statements": []}
    assert lantern.get("/v1/producer/statements/2026-11").status_code == 404
    listed = marigold.get("/v1/producer/statements").json["statements"]
    assert [(item["month"], item["payable"]["minor"]) for item in listed] == [("2026-11", 30)]
    assert marigold.get(listed[0]["csv_url"]).status_code == 200


def test_a_month_that_has_not_ended_is_not_closed(service: Service) -> None:
    """Closing the running month is refused with its end; an entity that does not exist is not found."""
    admin = member(service, ADMIN)
    answer = admin.post("/v1/admin/periods/2026-11/close", {})
    assert (answer.status_code, answer.json["code"]) == (422, "royalty.period_not_finished")
    assert answer.json["facts"]["ends_at"] == "2026-11-30T18:30:00.000000Z"
    unknown = admin.post("/v1/admin/periods/2026-10/close", {"entity": "nobody"})
    assert unknown.status_code == 404


def test_a_month_that_ended_for_one_entity_closes_there_and_names_the_other(service: Service) -> None:
    """In the hours between two zones' midnights India's month is closed and the Emirates' is named."""
    nothing = BringFacts(NEWTACT, "2026-11", "nothing", b"{}")
    service.call(lambda: service.container.bring_facts(SYSTEM, nothing, correlation_id="test"))
    service.clock.set(service.clock.now().replace(day=30, hour=19))
    report = member(service, ADMIN).close("2026-11")
    assert [item["entity"] for item in report["closed"]] == ["newtact"]
    assert [item["entity"] for item in report["open"]] == ["thaja"]


def test_a_new_token_value_counts_from_its_day_and_only_once(service: Service) -> None:
    """The same key adds one version; a value that takes effect in the past is refused."""
    admin = member(service, ADMIN)
    body = {
        "kind": "bonus",
        "effective_from": "2026-12-01T00:00:00+05:30",
        "values": {"INR": "40/1", "USD": "1/2"},
    }
    first = admin.post("/v1/admin/token-values", body, key="k1")
    assert (first.status_code, first.json) == (201, {"kind": "bonus", "version": 2})
    assert admin.post("/v1/admin/token-values", body, key="k1").json == first.json
    versions = admin.get("/v1/admin/token-values").json["versions"]
    assert versions[0]["values"] == {"INR": "40/1", "USD": "1/2"}
    assert versions[0]["effective_from"] == "2026-11-30T18:30:00Z"
    assert versions[0]["state"] == "coming"
    past = admin.post("/v1/admin/token-values", {**body, "effective_from": "2026-01-02T00:00:00Z"}, key="k2")
    assert (past.status_code, past.json["code"]) == (422, "tokens.value_version_in_past")
    lacking = admin.post("/v1/admin/token-values", {**body, "values": {"INR": "40/1"}}, key="k3")
    assert lacking.status_code in (400, 422)


def test_a_reward_of_a_frozen_wallet_is_held_until_staff_decide(service: Service) -> None:
    """A callback for a frozen wallet pays after the wallet is unfrozen and the reward released, on record."""
    viewer, admin = member(service, VIEWER), member(service, ADMIN)
    begun = viewer.post("/v1/ads/rewards").json
    who = {"email": VIEWER, "reason": "ten ads in a second"}
    assert admin.post("/v1/admin/wallets/freeze", who, key="f1").json == {"is_frozen": True}
    service.confirm(begun["ad_unit"], begun["custom_data"])
    assert viewer.get(f"/v1/ads/rewards/{begun['id']}").json["status"] == "held"
    held = admin.get("/v1/admin/rewards").json["rewards"]
    assert [(item["id"], item["account"], item["wallet_frozen"]) for item in held] == [
        (begun["id"], VIEWER, True)
    ]
    reason = {"reason": "looked into it"}
    early = admin.post(f"/v1/admin/rewards/{begun['id']}/release", reason)
    assert (early.status_code, early.json["code"]) == (422, "tokens.wallet_frozen")
    by_reward = {"reward_id": begun["id"], "reason": "all is well"}
    assert admin.post("/v1/admin/wallets/unfreeze", by_reward, key="u1").json == {"is_frozen": False}
    released = admin.post(f"/v1/admin/rewards/{begun['id']}/release", reason)
    assert released.json == {"id": begun["id"], "status": "paid"}
    assert viewer.get("/v1/wallet").json["bonus"] == 1
    found = admin.get("/v1/admin/audit").json["lines"]
    lines = [line for line in found if line["action"].split(".")[0] in ("reward", "wallet")]
    lines = [line for line in lines if line["action"] != "reward.list"]
    assert [line["action"] for line in lines] == ["reward.release", "wallet.unfreeze", "wallet.freeze"]
    assert [line["actor"] for line in lines] == [ADMIN] * 3
    assert lines[2]["subject"] == VIEWER
    assert lines[2]["reason"] == "ten ads in a second"
    found = admin.get("/v1/admin/audit?action=wallet.freeze").json["lines"]
    assert [line["action"] for line in found] == ["wallet.freeze"]
    again = admin.post(f"/v1/admin/rewards/{begun['id']}/refuse", reason)
    assert (again.status_code, again.json["code"]) == (422, "ads.reward_not_held")


def test_a_wallet_that_nobody_has_is_not_found(service: Service) -> None:
    """An address without account is 404; naming neither address nor reward is 400."""
    admin = member(service, ADMIN)
    body = {"email": "nobody@example.com", "reason": "none"}
    assert admin.post("/v1/admin/wallets/freeze", body, key="k1").status_code == 404
    assert admin.post("/v1/admin/wallets/freeze", {"reason": "none"}, key="k1").status_code == 400


def test_the_service_tells_its_flags_and_who_asks(service: Service) -> None:
    """Everybody may read the flags; /v1/me knows nobody, a guest and a member apart."""
    client = nobody(service)
    assert len(client.get("/v1/config").json["flags"]) == 5
    assert client.get("/v1/me").json["kind"] == "nobody"
    client.post("/v1/guests")
    assert client.get("/v1/me").json["kind"] == "guest"
    assert member(service, ADMIN).get("/v1/me").json["roles"] == ["super_admin", "viewer"]
    signed_out = member(service, VIEWER)
    assert signed_out.post("/v1/auth/logout").json["kind"] == "nobody"
    assert signed_out.get("/v1/wallet").json["code"] == "web.sign_in_needed"


def test_beginning_again_as_a_guest_keeps_the_account(service: Service) -> None:
    """POST /v1/guests for somebody who has an account changes nothing."""
    client = guest(service)
    client.earn(1)
    assert client.post("/v1/guests").status_code == 201
    assert client.get("/v1/wallet").json["bonus"] == 1


def test_entries_are_read_page_by_page(service: Service) -> None:
    """The cursor leads through all entries, each once, newest first."""
    client = guest(service)
    client.earn(5)
    numbers: list[int] = []
    cursor = ""
    while True:
        page = client.get(f"/v1/wallet/entries?limit=2{cursor}").json
        numbers += [entry["number"] for entry in page["entries"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert numbers == [5, 4, 3, 2, 1]


def test_titles_are_read_page_by_page(service: Service) -> None:
    """Pages hold every published title once, and say how many there are."""
    client = nobody(service)
    pages = [client.get(f"/v1/titles?limit=5&page={page}").json for page in (1, 2, 3)]
    names = [title["name"] for page in pages for title in page["titles"]]
    assert len(set(names)) == len(names) == pages[0]["total"] == 14
    assert pages[0]["total_pages"] == 3
    assert {title["type"] for title in client.get("/v1/titles?type=episode").json["titles"]} == {"episode"}


def test_no_internal_id_leaves_the_service(service: Service) -> None:
    """No answer holds a UUID, in any of its spellings, except in opaque prefixed ids."""
    viewer = guest(service)
    viewer.earn(2)
    viewer.unlock(viewer.title("Paper Kites"), "k1")
    admin, producer = member(service, ADMIN), member(service, MARIGOLD)
    who = {"email": VIEWER, "reason": "a test"}
    admin.post("/v1/admin/wallets/freeze", who, key="f1")
    service.clock.advance(timedelta(days=20))
    member(service, ADMIN).close("2026-11")
    reads: list[tuple[ApiClient, str]] = [
        (viewer, "/v1/wallet"),
        (viewer, "/v1/wallet/entries"),
        (viewer, "/v1/titles"),
        (viewer, "/v1/me"),
        (member(service, ADMIN), "/v1/admin/audit"),
        (member(service, ADMIN), "/v1/admin/token-values"),
        (producer, "/v1/producer/statements"),
        (producer, "/v1/producer/statements/2026-11"),
        (producer, "/producer/2026-11/statement.json"),
        (producer, "/producer/2026-11/statement.csv"),
    ]
    for client, path in reads:
        answer = client.get(path)
        assert answer.status_code == 200, path
        # Digests, opaque ids and the references that find log lines are as long, but name nothing inside.
        text = re.sub(
            r'sha256:[0-9a-f]{64}|[a-z]{2,8}_[0-9a-f]{32}|"reference":"[0-9a-f]{32}"', "", answer.text
        )
        assert UUID_TEXT.search(text) is None, (path, text)


def test_every_error_code_has_its_page(service: Service) -> None:
    """The `type` of an error leads to a page that explains it; the list holds them all, each code once."""
    client = nobody(service)
    listed = client.http.get("/problems/").text
    codes = [item.code for item in error_codes()]
    assert len(codes) == len(set(codes)) > 40
    assert all(f'id="{code}"' in listed for code in codes)
    assert RewardCapReached.code in client.http.get(f"/problems/{RewardCapReached.code}").text
    assert client.http.get("/problems/no.such_code").status_code == 404


def test_the_documentation_keeps_to_the_strict_policy(service: Service) -> None:
    """The page of the API runs no inline script and fetches nothing from elsewhere."""
    html = nobody(service).http.get("/v1/docs").text
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert "<style" not in html
    assert "http" not in re.sub(r"http-equiv", "", html)
    json.dumps(nobody(service).get("/v1/openapi.json").json)


async def _make_costs(service: Service, **by_type: int) -> None:
    async with service.container.uow().begin() as tx:
        await tx.token_costs.add(TokenCosts(2, service.clock.now(), by_type))
