"""Files of terms and facts become the model, or everything that is wrong in them is listed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from attrs import define, evolve, field, frozen

from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.periods import previous_month
from buddy_core.royalty.errors import About, BadInput, Problem, TermsProblems
from buddy_core.royalty.model.balances import Balances
from buddy_core.royalty.model.facts import Facts
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.model.statements import PeriodResult
from buddy_core.royalty.model.terms import Terms
from buddy_core.royalty.rules.files.forms import (
    ACCOUNT,
    CLOSING,
    DEAL,
    FACTS,
    MONTH,
    SECTIONS,
    TERMS,
    WATERFALL,
    Closing,
    WholeTerms,
)
from buddy_core.royalty.rules.files.shapes import (
    MOST_DIGITS,
    UNREAD,
    Form,
    Odd,
    Place,
    Source,
    Twice,
    Unread,
    close_to,
    only,
    told,
    unknown,
)
from buddy_core.royalty.rules.stating import state_period

TABLES = {name: form for name, form in SECTIONS.items() if name != "pools"}
"""Kinds of facts that fit into rows; pools have parts, and so are JSON."""


@frozen
class Document:
    """A file as it lies there: JSON, or CSV where its name ends so."""

    file: str
    content: bytes = field(repr=False)


@frozen
class FactTable:
    """Facts of one kind as rows: from CSV, or from any other source of columns."""

    file: str
    section: str
    """Which kind: a key of a facts file, such as `sales`."""
    rows: Iterable[Mapping[str, Any]]
    """By column; what is None or an empty text is as if it were not there."""
    first_row: int = 1
    """The number of the first: 2 where spreadsheets count the heading as row 1."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the file before any row is read: these are told with those of other files."""


@define
class _Read:
    """What was read of all files, and where each thing stands."""

    sources: list[Source] = field(factory=list)
    facts: dict[str, list[Any]] = field(factory=lambda: {name: [] for name in SECTIONS})
    places: dict[str, list[Place]] = field(factory=lambda: {name: [] for name in SECTIONS})
    opening: Place | None = None
    """Where closing balances stand that are given as a file."""
    is_whole: bool = True
    """No rate of exchange is missing, without which others would seem to be wrong."""
    opened: Mapping[str, Iterable[str]] = field(factory=dict)
    """What has an opening balance: names of accounts, deals, pools and waterfalls."""

    def source(self, file: str, zone: ZoneInfo | None, is_table: bool = False) -> Source:
        """Begin to read a file."""
        self.sources.append(Source(file, zone, is_table=is_table))
        return self.sources[-1]


@frozen
class PeriodInput:
    """Everything that a period is stated from, read."""

    month: Month
    terms: Terms
    facts: Facts
    before: Balances
    read: _Read = field(repr=False, eq=False)
    raw: Mapping[str, Any] = field(repr=False, eq=False)
    file: str = "terms.json"

    def state(self) -> PeriodResult:
        """State the period.

        Raises:
            BadInput: terms and facts do not fit together; every problem with its place.
        """
        try:
            return state_period(self.month, self.terms, self.facts, self.before)
        except TermsProblems as error:
            raise _bad(self.read, _placed(error, self.read, self.raw, self.file)) from error


def read_input(
    terms: Document, facts: Sequence[Document | FactTable], before: Document | None = None
) -> PeriodInput:
    """Read terms, facts from any number of files, and the closing balances of the month before.

    Raises:
        BadInput: every problem of every file, with its place, what is wrong and what to write.
    """
    read = _Read()
    source = read.source(terms.file, None)
    raw = read_json(terms, source)
    raw = _right_file(raw, source, TERMS, FACTS, "terms", "facts")
    source.zone = _zone(raw)
    whole = UNREAD if raw is UNREAD else TERMS.read(raw, source.root)
    opening = _opening(before, read, source.zone)
    for file in facts:
        _facts(file, read, source.zone)
    if isinstance(whole, WholeTerms):
        given = _checked_before(whole.month, whole.before, opening, read, source)
        found = _input(whole, given, read, raw, terms.file)
        if not any(item.problems for item in read.sources):
            return found
        raise _bad(read, _also_wrong(found, read))
    if opening is not None and (its := _month(raw, source.zone)) is not None:
        _checked_before(its, None, opening, read, source)
    raise _bad(read, _also_wrong(_what_stands(raw, read, source.zone, terms.file), read))


def read_facts(files: Sequence[Document | FactTable], zone: str) -> Facts:
    """Read facts alone; plain dates in them are of `zone`.

    Raises:
        BadInput: every problem of every file, with its place, what is wrong and what to write.
    """
    read = _Read()
    for file in files:
        _facts(file, read, ZoneInfo(zone))
    if any(item.problems for item in read.sources):
        raise _bad(read)
    return Facts(**{name: tuple(found) for name, found in read.facts.items()})


def _bad(read: _Read, more: Sequence[Problem] = ()) -> BadInput:
    problems = [problem for source in read.sources for problem in source.problems]
    known = set(problems)
    problems += [problem for problem in more if problem not in known]
    return BadInput(tuple(problems), len(problems) + sum(source.more for source in read.sources))


def _input(whole: WholeTerms, before: Balances, read: _Read, raw: Any, file: str) -> PeriodInput:
    facts = Facts(**{name: tuple(found) for name, found in read.facts.items()})
    return PeriodInput(whole.month, whole.terms, facts, before, read, raw, file)


def read_json(document: Document, source: Source) -> Any:
    """Return the JSON of a file, or UNREAD after what is wrong has been noted."""
    text = _text(document.content, source)
    if text is None:
        return UNREAD
    try:
        return json.loads(
            text, parse_float=Odd, parse_int=_whole, parse_constant=Odd, object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        return source.root.wrong(
            f"is no JSON at line {error.lineno}, column {error.colno} ({error.msg})",
            "look there and just before it for a missing comma, quotation mark or bracket",
        )
    except RecursionError:
        return source.root.wrong(
            "has brackets within brackets within brackets without end", "write a file as the tutorial shows"
        )


_OTHERS = {
    b"PK\x03\x04": "a spreadsheet (xlsx, ods) or another zip file",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (xls)",
    b"\x1f\x8b": "a compressed file (gzip)",
    b"PAR1": "Parquet",
    b"%PDF": "a PDF",
}
"""What files of other programs begin with."""
_SAVED_AS = (
    "give JSON, or save the sheet as CSV (UTF-8, comma separated) with its kind in the name, such as "
    "sales-2026-10.csv"
)


def _text(content: bytes, source: Source) -> str | None:
    if not content.strip():
        source.root.wrong("is empty", "write a file as the tutorial shows")
    elif other := next((name for begins, name in _OTHERS.items() if content.startswith(begins)), ""):
        source.root.wrong(f"is {other}, and no text", _SAVED_AS)
    elif content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:8]:
        source.root.wrong("is UTF-16", "save it as UTF-8 (in an editor: Save as, encoding UTF-8)")
    else:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            source.root.wrong(f"is not UTF-8 in line {line}", "save it as UTF-8")
    return None


def _whole(text: str) -> int | Odd:
    return int(text) if len(text) <= MOST_DIGITS else Odd(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = Counter(name for name, _ in pairs)
    twice = Twice(found)
    twice.keys_twice = tuple(name for name, many in names.items() if many > 1)
    return twice


def _right_file(raw: Any, source: Source, form: Form, other: Form, name: str, other_name: str) -> Any:
    """Return the file's object without `$schema`; files given in the wrong order are one problem."""
    if isinstance(raw, Unread):
        return raw
    if not isinstance(raw, Mapping):
        return source.root.wrong(
            f"is {told(raw)}", f"write an object in braces: {{ {next(iter(form.keys))!r}: ... }}"
        )
    keys = raw.keys() - {"$schema"}
    if keys and not keys & form.keys.keys() and keys & other.keys.keys():
        return source.root.wrong(
            f"has {', '.join(sorted(keys & other.keys.keys()))}: these are {other_name}, not {name}",
            "name the file of terms first, and then those of facts",
        )
    if "$schema" not in raw:
        return raw
    found = Twice({key: value for key, value in raw.items() if key != "$schema"})
    found.keys_twice = raw.keys_twice if isinstance(raw, Twice) else ()
    return found


def _month(raw: Any, zone: ZoneInfo | None) -> Month | None:
    """Return the month of terms in which other things are wrong, if it can be read."""
    found = MONTH.read(raw.get("month"), Source("", zone).root) if isinstance(raw, Mapping) else UNREAD
    return found if isinstance(found, Month) else None


def _zone(raw: Any) -> ZoneInfo | None:
    month = raw.get("month") if isinstance(raw, Mapping) else None
    try:
        return ZoneInfo(month["zone"]) if isinstance(month, Mapping) else None
    except (KeyError, ValueError, TypeError, OSError):
        return None


def _opening(before: Document | None, read: _Read, zone: ZoneInfo | None) -> Any:
    """Read closing balances: a file of their own, or a whole result that has them."""
    if before is None:
        return None
    source = read.source(before.file, zone)
    raw, place = read_json(before, source), source.root
    if isinstance(raw, Mapping) and "closing" in raw and "statements" in raw:
        raw, place = raw["closing"], place.at("closing")
    read.opening = place
    return raw if isinstance(raw, Unread) else CLOSING.read(raw, place)


def _checked_before(month: Month, own: Closing | None, opening: Any, read: _Read, source: Source) -> Balances:
    """Return the opening balances; those of another month or company are a problem."""
    if isinstance(opening, Unread):
        return Balances()
    place = source.root.at("before")
    if read.opening is not None and own is not None:
        place.wrong("is there, and a file of closing balances as well", "leave one of them out")
    closing: Closing | None = own if opening is None else opening
    if opening is not None:
        place = read.opening or place
    if closing is None:
        return Balances()
    expected = previous_month(month.name)
    if closing.month is not None and closing.month != expected:
        place.at("month").wrong(
            f"is {told(closing.month)}",
            f"give what {expected} closed with: the month before {month.name}",
        )
    if closing.entity is not None and closing.entity != month.entity:
        place.at("entity").wrong(
            f"is {told(closing.entity)}", f"give the balances of {month.entity}, whose month it is"
        )
    balances = closing.balances
    read.opened = {name: getattr(balances, name) for name in ("accounts", "deals", "pools", "waterfalls")}
    return balances


def _facts(file: Document | FactTable, read: _Read, zone: ZoneInfo | None) -> None:
    if isinstance(file, Document) and file.file.lower().endswith(".csv"):
        source = read.source(file.file, zone, is_table=True)
        table = _csv(file, source)
        if table is not None:
            _rows(table, source, read)
        elif source.problems:
            # It may be the file of rates, without which others would seem to be wrong.
            read.is_whole = read.is_whole and not _names_rates(file.file)
    elif isinstance(file, FactTable):
        _rows(file, read.source(file.file, zone, is_table=True), read)
    else:
        source = read.source(file.file, zone)
        raw = _right_file(read_json(file, source), source, FACTS, TERMS, "facts", "terms")
        if isinstance(raw, Mapping):
            _sections(raw, source, read)


def _sections(raw: Mapping[str, Any], source: Source, read: _Read) -> None:
    for name in raw.keys_twice if isinstance(raw, Twice) else ():
        source.root.at(name).wrong("is there twice", "put both lists into one")
    for name, items in raw.items():
        place = source.root.at(name)
        if name not in SECTIONS:
            unknown(source.root, name, SECTIONS)
        elif not isinstance(items, list):
            place.wrong(f"is {told(items)}", "write a list in square brackets: [ ... ]")
        else:
            for number, item in enumerate(items):
                _keep(name, SECTIONS[name].read(item, place.at(number)), place.at(number), read)


def _keep(section: str, fact: Any, place: Place, read: _Read) -> None:
    if fact is not UNREAD:
        read.facts[section].append(fact)
        read.places[section].append(place)
    elif section == "rates":
        read.is_whole = False


def _rows(table: FactTable, source: Source, read: _Read) -> None:
    source.problems += table.problems
    form = TABLES.get(table.section)
    if table.problems:
        read.is_whole = read.is_whole and form is not None and table.section != "rates"
        return
    if form is None:
        source.root.wrong(*_no_section(table.section))
        return
    place = source.root.at(table.section)
    try:
        for number, row in enumerate(table.rows, table.first_row):
            there = {name: cell for name, cell in row.items() if cell is not None and cell != ""}
            if there:
                _keep(table.section, form.read(there, place.at(number)), place.at(number), read)
    except BadInput as error:
        source.problems += error.problems


def _no_section(name: str) -> tuple[str, str]:
    close = close_to(name, TABLES)
    meant = f"did you mean {close}? " if close else ""
    return (
        f"has no kind of facts in its name ({told(name)})",
        f"{meant}begin the name with one of {', '.join(TABLES)}, such as sales-2026-10.csv",
    )


def _csv(file: Document, source: Source) -> FactTable | None:
    """Read the cells of a CSV file; its kind of facts is the first word of its name."""
    stem = re.split(r"[/\\]", file.file)[-1][: -len(".csv")].lower()
    section = re.split(r"[^a-z]", stem)[0]
    if section not in TABLES:
        source.root.wrong(*_no_section(section or stem))
        return None
    text = _text(file.content, source)
    if text is None:
        return None
    rows: list[dict[str, Any]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [cell.strip() for cell in next(reader)]
        if not _is_heading(heading, SECTIONS[section], source):
            return None
        for cells in reader:
            if len(cells) > len(heading) and any(cells[len(heading) :]):
                source.root.at(section).at(len(rows) + _FIRST_ROW).wrong(
                    f"has {len(cells)} cells, and the heading has {len(heading)}",
                    'put texts with commas into quotation marks: "..."',
                )
            rows.append(dict(zip(heading, (cell.strip() for cell in cells), strict=False)))
    except csv.Error as error:
        source.root.wrong(
            f"is no CSV from line {reader.line_num} on ({error})", "look there for a quotation mark left open"
        )
        return None
    return FactTable(file.file, section, rows, _FIRST_ROW)


_FIRST_ROW = 2
"""Rows of CSV are counted as a spreadsheet shows them, where the heading is row 1."""


def _names_rates(file: str) -> bool:
    return re.split(r"[/\\]", file)[-1].lower().startswith("rates")


def _is_heading(heading: Sequence[str], form: Form, source: Source) -> bool:
    known = form.keys
    if len(heading) == 1 and (mark := next((mark for mark in ";\t" if mark in heading[0]), "")):
        name = "semicolons" if mark == ";" else "tabs"
        source.root.wrong(f"has {name} between its columns", "save it with commas (CSV, comma separated)")
        return False
    is_right = True
    for name, many in Counter(heading).items():
        if name not in known:
            unknown(source.root, name or "(a column without a name)", known)
            is_right = False
        elif many > 1:
            source.root.at(name).wrong("is there twice", "leave one of the columns out")
            is_right = False
    for name, key in known.items():
        if key.is_needed and name not in heading:
            source.root.at(name).wrong("the column is missing", f"add it: {key.about}")
            is_right = False
    return is_right


# What the engine says, and where it stands. ------------------------------------------------------


def _what_stands(raw: Any, read: _Read, zone: ZoneInfo | None, file: str) -> PeriodInput | None:
    """Return what can be stated without the deals that could not be read and their titles, if anything."""
    if not isinstance(raw, Mapping) or not read.is_whole:
        return None
    broken: set[str] = set()
    kept: dict[str, Any] = {**raw}
    for name, form in (("deals", DEAL), ("accounts", ACCOUNT)):
        items = raw.get(name, [])
        if not isinstance(items, list):
            return None
        kept[name] = []
        for item in items:
            if form.read(item, Source(file, zone).root) is not UNREAD:
                kept[name].append(item)
            elif not isinstance(item, Mapping):
                return None
            elif form is DEAL and isinstance(item.get("title"), str):
                broken.add(item["title"])
            elif form is ACCOUNT:
                kept[name].append(_readable(item, zone))
            else:
                return None
    waterfalls = raw.get("waterfalls", [])
    if not isinstance(waterfalls, list):
        return None
    kept["waterfalls"] = [
        one for one in waterfalls if WATERFALL.read(one, Source(file, zone).root) is not UNREAD
    ]
    whole = TERMS.read(kept, Source(file, zone).root)
    if not isinstance(whole, WholeTerms):
        return None
    deals = tuple(deal for deal in whole.terms.deals if deal.title not in broken)
    waterfalls = tuple(one for one in whole.terms.waterfalls if one.title not in broken)
    terms = evolve(whole.terms, deals=deals, waterfalls=waterfalls)
    found = _input(evolve(whole, terms=terms), Balances(), read, raw, file)
    return evolve(found, facts=_without(found.facts, broken, {deal.id for deal in deals}))


def _readable(account: Mapping[str, Any], zone: ZoneInfo | None) -> dict[str, Any]:
    return {
        name: account[name]
        for name, key in ACCOUNT.keys.items()
        if name in account and key.of.read(account[name], Source("", zone).root) is not UNREAD
    }


def _without(facts: Facts, titles: set[str], deals: set[str]) -> Facts:
    found: dict[str, Any] = {
        name: tuple(fact for fact in getattr(facts, name) if getattr(fact, "title", None) not in titles)
        for name in SECTIONS
    }
    found["expenses"] = tuple(item for item in facts.expenses if item.deal in deals)
    return Facts(**found)


def _also_wrong(found: PeriodInput | None, read: _Read) -> list[Problem]:
    """Return what the engine finds wrong with all that could be read, so that one run tells everything."""
    if found is None or not read.is_whole:
        return []
    try:
        found.state()
    except BadInput as error:
        return list(error.problems)
    except BuddyError:
        pass
    return []


@define
class _Places:
    """Where everything stands that was read: by section, and by what some fields of it say."""

    read: _Read
    raw: Any
    file: str
    """Of terms."""
    found: dict[tuple[str, ...], dict[tuple[Any, ...], list[tuple[Source, str]]]] = field(factory=dict)

    def of(self, about: About) -> list[tuple[Source, str]]:
        """Return where the things stand that a problem is about: file, and path or row."""
        names = tuple(name for name, _ in about.fields)
        known = self.found.get((about.section, *names))
        if known is None:
            known = self.found[about.section, *names] = self._index(about.section, names)
        return known.get(tuple(value for _, value in about.fields), [])

    def _index(self, section: str, names: tuple[str, ...]) -> dict[tuple[Any, ...], list[tuple[Source, str]]]:
        found: dict[tuple[Any, ...], list[tuple[Source, str]]] = defaultdict(list)
        for values, place in self._of_terms(section) if section in _TERMS else self._of_facts(section):
            if all(name in values for name in names):
                found[tuple(values[name] for name in names)].append(place)
        return found

    def _of_terms(self, section: str) -> Iterable[tuple[Mapping[str, Any], tuple[Source, str]]]:
        if section == "before":
            return self._of_balances()
        items = self.raw.get(section, ()) if isinstance(self.raw, Mapping) else ()
        return [
            (
                {name: value for name, value in item.items() if isinstance(value, str)},
                (self.read.sources[0], f"{section}[{number}]"),
            )
            for number, item in enumerate(items if isinstance(items, list) else ())
            if isinstance(item, Mapping)
        ]

    def _of_balances(self) -> Iterable[tuple[Mapping[str, Any], tuple[Source, str]]]:
        place = self.read.opening or self.read.sources[0].root.at("before")
        return [
            ({kind.removesuffix("s"): name}, (place.source, place.at(kind).at(name).text()))
            for kind, names in self.read.opened.items()
            for name in names
        ]

    def _of_facts(self, section: str) -> Iterable[tuple[Mapping[str, Any], tuple[Source, str]]]:
        for name in SECTIONS if section == "facts" else (section,):
            for fact, place in zip(self.read.facts[name], self.read.places[name], strict=True):
                at = str(place.key) if place.source.is_table else place.text()
                yield {key: getattr(fact, key) for key in _FIELDS if hasattr(fact, key)}, (place.source, at)


_TERMS = ("deals", "accounts", "pools", "waterfalls", "before")
_FIELDS = ("id", "title", "territory", "account", "plan", "deal", "base", "quote", "currency", "at")
"""What problems name facts by."""
_MOST_ROWS = 3
"""Rows of one table that a problem is told of; the others are counted."""


def _placed(error: TermsProblems, read: _Read, raw: Any, file: str) -> list[Problem]:
    """Return the engine's problems with the places of what they are about, in each file once."""
    places = _Places(read, raw, file)
    found: set[Problem] = set()
    for text, things in zip(error.problems, error.about, strict=True):
        where = next((there for thing in things if (there := places.of(thing))), [])
        what, _, fix = text.partition("; ")
        what, fix = what.removesuffix("."), fix or "correct it there, or in what it names"
        found.update(_in_files(where, file, what, fix))
    return sorted(found)


def _in_files(where: Sequence[tuple[Source, str]], file: str, what: str, fix: str) -> list[Problem]:
    if not where:
        return [Problem(file, 0, "", what, fix)]
    files: dict[str, list[tuple[Source, str]]] = defaultdict(list)
    for source, path in where:
        files[source.file].append((source, path))
    found: list[Problem] = []
    for name, those in files.items():
        if not those[0][0].is_table:
            found.append(Problem(name, 0, only([path for _, path in those]), what, fix))
            continue
        more = len(those) - _MOST_ROWS
        said = f"{what} (and {more} rows more)" if more > 0 else what
        found += [Problem(name, int(path), "", said, fix) for _, path in those[:_MOST_ROWS]]
    return found
