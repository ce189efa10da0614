"""`buddy royalty`: a month's statements from files of terms and facts; no database is touched."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from buddy_core.royalty import (
    BadInput,
    Document,
    FactTable,
    read_input,
    result_files,
    result_json,
    statements_csv,
    statements_text,
)

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _as_it_is(path: Path) -> Document:
    return Document(str(path), path.read_bytes())


def _no_parquet(path: Path) -> FactTable:
    raise click.ClickException(f"{path}: Parquet is not read yet; save it as CSV, named after its facts.")


OPENED: Mapping[str, Callable[[Path], Document | FactTable]] = {
    ".json": _as_it_is,
    ".csv": _as_it_is,
    ".parquet": _no_parquet,
}
"""How a file of facts is opened, by how its name ends."""


@click.command()
@click.argument("terms", type=FILE)
@click.argument("facts", type=FILE, nargs=-1, required=True)
@click.option("--before", type=FILE, help="closing.json of the month before.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write all files into this folder: JSON, CSV, text, and the closing balances.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the statements as CSV.")
@click.option("--explain", is_flag=True, help="Say of each line where it comes from.")
@click.option("--holder", help="Print this holder's statements alone.")
def royalty(
    terms: Path,
    facts: tuple[Path, ...],
    before: Path | None,
    out: Path | None,
    as_json: bool,
    as_csv: bool,
    explain: bool,
    holder: str | None,
) -> None:
    """Calculate a month's royalty statements, exactly, from TERMS and any number of files of FACTS.

    FACTS are JSON, or CSV named after what they hold: sales, subscriptions, ads, watch, impressions, tokens,
    expenses or rates, such as sales-2026-10.csv. Where anything is wrong, every problem is listed, nothing
    is written, and the exit code is 1. `python -m buddy_core.royalty` is the same without the web host.
    """
    if (out is not None) + as_json + as_csv > 1:
        raise click.UsageError("Give one of --out, --json and --csv.")
    try:
        found = read_input(
            _as_it_is(terms), [_opened(path) for path in facts], None if before is None else _as_it_is(before)
        )
        result = found.state()
    except BadInput as error:
        # One problem a line, as it stands: the code that other errors begin with would hide the first.
        raise click.ClickException(error.message()) from error
    if holder and not any(item.holder == holder for item in result.statements):
        names = ", ".join(sorted({item.holder for item in result.statements})) or "nobody"
        raise click.ClickException(f"There is no statement of {holder}; there are those of {names}.")
    if out is not None:
        _write(out, result_files(found.month, found.terms, result))
        click.echo(f"{found.month.name}: {len(result.statements)} statements are in {out}")
        return
    if as_json:
        text = result_json(found.month, result)
    elif as_csv:
        text = statements_csv(result, found.terms, holder)
    else:
        text = statements_text(found.month, result, explain, holder)
    sys.stdout.buffer.write(text.encode())


def _opened(path: Path) -> Document | FactTable:
    return OPENED.get(path.suffix.lower(), _as_it_is)(path)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write each file whole: beside its place first, and moved there when all of them are written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (folder / f"{name}.unfinished").open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        for name in files:
            (folder / f"{name}.unfinished").replace(folder / name)
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error.strerror}.") from error
