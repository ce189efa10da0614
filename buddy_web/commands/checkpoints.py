"""The file that `buddy verify --checkpoint` writes and `--since` reads: where each wallet stood."""

from __future__ import annotations

import os
import re
from pathlib import Path
from uuid import UUID

import click

from buddy_core.kernel import AccountId
from buddy_core.tokens import Checkpoint, Mark

_FIRST_LINE = "buddy ledger checkpoint 1"
_END = "end"
_SEQUENCE = re.compile("[1-9][0-9]{0,18}")
"""How many entries a wallet had, as `write_checkpoint` writes it."""


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint as text, a wallet a line: account, sequence, hash; a file there is replaced.

    The last line says how many wallets there are, so that a file cut short is known as such.
    """
    # A wallet that was locked and never written to has a row, and nothing in it that could change.
    marks = {account: mark for account, mark in checkpoint.marks.items() if mark[0]}
    unfinished = path.with_name(path.name + ".unfinished")
    with unfinished.open("w", encoding="ascii") as file:
        print(_FIRST_LINE, file=file)
        for account, (sequence, head) in sorted(marks.items()):
            print(account, sequence, head.hex(), file=file)
        print(_END, len(marks), file=file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what `write_checkpoint` wrote.

    Raises:
        ClickException: a line is not of that form, which is named; or the file is empty, or cut short.
    """
    marks: dict[AccountId, Mark] = {}
    is_whole = False
    with path.open(encoding="ascii", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line == f"{_FIRST_LINE}\n":
                continue
            if number > 1 and not is_whole and line == f"{_END} {len(marks)}\n":
                is_whole = True
                continue
            try:
                account, sequence, head = line.split()
                if number == 1 or is_whole or len(bytes.fromhex(head)) != 32:
                    raise ValueError
                owner = AccountId(UUID(account))
                if owner in marks or not _SEQUENCE.fullmatch(sequence):
                    raise ValueError
                marks[owner] = int(sequence), bytes.fromhex(head)
            except ValueError:
                raise click.ClickException(
                    f"{path}, line {number}: this is no checkpoint of buddy verify; --checkpoint makes one."
                ) from None
    if not is_whole:
        raise click.ClickException(
            f"{path}: this checkpoint is empty or cut short; take an older one, or leave out --since."
        )
    return Checkpoint(marks)
