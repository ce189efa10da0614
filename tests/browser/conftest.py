"""Chromium for the browser tests: pages of a phone and a desktop, axe, and screenshots."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from buddy_adapters.media.ffmpeg import find_ffmpeg
from tests.browser.devices import DESKTOP, NARROW, Devices
from tests.browser.service import Service, serving

HINT = "no Chromium on this machine; run: apt-get install chromium"
AXE = Path(__file__).parents[2] / "buddy_web" / "static" / "vendor" / "axe.min.js"
PICTURES = Path(__file__).with_name("screenshots")
FOR_DOCS = {
    *("home", "title", "unlock", "watch", "earn", "wallet", "join"),
    *("producer", "statement", "why", "admin", "values", "costs", "ad-rule", "close", "publish"),
    *("facts", "terms", "terms-account", "terms-effect", "recouping", "why-late"),
    *("watch-no-grant", "title-plan-only", "title-not-yet", "title-free", "title-rented", "watch-free"),
    *("account", "second-factor", "users", "user", "roles", "approvals", "audit", "looking"),
}
SERIOUS = ("serious", "critical")
SETTLE = """() => document.getAnimations().forEach(
  (motion) => { if (motion.effect.getComputedTiming().endTime !== Infinity) motion.finish(); }
)"""

# Root needs --no-sandbox; the rest keeps the browser from asking the outside world for anything.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
)


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, by any of the names it goes by."""
    names = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark everything in this folder as a browser test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The system's Chromium; without it the test skips with the line that installs it, and fails in CI."""
    found = find_chromium()
    if found is not None:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(HINT)
    pytest.skip(HINT)


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """One browser a module.

    Not one a session: while Playwright's synchronous API is open, its loop counts as the thread's
    running one, and no asyncio test could start in the same process.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the encoded clips; all workers of a run share it, and the first one encodes."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "media"


@pytest.fixture(scope="module")
def service(chromium_path: str, media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real service with a database of its own, in a process of its own."""
    with serving(tmp_path_factory.mktemp("service"), media) as running:
        yield running


@pytest.fixture
def devices(chromium: Browser) -> Iterator[Devices]:
    """As many phones and desktops as a test needs, each with cookies of its own."""
    devices = Devices(chromium)
    yield devices
    devices.close()


@pytest.fixture
def phone(devices: Devices) -> Page:
    """A page on a phone."""
    return devices.phone()


@pytest.fixture
def desktop(devices: Devices) -> Page:
    """A page on a desktop."""
    return devices.desktop()


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """A function that returns a page's serious accessibility findings, one line each."""
    return serious_findings


@pytest.fixture
def shoot() -> Callable[[Page, str], Path]:
    """A function that writes a screenshot `<name>-<width>.png` and returns its path.

    It goes to the git-ignored tests/browser/screenshots; those of the docs to the folder that
    BUDDY_SCREENSHOTS names, if it names one. With CI=true nobody looks at the others: none is made.
    """
    return screenshot


def serious_findings(page: Page) -> list[str]:
    """Run axe on the page, all motion at its end, and return what it finds serious or critical."""
    page.evaluate(SETTLE)
    page.evaluate(AXE.read_text("utf-8") + "; undefined")
    report = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{finding['impact']}: {finding['id']}: {finding['help']}: {node['html'][:160]}"
        for finding in report["violations"]
        if finding["impact"] in SERIOUS
        for node in finding["nodes"]
    ]


def screenshot(page: Page, name: str) -> Path:
    """Write a picture of what the page's window shows, where somebody will look at it."""
    size = page.viewport_size or DESKTOP
    is_kept = name in FOR_DOCS and size["width"] != NARROW["width"]
    chosen = os.environ.get("BUDDY_SCREENSHOTS") if is_kept else None
    folder = Path(chosen) if chosen else PICTURES
    path = folder / f"{name}-{size['width']}.png"
    if os.environ.get("CI") == "true" and not chosen:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    try:
        page.screenshot(path=path, animations="disabled")
    except Error:  # Chromium on a busy machine: it could not just then
        page.screenshot(path=path, animations="disabled")
    if chosen:
        _shrink(path)
    return path


def _shrink(path: Path) -> None:
    """Write the picture anew in 256 colours: those for the docs are kept in the repository."""
    palette = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=dither=sierra2_4a"
    small = path.with_suffix(".small.png")
    command = [find_ffmpeg(), "-v", "error", "-y", "-i", str(path), "-vf", palette]
    subprocess.run([*command, "-compression_level", "100", str(small)], check=True, stdin=subprocess.DEVNULL)
    small.replace(path)
