"""The file that `buddy verify --checkpoint` writes and `--since` reads: where each wallet stood."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import click

from buddy_core.kernel import AccountId
from buddy_core.tokens import Checkpoint, Mark

_FIRST_LINE = "buddy ledger checkpoint 1"


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint as text, a wallet a line: account, sequence, hash; a file there is replaced."""
    unfinished = path.with_name(path.name + ".unfinished")
    with unfinished.open("w", encoding="ascii") as file:
        print(_FIRST_LINE, file=file)
        for account, (sequence, head) in sorted(checkpoint.marks.items()):
            print(account, sequence, head.hex(), file=file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what `write_checkpoint` wrote.

    Raises:
        ClickException: a line is not of that form; it is named.
    """
    marks: dict[AccountId, Mark] = {}
    with path.open(encoding="ascii", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line.rstrip("\n") == _FIRST_LINE:
                continue
            try:
                account, sequence, head = line.split()
                if number == 1 or len(bytes.fromhex(head)) != 32:
                    raise ValueError
                marks[AccountId(UUID(account))] = int(sequence), bytes.fromhex(head)
            except ValueError:
                raise click.ClickException(
                    f"{path}, line {number}: this is no checkpoint of buddy verify; --checkpoint makes one."
                ) from None
    return Checkpoint(marks)
