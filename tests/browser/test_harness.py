"""The browser tests' own tools: they see what is wrong, and say nothing when all is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page

GOOD = "<!doctype html><html lang=en><title>Good</title><main><h1>Good</h1><a href='/'>Home</a></main>"
BAD = "<!doctype html><html lang=en><title>Bad</title><main><h1>Bad</h1><img src='/x.png'></main>"


class _Pages(BaseHTTPRequestHandler):
    """Serves two pages under a policy that allows no inline script."""

    def do_GET(self) -> None:
        body = (GOOD if self.path == "/good" else BAD).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", "default-src 'self'; script-src 'self'")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests' output is for failures."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_axe_works_under_a_strict_policy(phone: Page, address: str, axe: Callable[[Page], list[str]]) -> None:
    """A good page has no serious finding; an image without a text alternative is one."""
    phone.goto(f"{address}/good")
    assert axe(phone) == []
    phone.goto(f"{address}/bad")
    assert [line.split(": ")[1] for line in axe(phone)] == ["image-alt"]


def test_phone_and_desktop_have_their_sizes(phone: Page, desktop: Page, address: str) -> None:
    """The phone is 390 px wide and has touch; the desktop is 1280 px wide."""
    for page, width, touch in ((phone, 390, True), (desktop, 1280, False)):
        page.goto(f"{address}/good")
        # Without a viewport tag a phone lays the page out wider, so the screen is asked.
        assert page.evaluate("screen.width") == width
        assert page.evaluate("navigator.maxTouchPoints > 0") is touch


def test_screenshot_is_named_by_page_and_width(
    desktop: Page, address: str, shoot: Callable[[Page, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture lands under the page's name and the window's width, as PNG; in CI none is made."""
    monkeypatch.setenv("CI", "")
    monkeypatch.delenv("BUDDY_SCREENSHOTS", raising=False)
    desktop.goto(f"{address}/good")
    path = shoot(desktop, "harness")
    assert path.name == "harness-1280.png"
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    path.unlink()
    monkeypatch.setenv("CI", "true")
    assert not shoot(desktop, "harness").exists()
