"""`python -m buddy_core.royalty terms.json facts.json`: a month's statements, with attrs alone."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from buddy_core.kernel.errors import BuddyError
from buddy_core.royalty.model.statements import PeriodResult
from buddy_core.royalty.rules.files.forms import FORMS
from buddy_core.royalty.rules.files.reading import Document, PeriodInput, read_input
from buddy_core.royalty.rules.files.writing import (
    of_holder,
    result_files,
    result_json,
    schema_json,
    simulation_text,
    statements_csv,
    statements_text,
)
from buddy_core.royalty.rules.simulating import simulate

EXIT_BAD_INPUT = 1
EXIT_MISUSED = 2
"""argparse's own for words that it does not know; also for files that cannot be read or written."""
ALL_HOLDERS = (
    "--out and --instead have figures of all holders; leave --holder out, or print what is one holder's with "
    "--json, --csv or --explain"
)


class _Unusable(Exception):
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the calculator; return 0, 1 for input that is wrong, or 2 for files that cannot be used."""
    options = _parser().parse_args(arguments)
    if options.schema:
        _print(schema_json(options.schema))
        return 0
    if options.terms is None or not options.facts:
        _parser().error("name the file of terms and then at least one of facts")
    if options.holder and (options.out or options.instead):
        _parser().error(ALL_HOLDERS)
    try:
        found = _read(options, options.terms)
        if options.instead:
            _print(_compared(options, found))
            return 0
        result = found.state()
        if options.holder and not any(item.holder == options.holder for item in result.statements):
            names = ", ".join(sorted({item.holder for item in result.statements})) or "nobody"
            raise _Unusable(f"there is no statement of {options.holder}; there are those of {names}")
        _show(options, found, result)
    except BuddyError as error:
        print(error.message(), file=sys.stderr)
        return EXIT_BAD_INPUT
    except _Unusable as error:
        print(error, file=sys.stderr)
        return EXIT_MISUSED
    return 0


def _compared(options: argparse.Namespace, found: PeriodInput) -> str:
    other = _read(options, options.instead)
    if other.month != found.month:
        raise _Unusable(f"{options.instead} is of another month; give other terms of {found.month.name}")
    # Each is stated by itself first: what is wrong in one of them is told with its file.
    found.state()
    other.state()
    return simulation_text(
        simulate(found.month, found.terms, found.facts, found.before, other_terms=other.terms)
    )


def _read(options: argparse.Namespace, terms: str) -> PeriodInput:
    return read_input(
        _document(terms),
        [_document(name) for name in options.facts],
        _document(options.before) if options.before else None,
    )


def _show(options: argparse.Namespace, found: PeriodInput, result: PeriodResult) -> None:
    if options.out is not None:
        write_files(options.out, result_files(found.month, found.terms, result))
        print(f"{found.month.name}: {len(result.statements)} statements are in {options.out}")
    elif options.json:
        theirs = of_holder(result, found.terms, options.holder) if options.holder else result
        _print(result_json(found.month, theirs))
    elif options.csv:
        _print(statements_csv(result, found.terms, options.holder))
    else:
        _print(statements_text(found.month, result, options.explain, options.holder))


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write each file whole or not at all: beside its place first, and then moved there."""
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
        raise _Unusable(f"{folder}: cannot be written ({error.strerror}); name another folder") from error
    finally:
        for path, _ in waiting:
            Path(path).unlink(missing_ok=True)


def _document(name: str) -> Document:
    try:
        return Document(name, Path(name).read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _Unusable(f"{name}: cannot be read ({reason}); look at its name and folder") from error


def _print(text: str) -> None:
    """Write UTF-8 with plain line ends whatever the terminal is set to: the same bytes anywhere."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m buddy_core.royalty",
        description="Calculate a month's royalty statements, exactly, from terms and facts.",
        epilog="Exits with 1 and lists every problem where the input is wrong; then nothing is written.",
    )
    parser.add_argument("terms", nargs="?", help="JSON: the month, deals, accounts and pools")
    parser.add_argument("facts", nargs="*", help="JSON, or CSV named after its kind, such as sales.csv")
    parser.add_argument("--before", help="closing.json of the month before")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--out", type=Path, help="write all files into this folder")
    shown.add_argument("--json", action="store_true", help="print the result as JSON")
    shown.add_argument("--csv", action="store_true", help="print the statements as CSV")
    shown.add_argument("--instead", help="other terms: print who would have more or less by them")
    shown.add_argument("--schema", choices=[*FORMS], help="print the JSON Schema of a file")
    parser.add_argument("--explain", action="store_true", help="say of each line where it comes from")
    parser.add_argument("--holder", help="print this holder's statements alone: what may be sent to them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
