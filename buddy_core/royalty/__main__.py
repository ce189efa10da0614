"""`python -m buddy_core.royalty terms.json facts.json`: a month's statements, with attrs alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from buddy_core.kernel.errors import BuddyError
from buddy_core.royalty.command import ALL_HOLDERS, Printed, Unusable, compared, put, show, token_values
from buddy_core.royalty.rules.files.forms import FORMS
from buddy_core.royalty.rules.files.reading import Document, PeriodInput, read_input
from buddy_core.royalty.rules.files.writing import schema_json

EXIT_BAD_INPUT = 1
EXIT_MISUSED = 2
"""argparse's own for words that it does not know; also for files that cannot be read or written."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the calculator; return 0, 1 for input that is wrong, or 2 for files that cannot be used."""
    options = _parser().parse_args(arguments)
    if options.schema:
        put(schema_json(options.schema))
        return 0
    if options.terms is None or not options.facts:
        _parser().error("name the file of terms and then at least one of facts")
    if options.holder and (options.out or options.instead or options.token_value):
        _parser().error(ALL_HOLDERS)
    wanted = Printed(options.out, options.json, options.csv, options.explain, options.holder)
    if options.token_value and wanted != Printed(is_explained=options.explain):
        _parser().error("--token-value compares, as --instead does; leave --out, --json and --csv out")
    try:
        values = token_values(options.token_value)
        found = _read(options, options.terms)
        if options.instead or values:
            put(compared(found, _read(options, options.instead or options.terms), values))
        else:
            show(found, found.state(), wanted)
    except BuddyError as error:
        print(error.message(), file=sys.stderr)
        return EXIT_BAD_INPUT
    except Unusable as error:
        print(error, file=sys.stderr)
        return EXIT_MISUSED
    return 0


def _read(options: argparse.Namespace, terms: str) -> PeriodInput:
    return read_input(
        _document(terms),
        [_document(name) for name in options.facts],
        _document(options.before) if options.before else None,
    )


def _document(name: str) -> Document:
    try:
        return Document(name, Path(name).read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unusable(f"{name}: cannot be read ({reason}); look at its name and folder") from error


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
    parser.add_argument(
        "--token-value",
        action="append",
        default=[],
        metavar="KIND/CURRENCY=MINOR",
        help="what one token would be worth, such as paid/INR=60: print who would have more or less by it",
    )
    shown.add_argument("--schema", choices=[*FORMS], help="print the JSON Schema of a file")
    parser.add_argument("--explain", action="store_true", help="say of each line where it comes from")
    parser.add_argument("--holder", help="print this holder's statements alone: what may be sent to them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
