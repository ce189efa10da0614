"""The demo's producers and titles, as data that the seed, the clips and the posters all read."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from buddy_adapters.media.posters import Palette

Kind = Literal["film", "series", "episode", "short"]


@frozen
class DemoProducer:
    """A producer of the demo; `key` is stable, `name` is what people see."""

    key: str
    name: str


@frozen
class DemoTitle:
    """A title of the demo.

    `key` names the media folder too. `producer` and `series` are keys;
    `number` is the episode's place in its series. A series has no clip of its
    own: its `clip_s` is zero. `look` names clip look and poster motif. A title
    with `plays` shows the clip of the title with that key, and has none of its own.
    """

    key: str
    type: Kind
    title: str
    synopsis: str
    producer: str
    maturity: str
    languages: tuple[str, ...]
    year: int
    clip_s: int
    look: str
    seed: int
    palette: Palette
    series: str | None = None
    number: int | None = None
    captions: tuple[str, ...] = ()
    plays: str | None = None


MARIGOLD = DemoProducer("marigold", "Marigold Pictures")
BLUE_LANTERN = DemoProducer("blue-lantern", "Blue Lantern Films")
PRODUCERS: tuple[DemoProducer, ...] = (MARIGOLD, BLUE_LANTERN)

_MONSOON = Palette("#0b1d2a", "#1a5a66", "#f2a65a", "#fdf1dc")
_SALT = Palette("#3b1f2b", "#b4533c", "#f2c57c", "#fff4de")
_NIGHT = Palette("#03071e", "#14306b", "#e0a458", "#ffe9c4")
_KITES = Palette("#1d2f4b", "#2a8f8a", "#e76f51", "#fbe6a2")
_MINUTES = Palette("#12002e", "#4a0e80", "#ff9e00", "#ffe6ff")
_LAMPS = Palette("#1c0f13", "#7a2e1f", "#ffc15e", "#fff1d6")
_GLASS = Palette("#07161b", "#1e4a52", "#9fd8cb", "#eefaf6")
_FIELDS = Palette("#10210f", "#3f6b2c", "#f4d35e", "#fffbe6")
_ASH = Palette("#151515", "#4b4b4f", "#d9c5a0", "#f7f2e8")
_INK = Palette("#0a0a1f", "#2b2d6e", "#c3a6ff", "#f4efff")
_EMBER = Palette("#1a0508", "#6e1423", "#ff7f51", "#ffe8dc")

TITLES: tuple[DemoTitle, ...] = (
    DemoTitle(
        key="the-last-monsoon",
        type="film",
        title="The Last Monsoon",
        synopsis="A weather clerk in a drying valley hides one forecast from the whole town. "
        "When the clouds come after all, she must say what she knew, and since when.",
        producer=MARIGOLD.key,
        maturity="UA 13+",
        languages=("hi", "en"),
        year=2025,
        clip_s=40,
        look="rain",
        seed=11,
        palette=_MONSOON,
        captions=(
            "[rain on a tin roof]",
            "You wrote it down in June.",
            "I wrote down a number. Nobody asked me what it meant.",
            "[thunder, far off]",
            "Then I am asking now.",
        ),
    ),
    DemoTitle(
        key="salt-road",
        type="film",
        title="Salt Road",
        synopsis="Two sisters drive their father's last load of salt across the white desert. "
        "The buyer is gone, the lorry is not theirs, and the road is the only thing still straight.",
        producer=BLUE_LANTERN.key,
        maturity="UA 16+",
        languages=("gu", "hi"),
        year=2024,
        clip_s=36,
        look="salt",
        seed=23,
        palette=_SALT,
        captions=(
            "[wind over the flats]",
            "How far is it to the other side?",
            "He never said there was one.",
            "[the engine starts]",
        ),
    ),
    DemoTitle(
        key="night-ferry",
        type="series",
        title="Night Ferry",
        synopsis="The last boat of the evening carries the same nine people home every night. "
        "One evening it carries ten.",
        producer=BLUE_LANTERN.key,
        maturity="UA 13+",
        languages=("ml", "en"),
        year=2026,
        clip_s=0,
        look="harbour",
        seed=31,
        palette=_NIGHT,
    ),
    DemoTitle(
        key="night-ferry-1",
        type="episode",
        title="The Crossing",
        synopsis="The ticket man counts his passengers twice and gets two answers. "
        "By midstream everyone has noticed the woman who bought no ticket.",
        producer=BLUE_LANTERN.key,
        maturity="UA 13+",
        languages=("ml", "en"),
        year=2026,
        clip_s=28,
        look="harbour",
        seed=32,
        palette=_NIGHT,
        series="night-ferry",
        number=1,
        captions=("[a ship's horn]", "Ten. I count ten.", "Count again.", "[water against the hull]"),
    ),
    DemoTitle(
        key="night-ferry-2",
        type="episode",
        title="Low Water",
        synopsis="The tide leaves the ferry on a sandbank with three hours to wait. "
        "There is one lamp, one story, and nobody tells it the same way.",
        producer=BLUE_LANTERN.key,
        maturity="UA 13+",
        languages=("ml", "en"),
        year=2026,
        clip_s=26,
        look="harbour",
        seed=33,
        palette=_NIGHT,
        series="night-ferry",
        number=2,
        captions=("[sand under the keel]", "Three hours.", "Then start at the beginning."),
    ),
    DemoTitle(
        key="night-ferry-3",
        type="episode",
        title="Harbour Lights",
        synopsis="The far shore shows a light where no house has stood for years. "
        "The captain steers for it, and no one asks him to turn.",
        producer=BLUE_LANTERN.key,
        maturity="UA 13+",
        languages=("ml", "en"),
        year=2026,
        clip_s=30,
        look="harbour",
        seed=34,
        palette=_NIGHT,
        series="night-ferry",
        number=3,
        captions=("[the engine slows]", "Whose light is that?", "Ours, once.", "[a bell]"),
    ),
    DemoTitle(
        key="paper-kites",
        type="short",
        title="Paper Kites",
        synopsis="On the roofs of the old city a boy flies kites made of unpaid bills. "
        "The wind returns one of them, signed.",
        producer=MARIGOLD.key,
        maturity="U",
        languages=("hi",),
        year=2025,
        clip_s=20,
        look="kites",
        seed=41,
        palette=_KITES,
        captions=("[children on the roofs]", "Higher!", "[the string hums]"),
    ),
    DemoTitle(
        key="eleven-minutes",
        type="short",
        title="Eleven Minutes",
        synopsis="A lift stops between two floors, and eleven minutes pass in one take. "
        "Two strangers settle who they would have been.",
        producer=BLUE_LANTERN.key,
        maturity="UA 7+",
        languages=("en", "hi"),
        year=2026,
        clip_s=22,
        look="minutes",
        seed=53,
        palette=_MINUTES,
        captions=("[the lift stops]", "Ten minutes and fifty seconds.", "Who is counting?"),
    ),
    DemoTitle(
        key="lamp-street",
        type="film",
        title="Lamp Street",
        synopsis="One street keeps its oil lamps when the city goes electric. "
        "The lamplighter's daughter sells the last one, and then wants it back.",
        producer=MARIGOLD.key,
        maturity="UA 7+",
        languages=("bn", "en"),
        year=2021,
        clip_s=16,
        look="harbour",
        seed=61,
        palette=_LAMPS,
        captions=("[a match is struck]", "This one is not for sale.", "Then why is it in the window?"),
    ),
    DemoTitle(
        key="glass-hour",
        type="film",
        title="The Glass Hour",
        synopsis="A night nurse keeps the watches of those who need them no more. One of them begins to run.",
        producer=BLUE_LANTERN.key,
        maturity="UA 13+",
        languages=("ta", "en"),
        year=2023,
        clip_s=12,
        look="minutes",
        seed=67,
        palette=_GLASS,
        captions=("[a clock begins to tick]", "That one stopped in March.", "Not any more."),
    ),
    DemoTitle(
        key="first-harvest",
        type="film",
        title="First Harvest",
        synopsis="Three cousins inherit one field and three ways to farm it. The rain has a fourth.",
        producer=MARIGOLD.key,
        maturity="U",
        languages=("pa", "hi"),
        year=2024,
        clip_s=40,
        look="kites",
        seed=71,
        palette=_FIELDS,
        plays="the-last-monsoon",
    ),
    DemoTitle(
        key="ash-line",
        type="film",
        title="The Ash Line",
        synopsis="The last steam engine of the hills goes down to the plain to be broken up. "
        "Its driver takes the long way.",
        producer=BLUE_LANTERN.key,
        maturity="UA 7+",
        languages=("hi",),
        year=2020,
        clip_s=36,
        look="salt",
        seed=73,
        palette=_ASH,
        plays="salt-road",
    ),
    DemoTitle(
        key="borrowed-words",
        type="film",
        title="Borrowed Words",
        synopsis="A ghostwriter finds her own sentences in a book that she did not write. "
        "Somebody else's lawyer finds them too.",
        producer=MARIGOLD.key,
        maturity="UA 13+",
        languages=("en",),
        year=2022,
        clip_s=22,
        look="kites",
        seed=79,
        palette=_INK,
        plays="eleven-minutes",
    ),
    DemoTitle(
        key="after-the-verdict",
        type="film",
        title="After the Verdict",
        synopsis="A jury of twelve has gone home, and eleven of them sleep. "
        "The twelfth goes back to the house.",
        producer=BLUE_LANTERN.key,
        maturity="A",
        languages=("ml", "hi"),
        year=2024,
        clip_s=26,
        look="rain",
        seed=83,
        palette=_EMBER,
        plays="night-ferry-2",
    ),
)


def title_of(key: str) -> DemoTitle:
    """Return the title with this key. Raises KeyError when there is none."""
    for title in TITLES:
        if title.key == key:
            return title
    raise KeyError(f"no demo title has the key {key!r}")
