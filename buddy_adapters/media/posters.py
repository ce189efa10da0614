"""Poster art as SVG, drawn from a title's palette and seed: the same title gives the same poster."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape

from attrs import field, frozen, validators

_COLOUR = validators.matches_re(r"#[0-9a-f]{6}")


@frozen
class Palette:
    """Four colours as #rrggbb: the dark edge, the ground, one accent, and the light that text is set in."""

    deep: str = field(validator=_COLOUR)
    ground: str = field(validator=_COLOUR)
    accent: str = field(validator=_COLOUR)
    light: str = field(validator=_COLOUR)


@frozen
class Poster:
    """What a poster says and how it looks; `motif` names the drawing."""

    title: str
    credit: str
    motif: str
    palette: Palette
    seed: int


@frozen
class _Sheet:
    """The paper: its size, and a stream of numbers that decides where things go."""

    poster: Poster
    width: int
    height: int

    def numbers(self, subject: str) -> Iterator[int]:
        """Yield an endless stream of numbers 0 to 65535, fixed by seed, title and subject.

        A hash, not `random`: its stream is the same on every Python.
        """
        block = 0
        while True:
            text = f"{self.poster.seed}/{self.poster.title}/{subject}/{block}"
            digest = hashlib.sha256(text.encode("utf-8")).digest()
            yield from (int.from_bytes(digest[at : at + 2], "big") for at in range(0, 32, 2))
            block += 1

    def across(self, share: int) -> int:
        """Return a length: so many thousandths of the width."""
        return self.width * share // 1000

    def down(self, share: int) -> int:
        """Return a length: so many thousandths of the height."""
        return self.height * share // 1000


HERO = (1600, 900)
PORTRAIT = (800, 1200)


def draw_poster(poster: Poster, *, portrait: bool, words: bool = True) -> str:
    """Draw a poster as one SVG document, 2:3 when `portrait`, else 16:9.

    Without `words` only the art is drawn, for a hero that the page sets its own
    type on. Text is escaped; the file holds no script, no link and no outside font.

    Raises ValueError for an unknown motif.
    """
    width, height = PORTRAIT if portrait else HERO
    if poster.motif not in MOTIFS:
        raise ValueError(f"no motif is called {poster.motif!r}; there are: {', '.join(sorted(MOTIFS))}")
    sheet = _Sheet(poster, width, height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{_attribute(poster.title)}">',
        _definitions(sheet),
        f'<rect width="{width}" height="{height}" fill="url(#sky)"/>',
        MOTIFS[poster.motif](sheet),
        f'<rect width="{width}" height="{height}" fill="url(#edge)"/>',
        f'<rect width="{width}" height="{height}" filter="url(#grain)" opacity="0.16"/>',
    ]
    if words:
        parts += [f'<rect width="{width}" height="{height}" fill="url(#foot)"/>', _type(sheet)]
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def placeholder_colour(palette: Palette) -> str:
    """Return the one colour to show while a poster loads: halfway between its dark edge and its ground."""
    pairs = [(int(palette.deep[at : at + 2], 16), int(palette.ground[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{(deep + ground) // 2:02x}" for deep, ground in pairs)


def title_lines(title: str, *, most: int) -> list[str]:
    """Break a title into lines of at most `most` characters, at its spaces; a longer word stands alone."""
    lines: list[str] = []
    for word in title.split():
        if lines and len(lines[-1]) + 1 + len(word) <= most:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;", "'": "&apos;"})


def _definitions(sheet: _Sheet) -> str:
    palette = sheet.poster.palette
    return f"""<defs>
<linearGradient id="sky" x1="0" y1="0" x2="0.25" y2="1">
<stop offset="0" stop-color="{palette.deep}"/><stop offset="0.55" stop-color="{palette.ground}"/>
<stop offset="1" stop-color="{palette.accent}"/></linearGradient>
<radialGradient id="glow"><stop offset="0" stop-color="{palette.light}"/>
<stop offset="0.35" stop-color="{palette.light}" stop-opacity="0.75"/>
<stop offset="1" stop-color="{palette.accent}" stop-opacity="0"/></radialGradient>
<radialGradient id="edge" cx="0.5" cy="0.42" r="0.85"><stop offset="0.5" stop-color="#000" stop-opacity="0"/>
<stop offset="1" stop-color="#000" stop-opacity="0.6"/></radialGradient>
<linearGradient id="foot" x1="0" y1="0" x2="0" y2="1"><stop offset="0.5" stop-color="{palette.deep}"
 stop-opacity="0"/><stop offset="0.92" stop-color="{palette.deep}" stop-opacity="0.92"/></linearGradient>
<filter id="grain"><feTurbulence type="fractalNoise" baseFrequency="0.8" numOctaves="2"
 seed="{sheet.poster.seed % 1000}"/>
<feColorMatrix values="0 0 0 0 1  0 0 0 0 1  0 0 0 0 1  0 0 0 .9 -.25"/></filter>
</defs>"""


def _type(sheet: _Sheet) -> str:
    """Set the title big at the foot, the credit small and spaced above it."""
    portrait = sheet.height > sheet.width
    lines = title_lines(sheet.poster.title.upper(), most=11 if portrait else 20)
    room = sheet.width * (84 if portrait else 70) // 100
    longest = max(len(line) for line in lines)
    # Capitals of a heavy face are about 0.72 of the type size wide.
    size = min(room * 100 // (72 * longest), sheet.height * (13 if portrait else 17) // 100)
    foot, left = sheet.down(930), sheet.across(70)
    common = f'font-family="Noto Sans, Helvetica, Arial, sans-serif" fill="{sheet.poster.palette.light}"'
    top = foot - (len(lines) - 1) * size
    parts = [
        f'<text x="{left}" y="{top - size - sheet.down(14)}" {common} font-size="{size * 26 // 100}" '
        f'letter-spacing="{size * 8 // 100}" opacity="0.85">{escape(sheet.poster.credit.upper())}</text>',
        f'<rect x="{left}" y="{top - size + size * 6 // 100}" width="{sheet.across(90)}" height="5" '
        f'fill="{sheet.poster.palette.accent}"/>',
    ]
    parts += [
        f'<text x="{left}" y="{top + number * size}" {common} font-size="{size}" font-weight="900" '
        f'letter-spacing="{-size // 60}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    return "\n".join(parts)


def _ridge(sheet: _Sheet, subject: str, *, level: int, rough: int) -> str:
    """Return the path of a skyline across the sheet at `level` thousandths down."""
    numbers = sheet.numbers(subject)
    points = [
        (sheet.width * step // 10, sheet.down(level) - next(numbers) * sheet.down(rough) // 65535)
        for step in range(11)
    ]
    path = f"M0 {points[0][1]}"
    for (before_x, before_y), (x, y) in itertools.pairwise(points):
        middle = (before_x + x) // 2
        path += f" C{middle} {before_y} {middle} {y} {x} {y}"
    return f"{path} V{sheet.height} H0 Z"


def _sun(sheet: _Sheet, *, across: int, down: int, size: int) -> str:
    """Draw a glowing disc; size in thousandths of the shorter side."""
    radius = min(sheet.width, sheet.height) * size // 1000
    x, y = sheet.across(across), sheet.down(down)
    return (
        f'<circle cx="{x}" cy="{y}" r="{radius * 2}" fill="url(#glow)" opacity="0.55"/>'
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{sheet.poster.palette.light}"/>'
    )


def _rain(sheet: _Sheet) -> str:
    palette, numbers = sheet.poster.palette, sheet.numbers("rain")
    drops = []
    for _ in range(150):
        x, y = next(numbers) * sheet.width // 65535, next(numbers) * sheet.height // 65535
        length = sheet.down(30) + next(numbers) * sheet.down(90) // 65535
        drops.append(f"M{x} {y} l{-length // 5} {length}")
    return (
        _sun(sheet, across=640, down=330, size=150)
        + f'<path d="{_ridge(sheet, "far", level=700, rough=160)}" fill="{palette.ground}" opacity="0.8"/>'
        + f'<path d="{_ridge(sheet, "near", level=820, rough=130)}" fill="{palette.deep}"/>'
        + f'<path d="{"".join(drops)}" stroke="{palette.light}" stroke-width="2" opacity="0.35"/>'
    )


def _salt(sheet: _Sheet) -> str:
    palette, horizon = sheet.poster.palette, sheet.down(560)
    vanish = sheet.across(600)
    road = f"M{vanish - 4} {horizon} L{vanish + 4} {horizon} L{sheet.across(880)} {sheet.height}"
    plain = f'y="{horizon}" width="{sheet.width}" height="{sheet.height - horizon}"'
    cracks = "".join(
        f"M{vanish} {horizon} L{sheet.width * step // 8 - sheet.width // 2} {sheet.height}"
        for step in range(17)
    )
    return (
        _sun(sheet, across=600, down=500, size=230)
        + f'<rect {plain} fill="{palette.light}"/><rect {plain} fill="{palette.accent}" opacity="0.45"/>'
        f'<path d="{cracks}" stroke="{palette.ground}" stroke-width="2" opacity="0.35"/>'
        + f'<path d="{road} L{sheet.across(180)} {sheet.height} Z" fill="{palette.deep}" opacity="0.9"/>'
    )


def _harbour(sheet: _Sheet) -> str:
    palette, numbers, water = sheet.poster.palette, sheet.numbers("lights"), sheet.down(600)
    lights = []
    for _ in range(34):
        x, size = next(numbers) * sheet.width // 65535, 3 + next(numbers) * 7 // 65535
        y = water - sheet.down(8) - next(numbers) * sheet.down(60) // 65535
        fall = sheet.down(60) + next(numbers) * sheet.down(220) // 65535
        lights.append(
            f'<circle cx="{x}" cy="{y}" r="{size}" fill="{palette.light}"/>'
            f'<rect x="{x - size // 2}" y="{water}" width="{size}" height="{fall}" fill="{palette.light}"'
            ' opacity="0.28"/>'
        )
    left, deck = sheet.across(240), sheet.down(590)
    ferry = (
        f"M{left} {deck} h{sheet.across(520)} l{-sheet.across(60)} {sheet.down(70)} "
        f"h{-sheet.across(380)} Z M{left + sheet.across(110)} {deck} v{-sheet.down(70)} h{sheet.across(270)} "
        f"v{sheet.down(70)} Z M{left + sheet.across(260)} {deck - sheet.down(70)} v{-sheet.down(60)} "
        f"h{sheet.across(50)} v{sheet.down(60)} Z"
    )
    return (
        _sun(sheet, across=740, down=250, size=90)
        + f'<path d="{_ridge(sheet, "shore", level=600, rough=90)}" fill="{palette.ground}"/>'
        + f'<rect y="{water}" width="{sheet.width}" height="{water}" fill="{palette.deep}" opacity="0.86"/>'
        + "".join(lights)
        + f'<path d="{ferry}" fill="#05070d"/>'
    )


def _kites(sheet: _Sheet) -> str:
    palette, numbers, parts = sheet.poster.palette, sheet.numbers("kites"), []
    fills = [palette.light, palette.accent, palette.deep]
    for number in range(9):
        x = sheet.across(90) + next(numbers) * sheet.across(820) // 65535
        y = sheet.down(70) + next(numbers) * sheet.down(480) // 65535
        size = sheet.across(30) + next(numbers) * sheet.across(90) // 65535
        turn = next(numbers) * 70 // 65535 - 35
        parts.append(
            f'<g transform="translate({x} {y}) rotate({turn})"><path d="M0 {-size} L{size * 7 // 10} 0 '
            f'L0 {size} L{-size * 7 // 10} 0 Z" fill="{fills[number % 3]}"/><path d="M0 {-size} V{size} '
            f'M{-size * 7 // 10} 0 H{size * 7 // 10}" stroke="{palette.ground}" stroke-width="3"/>'
            f'<path d="M0 {size} q{size} {size} 0 {size * 2} t0 {size * 2}" fill="none" '
            f'stroke="{palette.light}" stroke-width="3" opacity="0.7"/></g>'
        )
    roofs = _ridge(sheet, "roofs", level=900, rough=90)
    return "".join(parts) + f'<path d="{roofs}" fill="{palette.deep}"/>'


def _minutes(sheet: _Sheet) -> str:
    palette, parts = sheet.poster.palette, []
    x, y, unit = sheet.across(520), sheet.down(400), min(sheet.width, sheet.height)
    for ring in range(11):
        radius = unit * (90 + ring * 48) // 1000
        # Eleven rings, one for a minute: each is open a little more than the one before.
        around = radius * 44 // 7
        drawn = around * (12 - ring) // 12
        colour = palette.accent if ring % 2 else palette.light
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{radius}" fill="none" stroke="{colour}" '
            f'stroke-width="{unit // 70}" stroke-dasharray="{drawn} {around}" '
            f'transform="rotate({ring * 31 - 90} {x} {y})" '
            f'opacity="0.{95 - ring * 6}"/>'
        )
    return _sun(sheet, across=520, down=400, size=44) + "".join(parts)


MOTIFS: dict[str, Callable[[_Sheet], str]] = {
    "harbour": _harbour,
    "kites": _kites,
    "minutes": _minutes,
    "rain": _rain,
    "salt": _salt,
}
"""The drawings by name; the names are those of the clips' looks."""
