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


def test_a_wallet_without_entries_is_left_out(file: Path) -> None:
    """It has no hash that could be compared."""
    write_checkpoint(file, Checkpoint({**MARKS, AccountId(UUID(int=9)): (0, bytes(32))}))
    assert read_checkpoint(file).marks == MARKS


@pytest.mark.parametrize("sequence", ["-1", "0", "1_0", "01", "+1", "1.0", "\u0661", "9" * 20])
def test_the_number_of_an_entry_is_written_in_one_way(file: Path, sequence: str) -> None:
    """A number that no entry has, or that is written otherwise, is refused with its line."""
    write_checkpoint(file, Checkpoint(MARKS))
    file.write_text(file.read_text().replace(" 2 ", f" {sequence} "), encoding="utf-8")
    with pytest.raises(click.ClickException, match="line 3"):
        read_checkpoint(file)


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
