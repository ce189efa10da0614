"""What an installation lacks without failing at once: said when the service starts."""

from __future__ import annotations

from pathlib import Path

from buddy_web.settings import Settings
from buddy_web.vendor import FOLDER, MANIFEST, is_current


def lacks(settings: Settings, *, manifest: Path = MANIFEST, folder: Path = FOLDER) -> list[str]:
    """Return a sentence on each thing without which pages or sales do not work as they should."""
    found = []
    if not is_current(manifest, folder):
        found.append(
            "Front-end files are missing or out of date, so that the player does not run. "
            "Fetch them: python -m buddy_web.vendor"
        )
    if settings.demo:
        return found
    if not settings.country_header:
        found.append(
            "BUDDY_COUNTRY_HEADER is not set: no country is known, and nothing can be sold or watched."
        )
    if not settings.trusted_proxies and not settings.trust_unix_socket:
        found.append(
            "BUDDY_TRUSTED_PROXIES is not set: the country header is believed from nobody, so that "
            "nothing can be sold, and all visitors behind a proxy share its address: its daily cap of ads, "
            "five sign-ins in 15 minutes, three registrations an hour."
        )
    return found
