"""What every page is held to: nothing serious for axe, nothing that moves, nothing wider than the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

WATCH_SHIFTS = """
  if (window.shifted === undefined) {
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  }
"""

PICTURES_ARE_THERE = """() => [...document.images].every((image) => {
  const place = image.getBoundingClientRect();
  return image.complete || !place.width || place.top > innerHeight || place.left > innerWidth;
})"""


def open_page(page: Page, address: str, text: str, *, status: int = 200) -> None:
    """Open a page, and see that it says what it should."""
    page.add_init_script(WATCH_SHIFTS)
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == status
    expect(page.get_by_text(text).first).to_be_visible()


def check_page(
    page: Page, name: str, axe: Callable[[Page], list[str]] | None, shoot: Callable[[Page, str], Path]
) -> None:
    """Take the picture of a page as it stands, and hold it to what holds for all.

    Without `axe` the page is one that axe has seen already, in another size.
    """
    # A page that a form leads to may be seen before its style sheets are there.
    page.wait_for_load_state("load")
    page.wait_for_function(PICTURES_ARE_THERE)
    shoot(page, name)
    assert axe is None or axe(page) == []
    assert page.evaluate("window.shifted") < 0.1
    assert page.evaluate("document.documentElement.scrollWidth - screen.width") <= 0
