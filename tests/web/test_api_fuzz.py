"""Requests made up from the API's own document: none of them breaks the service."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.api_client import ADMIN, MARIGOLD, ApiClient, guest, member
from tests.web.service import Service, running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
QUICK = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as found:
        yield found


@pytest.fixture(scope="module")
def clients(service: Service) -> dict[str, ApiClient]:
    """Who asks for what: a guest with tokens, a producer, an admin."""
    viewer = guest(service)
    viewer.earn(5)
    return {"producer": member(service, MARIGOLD), "admin": member(service, ADMIN), "guest": viewer}


def test_no_request_breaks_the_service(service: Service, clients: dict[str, ApiClient]) -> None:
    """Whatever is sent to any operation is answered as the document says: never 500, never another form."""
    document = schemathesis.openapi.from_wsgi("/v1/openapi.json", service.app)
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) > 25
    answered: dict[str, set[int]] = {}
    for operation in operations:
        # Signing out would leave the other examples without an account; it takes nothing that could be wrong.
        if not operation.path.endswith("/auth/logout"):
            group = operation.path.split("/")[2]
            answered[operation.label] = _try(operation, clients.get(group, clients["guest"]))
    # Refusals alone would prove little: many operations had a request that they took.
    taken = [label for label, statuses in answered.items() if statuses & {200, 201}]
    assert len(taken) >= 10, answered
    assert any(400 in statuses for statuses in answered.values())


def _try(operation: Any, who: ApiClient) -> set[int]:
    """Send requests that fit the document and such that do not; return the statuses of the answers."""
    statuses: set[int] = set()

    @QUICK
    @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def sent(case: Any) -> None:
        # A client that registers or signs in here is another from then on, with another token.
        cookies = {cookie.key: cookie.value for cookie in who.http._cookies.values()}
        answer = case.call(headers={"X-CSRF-Token": who.token}, cookies=cookies)
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    sent()
    return statuses
