"""What `python -m buddy_core.royalty` and `buddy royalty` do alike: compare, print, and write files whole."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

from attrs import evolve, frozen

from buddy_core.royalty.model.statements import PeriodResult
from buddy_core.royalty.rules.files.forms import EXACT
from buddy_core.royalty.rules.files.reading import PeriodInput
from buddy_core.royalty.rules.files.shapes import Source
from buddy_core.royalty.rules.files.writing import (
    of_holder,
    result_files,
    result_json,
    simulation_text,
    statements_csv,
    statements_text,
)
from buddy_core.royalty.rules.simulating import Simulation, differences, revalued

ALL_HOLDERS = (
    "--out and --instead have figures of all holders; leave --holder out, or print what is one holder's with "
    "--json, --csv or --explain"
)
_VALUE = re.compile(r"([^/=]+)/([A-Z]{3})=(.+)")


class Unusable(Exception):
    """An option, file or folder that cannot be used; the text says what to do."""


@frozen
class Printed:
    """What of a result is wanted: files in a folder, or one text."""

    out: Path | None = None
    is_json: bool = False
    is_csv: bool = False
    is_explained: bool = False
    holder: str | None = None


def token_values(given: Iterable[str]) -> dict[tuple[str, str], Fraction]:
    """Read what one token would be worth, such as `paid/INR=60` or `bonus/USD=27/5`: in minor units.

    Raises:
        Unusable: one of them is written otherwise.
    """
    found: dict[tuple[str, str], Fraction] = {}
    for text in given:
        match = _VALUE.fullmatch(text)
        value = EXACT.read(match[3], Source("").root) if match else None
        if match is None or not isinstance(value, Fraction) or value < 0:
            raise Unusable(
                f"{text} is no value of a token; write kind/currency=minor units, such as paid/INR=60 or "
                "bonus/USD=27/5"
            )
        found[match[1], match[2]] = value
    return found


def compared(period: PeriodInput, other: PeriodInput, values: Mapping[tuple[str, str], Fraction]) -> str:
    """Say who would have more or less by other terms, or if tokens were worth something else.

    Raises:
        BadInput: either cannot be stated; each is told with its own file.
        Unusable: the other terms are of another month, or no token of such a kind and currency was spent.
    """
    if other.month != period.month:
        raise Unusable(f"{other.file} is of another month; give other terms of {period.month.name}")
    spent = {(use.kind, use.currency) for use in period.facts.tokens}
    for kind, currency in values.keys() - spent:
        there = ", ".join(sorted(f"{one}/{another}" for one, another in spent)) or "none at all"
        raise Unusable(f"no tokens {kind}/{currency} were spent; there are {there}")
    now, then = period.state(), evolve(other, facts=revalued(other.facts, values)).state()
    return simulation_text(Simulation(now, then, differences(now, then)))


def show(period: PeriodInput, result: PeriodResult, wanted: Printed) -> None:
    """Print a result, or write its files, as it is wanted.

    Raises:
        Unusable: nobody is called like the holder, or the folder cannot be written.
    """
    holder = wanted.holder
    if holder and not any(item.holder == holder for item in result.statements):
        names = ", ".join(sorted({item.holder for item in result.statements})) or "nobody"
        raise Unusable(f"there is no statement of {holder}; there are those of {names}")
    if wanted.out is not None:
        write_files(wanted.out, result_files(period.month, period.terms, result))
        put(f"{period.month.name}: {len(result.statements)} statements are in {wanted.out}\n")
    elif wanted.is_json:
        put(result_json(period.month, of_holder(result, period.terms, holder) if holder else result))
    elif wanted.is_csv:
        put(statements_csv(result, period.terms, holder))
    else:
        put(statements_text(period.month, result, wanted.is_explained, holder))


def put(text: str) -> None:
    """Write UTF-8 with plain line ends whatever the terminal is set to: the same bytes anywhere."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write each file whole or not at all: beside its place first, and then moved there.

    Raises:
        Unusable: the folder cannot be written.
    """
    waiting: list[tuple[str, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            handle, path = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
            waiting.append((path, folder / name))
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(path).chmod(0o644)
        while waiting:
            path, place = waiting[0]
            Path(path).replace(place)
            waiting.pop(0)
    except OSError as error:
        raise Unusable(f"{folder}: cannot be written ({error.strerror}); name another folder") from error
    finally:
        for path, _ in waiting:
            Path(path).unlink(missing_ok=True)
