"""Requests made up from the API's own document, by everybody who may send some: none breaks the service.

Which requests are sent is drawn anew with each run; the seed is printed, and BUDDY_FUZZ_SEED repeats one.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from buddy_core.access import BUILT_IN, MEMBER_PERMISSIONS
from buddy_web.errors import host_codes
from buddy_web.permissions import OWN, PUBLIC
from tests.web.api_client import (
    ADMIN,
    FINANCE,
    MARIGOLD,
    SUPPORT,
    VIEWER,
    ApiClient,
    app,
    guest,
    member,
)
from tests.web.service import Service, running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CONFIG = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
ENDING = ("/v1/auth/logout", "/v1/auth/logout-all", "/v1/auth/sessions/{id}", "/v1/auth/second-factor")
"""Operations after which the next request would have no session: a passer-by sends them."""
NOT_ALLOWED, ALLOWED = 2, 12
"""How many requests are sent by those who are refused at the door, and by those who are not."""

ROLES_OF = {
    "guest": "",
    "producer": "partner_admin",
    "finance": "finance",
    "support": "support",
    "admin": "super_admin",
}
"""Who sends requests, and the role that they have beside a viewer's."""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as found:
        yield found


@pytest.fixture(scope="module")
def clients(service: Service) -> dict[str, ApiClient]:
    """Who asks: a guest with tokens, a producer, finance and support by app, an admin by browser."""
    viewer = guest(service)
    viewer.earn(5)
    return {
        "guest": viewer,
        "producer": app(service, MARIGOLD),
        "finance": app(service, FINANCE),
        "support": app(service, SUPPORT),
        "admin": member(service, ADMIN),
    }


@pytest.fixture(scope="module")
def known_ids(service: Service, clients: dict[str, ApiClient]) -> dict[str, list[str]]:
    """Ids that stand for something, by the beginning of the paths that take them."""
    support, finance = clients["support"], clients["finance"]
    [found] = support.get(f"/v1/admin/users?email={VIEWER}").json["users"]
    gifts = [
        support.post(
            f"/v1/admin/users/{found['user_id']}/tokens",
            {"tokens": 60, "reason": "a test"},
            key=f"gift {number}",
        )
        for number in range(5)
    ]
    value = {
        "kind": "paid",
        "effective_from": "2026-12-01T00:00:00Z",
        "values": {"INR": "900/1", "USD": "9/1"},
    }
    asked = [*gifts, finance.post("/v1/admin/token-values", value, key="value")]
    assert [answer.status_code for answer in asked] == [202] * 6
    titles = [title["id"] for title in clients["guest"].get("/v1/titles?limit=100").json["titles"]]
    return {
        "/v1/admin/titles/": titles,
        "/v1/admin/users/": [found["user_id"]],
        "/v1/admin/approvals/": [answer.json["request_id"] for answer in asked],
        "/v1/titles/": titles,
    }


def test_no_request_breaks_the_service(
    service: Service, clients: dict[str, ApiClient], known_ids: dict[str, list[str]]
) -> None:
    """Whatever anybody sends is answered as the document says: never 500, never in an undeclared form."""
    drawn_by = int(os.environ.get("BUDDY_FUZZ_SEED") or secrets.randbelow(2**32))
    print(f"repeat with BUDDY_FUZZ_SEED={drawn_by}")
    document = schemathesis.openapi.from_wsgi("/v1/openapi.json", service.app, config=CONFIG)
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) >= 60
    taken: dict[str, set[str]] = {name: set() for name in clients}
    answered: set[int] = set()
    for operation in operations:
        ids = next((found for start, found in known_ids.items() if operation.path.startswith(start)), [])
        for name, client in clients.items():
            is_passing = operation.path in ENDING and operation.method != "get"
            enter = partial(app, service, VIEWER) if is_passing else partial(_same, client)
            count = ALLOWED if _may(ROLES_OF[name], operation) else NOT_ALLOWED
            statuses = _try(operation, enter, ids, count, drawn_by)
            answered |= statuses
            if statuses & {200, 201, 202, 204}:
                taken[name].add(operation.label)
    # Refusals alone would prove little: everybody had many requests that were taken.
    for name, least in {"guest": 10, "producer": 12, "finance": 18, "support": 16, "admin": 25}.items():
        assert len(taken[name]) >= least, (name, sorted(taken[name]))
    assert {200, 201, 400, 403, 404} <= answered
    assert service.call(service.container.verify).is_clean


def _try(
    operation: Any, enter: Callable[[], ApiClient], ids: list[str], count: int, drawn_by: int
) -> set[int]:
    """Send requests that fit the document and such that do not; return the statuses of the answers."""
    statuses: set[int] = set()
    declared = set(operation.definition.raw["x-codes"]) | set(host_codes())

    @seed(drawn_by)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        known=st.sampled_from([None, *ids]),
    )
    def sent(case: Any, known: str | None) -> None:
        who = enter()
        if known is not None and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = known
        # A client that registers or signs in here is another from then on, with another token.
        cookies = {} if who.access else {cookie.key: cookie.value for cookie in who.http._cookies.values()}
        answer = case.call(headers=who.proof(), cookies=cookies)
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.json()["code"] in declared, (operation.label, answer.json())

    sent()
    return statuses


def _may(role: str, operation: Any) -> bool:
    """Tell whether somebody with this role is let in at the operation's door."""
    asked = operation.definition.raw["x-permission"]
    return asked in (PUBLIC, OWN, *MEMBER_PERMISSIONS, *BUILT_IN.permissions_of(role))


def _same(client: ApiClient) -> ApiClient:
    return client
