"""Sample values for the viewer's pages, one a state that was designed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve

from buddy_core.kernel.money import Money
from buddy_core.views import (
    Access,
    Action,
    CaptionTrack,
    Card,
    Denial,
    EarnOffer,
    EpisodeRow,
    HomePage,
    NextUp,
    Rail,
    Spotlight,
    TitlePage,
    UnlockSheet,
    WatchPage,
    Way,
)

NOW = datetime(2026, 11, 21, 11, 4, tzinfo=UTC)


def art(key: str, shape: str = "poster") -> str:
    """Return the address of a sample picture."""
    return f"/media/{key}/{shape}.svg"


MONSOON = Card(
    "7fqk",
    "the-last-monsoon",
    "film",
    "The Last Monsoon",
    art("the-last-monsoon"),
    art("the-last-monsoon", "wide"),
    10,
    "locked",
    duration_s=40,
    certificate="UA 13+",
)
SALT = Card(
    "m2wd",
    "salt-road",
    "film",
    "Salt Road",
    art("salt-road"),
    art("salt-road", "wide"),
    10,
    "unlocked",
    duration_s=36,
    certificate="UA 16+",
)
FERRY = Card(
    "c8rt",
    "night-ferry",
    "series",
    "Night Ferry",
    art("night-ferry"),
    art("night-ferry", "wide"),
    2,
    "locked",
    episode_count=3,
    certificate="UA 13+",
)
KITES = Card(
    "x4pn",
    "paper-kites",
    "short",
    "Paper Kites",
    art("paper-kites"),
    art("paper-kites", "wide"),
    None,
    "free",
    duration_s=20,
    certificate="U",
)
MINUTES = Card(
    "b9jv",
    "eleven-minutes",
    "short",
    "Eleven Minutes",
    art("eleven-minutes"),
    art("eleven-minutes", "wide"),
    1,
    "locked",
    duration_s=22,
    certificate="UA 7+",
)
CROSSING = Card(
    "h3sd",
    "the-crossing",
    "episode",
    "The Crossing",
    art("night-ferry-1"),
    art("night-ferry-1", "wide"),
    None,
    "continue",
    12,
    28,
    "Night Ferry",
    1,
    1,
)
PAST = Card("q5zz", "lamp", "short", "The Lamp That Had No Picture To Show", None, None, 1, "unavailable")

FERRY_LINE = (
    "The last boat of the evening carries the same nine people home every night. One evening it carries ten."
)
AD = Way("watch_ad", "/earn?next=/unlock/episode/k6ym", 1)

HOME = HomePage(
    rails=(
        Rail("continue", (CROSSING,), "wide"),
        Rail("new", (FERRY, MONSOON, SALT, KITES, MINUTES, PAST)),
        Rail("films", (SALT, MONSOON), "wide"),
        Rail("shorts", (KITES, MINUTES)),
    ),
    spotlight=Spotlight(
        FERRY, Action("resume", "/watch/episode/h3sd", None, 12, 1), FERRY_LINE, ("ml", "en"), 2026
    ),
    earn=EarnOffer(1, 8),
)
HOME_GUEST = HomePage(
    rails=(Rail("new", (MONSOON, FERRY, KITES, MINUTES, SALT)), Rail("films", (MONSOON,), "wide")),
    spotlight=Spotlight(
        MONSOON,
        Action("unlock", "/unlock/film/7fqk", 10),
        "A weather clerk in a drying valley hides one forecast from the whole town.",
        ("hi", "en"),
        2025,
    ),
    earn=EarnOffer(1, 10),
)
HOME_EMPTY = HomePage(rails=())

EPISODES = (
    EpisodeRow(
        "h3sd",
        "the-crossing",
        1,
        "The Crossing",
        "The ticket man counts his passengers twice and gets two answers.",
        28,
        "continue",
        art("night-ferry-1", "wide"),
        None,
        12,
    ),
    EpisodeRow(
        "k6ym",
        "low-water",
        2,
        "Low Water",
        "The tide leaves the ferry on a sandbank with three hours to wait.",
        26,
        "locked",
        art("night-ferry-2", "wide"),
        2,
    ),
    EpisodeRow(
        "n7gf",
        "harbour-lights",
        3,
        "Harbour Lights",
        "The far shore shows a light where no house has stood for years.",
        30,
        "unavailable",
        art("night-ferry-3", "wide"),
    ),
)
SERIES = TitlePage(
    "c8rt",
    "night-ferry",
    "series",
    "Night Ferry",
    FERRY_LINE,
    Action("resume", "/watch/episode/h3sd", None, 12, 1),
    art("night-ferry"),
    art("night-ferry", "wide"),
    "UA 13+",
    ("suspense",),
    ("ml", "en"),
    ("en",),
    ("Drama", "Mystery"),
    2026,
    None,
    "Blue Lantern Films",
    episodes=EPISODES,
    more=(MONSOON, SALT, KITES, MINUTES),
    canonical_url="https://example.com/series/c8rt/night-ferry",
)
FILM = TitlePage(
    "7fqk",
    "the-last-monsoon",
    "film",
    "The Last Monsoon",
    "A weather clerk in a drying valley hides one forecast from the whole town. When the clouds come after "
    "all, she must say what she knew, and since when.",
    Action("unlock", "/unlock/film/7fqk", 10),
    art("the-last-monsoon"),
    art("the-last-monsoon", "wide"),
    "UA 13+",
    ("some strong language",),
    ("hi", "en"),
    ("en",),
    ("Drama",),
    2025,
    40,
    "Marigold Pictures",
    more=(SALT, FERRY),
)
FILM_DENIED = TitlePage(
    "m2wd",
    "salt-road",
    "film",
    "Salt Road",
    "Two sisters drive their father's last load of salt.",
    Action("none"),
    art("salt-road"),
    art("salt-road", "wide"),
    "UA 16+",
    languages=("gu", "hi"),
    duration_s=36,
    denial=Denial("entitlements.no_licence"),
)

PRICED = (
    Way("rental", price=Money(4900, "INR"), hours=48, available=False, reason="no_checkout"),
    Way("subscription", price=Money(29900, "INR"), tier="standard", period="P1M", available=False),
    Way("est", price=Money(19900, "INR"), available=False, reason="no_checkout"),
)
FILM_PRICED = evolve(
    FILM_DENIED,
    denial=Denial("entitlements.rental_ended", ways=PRICED, at=NOW),
    ways=(Way("sign_in", "/sign-in"), *PRICED),
)
FILM_COMING = evolve(
    FILM_DENIED, denial=Denial("entitlements.not_yet", opens_at=NOW + timedelta(days=1), at=NOW)
)
FILM_OVERDUE = evolve(
    FILM,
    action=Action("play", "/watch/film/7fqk"),
    access=Access("subscription", NOW, NOW + timedelta(days=12), 1080, is_in_grace=True),
)

UNLOCK = UnlockSheet(
    "k6ym",
    "low-water",
    "episode",
    "Low Water",
    2,
    "costs-1",
    "k-1",
    2,
    1,
    1,
    0,
    2,
    0,
    art("night-ferry-2"),
    "Night Ferry",
    2,
)
UNLOCK_SHORT = UnlockSheet(
    "7fqk",
    "the-last-monsoon",
    "film",
    "The Last Monsoon",
    10,
    "costs-1",
    "k-2",
    3,
    0,
    None,
    7,
    poster_url=art("the-last-monsoon"),
    ways=(
        AD,
        Way("buy_tokens", "/wallet", available=False, reason="coming"),
        Way("rental", price=Money(4900, "INR"), hours=48, available=False, reason="no_checkout"),
        Way("sign_in", "/sign-in"),
    ),
)
UNLOCK_CHANGED = UnlockSheet(
    "k6ym",
    "low-water",
    "episode",
    "Low Water",
    3,
    "costs-2",
    "k-3",
    2,
    1,
    0,
    0,
    2,
    1,
    art("night-ferry-2"),
    "Night Ferry",
    2,
    notice="price_changed",
    old_cost=2,
)
UNLOCK_DENIED = UnlockSheet(
    "m2wd",
    "salt-road",
    "film",
    "Salt Road",
    10,
    "costs-1",
    "k-4",
    12,
    0,
    None,
    poster_url=art("salt-road"),
    denial=Denial("country_unknown"),
)

WATCH = WatchPage(
    "h3sd",
    "the-crossing",
    "episode",
    "The Crossing",
    "/series/c8rt/night-ferry",
    "/media/clip/index.m3u8",
    "/watch/heartbeat/ses_1",
    10,
    (CaptionTrack("/media/clip/en.vtt", "en", True),),
    12,
    28,
    art("night-ferry-1"),
    art("night-ferry-1", "wide"),
    "Night Ferry",
    1,
    1,
    "UA 13+",
    "The ticket man counts his passengers twice and gets two answers.",
    NextUp("/unlock/episode/k6ym", "Low Water", 2, 1, art("night-ferry-2", "wide"), 2, True),
    episodes=EPISODES,
    more=(MONSOON, KITES),
)
WATCH_DENIED = WatchPage(
    "k6ym",
    "low-water",
    "episode",
    "Low Water",
    "/series/c8rt/night-ferry",
    poster_url=art("night-ferry-2"),
    backdrop_url=art("night-ferry-2", "wide"),
    series_title="Night Ferry",
    episode_number=2,
    denial=Denial("entitlements.no_grant", ways=(Way("unlock", "/unlock/episode/k6ym", 2), AD)),
)
WATCH_AGE = evolve(WATCH_DENIED, denial=Denial("entitlements.maturity", at=NOW))
WATCH_PIN = evolve(WATCH_DENIED, denial=Denial("entitlements.profile_pin", at=NOW))
