"""The file that `buddy verify` notes wallets in: whole it is read back, cut anywhere it is refused."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click
import pytest

from buddy_core.kernel import AccountId
from buddy_core.tokens import Checkpoint
from buddy_web.commands.checkpoints import read_checkpoint, write_checkpoint

MARKS = {AccountId(UUID(int=number)): (number, bytes([number]) * 32) for number in (1, 2, 3)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.txt"


@pytest.mark.parametrize("marks", [{}, MARKS])
def test_a_checkpoint_comes_back(file: Path, marks: dict[AccountId, tuple[int, bytes]]) -> None:
    """What was written is read, also where there was no wallet; the last line counts them."""
    write_checkpoint(file, Checkpoint(marks))
    assert read_checkpoint(file).marks == marks
    assert file.read_text().splitlines()[-1] == f"end {len(marks)}"


def test_a_checkpoint_cut_short_is_refused(file: Path) -> None:
    """Cut after any byte, down to none, it is refused in words that name the file."""
    write_checkpoint(file, Checkpoint(MARKS))
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(click.ClickException, match=str(file)):
            read_checkpoint(file)


@pytest.mark.parametrize(
    "changed", ["a wallet less", "a wallet twice", "more after the end", "no first line"]
)
def test_a_checkpoint_that_does_not_add_up_is_refused(file: Path, changed: str) -> None:
    """A line taken out or put in is noticed by the number at the end."""
    write_checkpoint(file, Checkpoint(MARKS))
    lines = file.read_text().splitlines(keepends=True)
    made = {
        "a wallet less": [lines[0], *lines[2:]],
        "a wallet twice": [*lines[:2], *lines[1:]],
        "more after the end": [*lines, lines[1]],
        "no first line": lines[1:],
    }
    file.write_text("".join(made[changed]))
    with pytest.raises(click.ClickException, match=str(file)):
        read_checkpoint(file)
