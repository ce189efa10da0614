"""`buddy audit`: search the record of what staff did, and copy it elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

from buddy_core.access import SYSTEM, AuditRecord
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.views import AuditFound, AuditLine, AuditWanted, audit_row
from buddy_web.commands.running import CORRELATION_ID, ask

STANDARD_OUTPUT = "-"
_TELL_EVERY = 1000


INSTANT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


@click.group()
def audit() -> None:
    """Search the record of what staff changed and read, and copy it elsewhere; both are recorded too."""


@audit.command("search")
@click.option("--actor", default="", metavar="EMAIL", help="Who did it; `system` is the command line.")
@click.option("--about", default="", metavar="EMAIL|THING", help="What it is about, such as bonus.")
@click.option("--action", default="", help="An act such as role.assign, or its subject: role.")
@click.option("--ip", default="", metavar="ADDRESS", help="The address that the request came from.")
@click.option("--reference", default="", help="A request's correlation id.")
@click.option("--since", type=INSTANT, help="From this day or minute on (UTC).")
@click.option("--until", type=INSTANT, help="Before this day or minute (UTC).")
@click.option("--limit", default=50, type=click.IntRange(1, 1000), show_default=True)
@click.option("--before", type=click.IntRange(1), help="Go on where an earlier search ended.")
def search(
    actor: str,
    about: str,
    action: str,
    ip: str,
    reference: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    before: int | None,
) -> None:
    """Print records that fit every option given, newest first."""
    begins, ends = (at and at.replace(tzinfo=UTC) for at in (since, until))
    wanted = AuditWanted(actor, about, action, ip, reference, begins, ends, before, limit)
    found: AuditFound = ask(
        lambda container: container.find_audit(SYSTEM, wanted, correlation_id=CORRELATION_ID)
    )
    for line in found.lines:
        click.echo(_in_one_line(line))
    if not found.lines:
        click.echo("No record fits.", err=True)
    if found.next_before is not None:
        click.echo(f"There are older ones: --before {found.next_before}", err=True)


@audit.command("export")
@click.argument("file", metavar="FILE.jsonl")
def export(file: str) -> None:
    """Write every record with its hashes to FILE.jsonl, one a line, oldest first; `-` is standard output.

    The last line tells of the export itself, and its hash covers all before it: a later export must
    hold the same line. The file has ids of accounts and addresses of staff: only its owner may read
    it. It is in place once it is whole.
    """

    async def work(container: Any, out: IO[bytes]) -> AuditRecord:
        export = await container.export_audit(SYSTEM, correlation_id=CORRELATION_ID)
        last: AuditRecord = export.last
        async for record in export.records():
            out.write(canonical_bytes(audit_row(record)) + b"\n")
            if record.sequence % _TELL_EVERY == 0:
                click.echo(f"{record.sequence}/{last.sequence} records", err=True)
        return last

    with _opened(file) as out:
        last = ask(lambda container: work(container, out))
    click.echo(f"{last.sequence} records, the last with sha256:{last.hash.hex()}", err=True)


@contextlib.contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when it is whole, and not at all if something fails."""
    if file == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    try:
        # mkstemp makes files that only their owner can read.
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written ({error.strerror}).") from error
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written ({error.strerror}).") from error
    finally:
        Path(aside).unlink(missing_ok=True)


def _in_one_line(line: AuditLine) -> str:
    who = line.actor if line.as_whom is None else f"{line.actor} as {line.as_whom}"
    parts = [f"{line.at:%Y-%m-%d %H:%M:%S}Z", who, line.action, line.subject]
    parts += [_change(item.field, item.before, item.after) for item in line.changes]
    if line.reason:
        parts.append(f"reason: {line.reason}")
    parts += [text for text in (line.ip, line.reference) if text]
    # Whatever a text holds, it stays on its line: nothing written may look like a record of its own.
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in "  ".join(parts))


def _change(field: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"{field}={after}"
    return f"{field}: {before} -> {'nothing' if after is None else after}"
