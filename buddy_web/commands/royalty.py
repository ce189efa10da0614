"""`buddy royalty`: a month's statements from files of terms and facts; no database is touched."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from buddy_core.royalty import (
    ALL_HOLDERS,
    BadInput,
    Document,
    FactTable,
    PeriodInput,
    Printed,
    Unusable,
    compared,
    put,
    read_input,
    schema_json,
    show,
    token_values,
)

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PLACE = click.Path(exists=True, path_type=Path)
NEEDS_WAREHOUSE = 'Parquet needs the warehouse: pip install "buddy-ott[warehouse]".'


def _as_it_is(path: Path) -> Document:
    return Document(str(path), path.read_bytes())


def _parquet(path: Path) -> FactTable:
    try:
        from buddy_adapters.warehouse import parquet_facts
    except ImportError:
        raise click.ClickException(f"{path}: {NEEDS_WAREHOUSE}") from None
    return parquet_facts(path)


OPENED: Mapping[str, Callable[[Path], Document | FactTable]] = {
    ".json": _as_it_is,
    ".csv": _as_it_is,
    ".parquet": _parquet,
}
"""How a file of facts is opened, by how its name ends."""


@click.command()
@click.argument("terms", type=FILE, required=False)
@click.argument("facts", type=FILE, nargs=-1)
@click.option(
    "--watch", type=PLACE, help="Parquet of who watched what, for how long: a file or a folder of them."
)
@click.option("--subscriptions", type=PLACE, help="Parquet of who paid what for which plan, beside --watch.")
@click.option("--before", type=FILE, help="closing.json of the month before.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write all files into this folder: JSON, CSV, text, and the closing balances.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the statements as CSV.")
@click.option("--explain", is_flag=True, help="Say of each line where it comes from.")
@click.option("--instead", type=FILE, help="Other terms: print who would have more or less by them.")
@click.option(
    "--token-value",
    "values",
    multiple=True,
    metavar="KIND/CURRENCY=MINOR",
    help="What one token would be worth, such as paid/INR=60: print who would have more or less by it.",
)
@click.option(
    "--schema", type=click.Choice(["terms", "facts", "result", "closing"]), help="Print a JSON Schema."
)
@click.option("--holder", help="Print this holder's statements alone: what may be sent to them.")
def royalty(
    terms: Path | None,
    facts: tuple[Path, ...],
    watch: Path | None,
    subscriptions: Path | None,
    before: Path | None,
    out: Path | None,
    as_json: bool,
    as_csv: bool,
    explain: bool,
    instead: Path | None,
    values: tuple[str, ...],
    schema: str | None,
    holder: str | None,
) -> None:
    """Calculate a month's royalty statements, exactly, from TERMS and any number of files of FACTS.

    FACTS are JSON, or CSV or Parquet named after what they hold: sales, subscriptions, ads, watch,
    impressions, tokens, expenses or rates, such as sales-2026-10.csv. They are read into memory; watch of
    more than some million rows is given by --watch with --subscriptions, and shared where it lies.
    Where anything is wrong, every problem is listed, nothing is written, and the exit code is 1.
    `python -m buddy_core.royalty` is the same without the web host and Parquet.
    """
    if schema is not None:
        put(schema_json(schema))
        return
    is_compared = instead is not None or bool(values)
    if (out is not None) + as_json + as_csv + is_compared > 1:
        raise click.UsageError("Give one of --out, --json, --csv and --instead or --token-value.")
    if holder and (out is not None or is_compared):
        raise click.UsageError(f"{ALL_HOLDERS}.")
    if (watch is None) is not (subscriptions is None):
        raise click.UsageError("Give --watch and --subscriptions together.")
    if terms is None or (not facts and watch is None):
        raise click.UsageError("Name the file of terms, and at least one file of facts.")
    try:
        worth = token_values(values)
        found = _read(terms, facts, before, watch, subscriptions)
        if is_compared:
            other = _read(instead or terms, facts, before, watch, subscriptions)
            put(compared(found, other, worth))
        else:
            show(found, found.state(), Printed(out, as_json, as_csv, explain, holder))
    except BadInput as error:
        # One problem a line, as it stands: the code that other errors begin with would hide the first.
        raise click.ClickException(error.message()) from error
    except Unusable as error:
        raise click.ClickException(f"{error}.") from error


def _read(
    terms: Path, facts: Sequence[Path], before: Path | None, watch: Path | None, subscriptions: Path | None
) -> PeriodInput:
    """Read all files; the pools of `watch` are shared where it lies, by these terms, and become facts."""
    opening = None if before is None else _as_it_is(before)
    pools: list[Document] = []
    if watch is not None and subscriptions is not None:
        pools = _shared(read_input(_as_it_is(terms), [], opening), watch, subscriptions)
    return read_input(_as_it_is(terms), [*(_opened(path) for path in facts), *pools], opening)


def _shared(period: PeriodInput, watch: Path, subscriptions: Path) -> list[Document]:
    """Return the pools of Parquet files as files of facts."""
    try:
        from buddy_adapters.warehouse.sharing import share_pools, source_of
        from buddy_adapters.warehouse.watch_totals import DuckdbWatchTotals
    except ImportError:
        raise click.ClickException(NEEDS_WAREHOUSE) from None

    def progress(what: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done}/{total} {what:<40.40}", nl=done == total, err=True)

    with (
        TemporaryDirectory() as folder,
        DuckdbWatchTotals(watch, subscriptions, spill_folder=folder) as store,
    ):
        written = share_pools(store, period, source_of([watch, subscriptions]), Path(folder), progress)
        return [Document(path.name, path.read_bytes()) for path in written]


def _opened(path: Path) -> Document | FactTable:
    return OPENED.get(path.suffix.lower(), _as_it_is)(path)
