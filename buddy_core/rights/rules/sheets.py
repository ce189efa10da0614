"""A CSV file of windows, read line by line: what can be, and what cannot with its line, column and fix."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from attrs import frozen

from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import TitleId, WindowId
from buddy_core.kernel.territories import Territories
from buddy_core.rights.model.windows import TIER_NAMES, Window, WindowType, is_tier

COLUMNS = ("title", "type", "territories", "starts", "ends", "tiers", "free", "tokens")
"""What the first line may name, in any order; the first four must be there."""
NEEDED = COLUMNS[:4]
MAX_LINES = 5_000
"""How many windows one sheet may add."""
MAX_BYTES = 8_000_000
_MAX_FAULTS = 1_000
"""After how many faults reading stops: such a file is no sheet of windows."""
_NOT_READ = "What follows was not read, and its faults are not counted"


@frozen
class LineFault:
    """A line that cannot be: its number in the file, the column, what is wrong and what would be right."""

    line: int
    column: str
    problem: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return (
            f"{place}: {self.problem}" if self.problem.endswith(("?", ".")) else f"{place}: {self.problem}."
        )


@frozen
class SheetRow:
    """A line that reads as a window, of a title that is named as `film/ab2d`."""

    line: int
    title: str
    type: WindowType
    territories: Territories
    starts_at: datetime
    ends_at: datetime | None
    tiers: tuple[str, ...]
    is_free: bool
    sells_tokens: bool | None

    def window(self, id: WindowId, title_id: TitleId) -> Window:
        """Return the window that the line tells of.

        Raises:
            BadWindow: its fields contradict each other.
        """
        return Window(
            id=id,
            title_id=title_id,
            type=self.type,
            territories=self.territories,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            tiers=self.tiers,
            is_free=self.is_free,
            sells_tokens=self.sells_tokens,
        )


@frozen
class Sheet:
    """What was read: the lines that can be and the faults, each in their order."""

    rows: tuple[SheetRow, ...]
    faults: tuple[LineFault, ...]
    stop: LineFault | None = None
    """The last fault, if what follows it was not read: there may be more than are counted."""


def read_windows(raw: bytes) -> Sheet:
    """Read a CSV file of windows: UTF-8, a line of column names first, then a window a line.

    Territories are codes with blanks between them, those with a `-` before them excluded: `EU -FR`.
    Instants are `2026-11-21`, which is midnight UTC, or have an offset: `2026-11-21T18:30+05:30`.
    A line with any fault is not among the rows. The reading stops where lines cannot be told apart any more.
    """
    if len(raw) > MAX_BYTES:
        problem = f"the file has {len(raw)} bytes, above {MAX_BYTES}; split it"
        return Sheet((), (LineFault(1, "", problem),))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Sheet((), (LineFault(line, "", "it is not UTF-8; save the file as CSV UTF-8"),))
    rows: list[SheetRow] = []
    faults: list[LineFault] = []
    stop: LineFault | None = None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    places: Mapping[str, int] | None = None
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if places is None:
                    places = _places(cells, line, faults)
                    if faults:
                        break
                elif len(rows) + len(faults) >= MAX_LINES:
                    problem = f"a sheet has at most {MAX_LINES} windows; split it. {_NOT_READ}"
                    stop = LineFault(line, "", problem)
                    break
                else:
                    _read(cells, places, line, rows, faults)
                    if len(faults) >= _MAX_FAULTS:
                        stop = LineFault(line, "", f"{len(faults)} faults up to here. {_NOT_READ}")
                        break
            line = reader.line_num + 1
    except csv.Error as error:
        problem = f"it is no CSV from here on ({error}); look for a quotation mark that is not closed"
        stop = LineFault(line, "", problem)
    if places is None and not faults and stop is None:
        faults.append(LineFault(1, "", f"the file is empty; begin with the line {','.join(COLUMNS)}"))
    return Sheet(tuple(rows), tuple(faults) if stop is None else (*faults, stop), stop)


def _places(cells: Sequence[str], line: int, faults: list[LineFault]) -> Mapping[str, int]:
    """Return which cell holds which column, noting names that are missing, unknown or there twice."""
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        name = cell.strip().lower()
        if name not in COLUMNS or name in places:
            what = "is there twice" if name in places else f"is no column; there are {', '.join(COLUMNS)}"
            faults.append(LineFault(line, f"column {place + 1}", f"{_short(cell)} {what}"))
        places.setdefault(name, place)
    missing = [name for name in NEEDED if name not in places]
    if missing:
        problem = f"the first line must name the columns {', '.join(missing)} too"
        faults.append(LineFault(line, "", problem))
    return places


def _read(
    cells: Sequence[str],
    places: Mapping[str, int],
    line: int,
    rows: list[SheetRow],
    faults: list[LineFault],
) -> None:
    """Read one line into `rows`, or into `faults` what is wrong with each of its cells."""
    if len(cells) != len(places):
        problem = f"it has {len(cells)} cells, and the first line names {len(places)} columns"
        faults.append(LineFault(line, "", problem))
        return
    found: dict[str, Any] = {}
    before = len(faults)
    for name, read in _READERS.items():
        cell = cells[places[name]].strip() if name in places else ""
        try:
            found[name] = read(cell)
        except BuddyError as error:
            faults.append(LineFault(line, name, error.message()))
        except ValueError as error:
            faults.append(LineFault(line, name, str(error)))
    if len(faults) > before:
        return
    row = SheetRow(
        line=line,
        title=found["title"],
        type=found["type"],
        territories=found["territories"],
        starts_at=found["starts"],
        ends_at=found["ends"],
        tiers=found["tiers"],
        is_free=found["free"],
        sells_tokens=found["tokens"],
    )
    try:
        row.window(_ANY_WINDOW, _ANY_TITLE)
    except BuddyError as error:
        column = "ends" if row.ends_at is not None and row.ends_at <= row.starts_at else "type"
        faults.append(LineFault(line, column, error.message()))
        return
    rows.append(row)


_ANY_WINDOW, _ANY_TITLE = (WindowId(UUID(int=0)), TitleId(UUID(int=0)))
"""A line is tried as a window before it is known of which title."""


def _title(cell: str) -> str:
    type, slash, short_id = cell.partition("/")
    if not slash or not type or not short_id or len(cell) > 80 or not cell.isprintable():
        raise ValueError(f"{_short(cell)} names no title; write its type and short id, such as film/ab2d")
    return cell


def _type(cell: str) -> WindowType:
    try:
        return WindowType(cell.lower())
    except ValueError:
        raise ValueError(f"{_short(cell)} is no type; there are {', '.join(WindowType)}") from None


def _territories(cell: str) -> Territories:
    codes = cell.replace(";", " ").replace(",", " ").split()
    found = Territories(
        tuple(code for code in codes if not code.startswith("-")),
        tuple(code[1:] for code in codes if code.startswith("-")),
    )
    if not found.countries:
        raise ValueError(f"{_short(cell)} is no country, all of it is excluded; name one that is not")
    return found


def _instant(cell: str) -> datetime:
    problem = f"{_short(cell)} is no date; write 2026-11-21 (midnight UTC) or 2026-11-21T18:30+05:30"
    try:
        if not _INSTANT.fullmatch(cell):
            raise ValueError
        value = datetime.fromisoformat(cell)
        if len(cell) == len("2026-11-21"):
            return value.replace(tzinfo=UTC)
        if value.utcoffset() is None:
            raise ValueError
        return value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(problem) from None


_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\S+)?", re.ASCII)
"""A day of the calendar, with a time or without: ISO 8601 has other ways to write one, such as by weeks."""


def _end(cell: str) -> datetime | None:
    return _instant(cell) if cell else None


def _tiers(cell: str) -> tuple[str, ...]:
    names = tuple(cell.replace(";", " ").replace(",", " ").split())
    for name in names:
        if not is_tier(name):
            raise ValueError(f"{_short(name)} is no tier; write {TIER_NAMES}")
    return names


def _yes(cell: str) -> bool:
    if cell.lower() not in ("", "yes", "no"):
        raise ValueError(f"{_short(cell)} is neither yes nor no")
    return cell.lower() == "yes"


def _yes_or_none(cell: str) -> bool | None:
    return None if not cell else _yes(cell)


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else f"{cell[:40]}...")


_READERS: Mapping[str, Callable[[str], Any]] = {
    "title": _title,
    "type": _type,
    "territories": _territories,
    "starts": _instant,
    "ends": _end,
    "tiers": _tiers,
    "free": _yes,
    "tokens": _yes_or_none,
}
