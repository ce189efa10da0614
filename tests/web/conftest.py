"""Fixtures of the host's tests: a toy application with a clock that can be moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from buddy_web.app import BuddyApp
from buddy_web.settings import Mode, Settings
from tests.web.toy_app import SECRET, Clock, Container, make_app


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def container(clock: Clock) -> Iterator[Container]:
    container = Container(clock)
    yield container
    container.bridge().close()


@pytest.fixture
def app(container: Container) -> BuddyApp:
    return make_app(Settings(secret_key=SECRET, max_body_bytes=1000), container)


@pytest.fixture
def production(container: Container) -> BuddyApp:
    settings = Settings(mode=Mode.PRODUCTION, secret_key=SECRET, public_url="https://watch.example.com")
    return make_app(settings, container)


@pytest.fixture
def client(app: BuddyApp) -> FlaskClient:
    return app.test_client()
