"""Phones and desktops for the tests: the two sizes at which every page is looked at."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
NARROW = {"width": 320, "height": 640}
PATIENCE_MS = 15_000


@define
class Devices:
    """Gives out phones and desktops; a script error or a breach of the policy on one of their pages fails."""

    browser: Browser
    _contexts: list[BrowserContext] = field(factory=list)
    _faults: list[str] = field(factory=list)

    def phone(self, **options: Any) -> Page:
        """Return a page on a phone of its own (390x844, touch) without any cookie."""
        phone = {"viewport": {**PHONE}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
        return self._page({**phone, **options})

    def narrow(self, **options: Any) -> Page:
        """Return a page on the narrowest phone there is (320x640), otherwise as `phone`."""
        return self.phone(viewport={**NARROW}, **options)

    def desktop(self, **options: Any) -> Page:
        """Return a page on a desktop of its own (1280x800) without any cookie."""
        return self._page({"viewport": {**DESKTOP}, **options})

    def _page(self, options: dict[str, Any]) -> Page:
        context = self.browser.new_context(locale="en-IN", **options)
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: self._faults.append(str(error.error)))
        # Playwright writes on the object of a bound method, which has slots here.
        context.on("console", lambda message: self._heard(message))
        return context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self._faults.append(message.text)

    def close(self) -> None:
        """Close all that was given out, and say what went wrong on it."""
        for context in self._contexts:
            context.close()
        assert self._faults == [], f"scripts or the policy failed on a page: {self._faults}"
