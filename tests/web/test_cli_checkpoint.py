"""`buddy verify --checkpoint` and `--since`: noting where wallets stand, and looking at those that moved."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.ledger_glances import read_glances
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core.flows import verify_ledger
from buddy_core.kernel import AccountId
from buddy_core.tokens import BONUS, EarnTokens, earn_tokens
from buddy_web.commands.checkpoints import write_checkpoint
from tests.crash.world import viewer
from tests.web.test_cli import Buddy, buddy, database, past, settings, store_with_a_past

__all__ = ["buddy", "database", "past", "settings", "store_with_a_past"]

ONE, OTHER = viewer(1), viewer(2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the checkpoint lies."""
    return tmp_path / "ledger.txt"


@pytest.fixture(scope="session")
def noted_once(store_with_a_past: Path) -> Path:
    """A checkpoint of the store with a past."""
    file = store_with_a_past.with_name("ledger.txt")

    async def work() -> None:
        engine = make_engine(f"sqlite+aiosqlite:///{store_with_a_past}")
        report = await verify_ledger(uow=SqlUnitOfWork(engine))
        await engine.dispose()
        assert report.is_clean
        write_checkpoint(file, report.checkpoint)

    asyncio.run(work())
    return file


@pytest.fixture
def noted(past: Buddy, file: Path, noted_once: Path) -> Buddy:
    """Run `buddy` on a store with a past of which a checkpoint was taken."""
    shutil.copy(noted_once, file)
    return past


def earn(database: Path, who: AccountId, key: str) -> None:
    """Let somebody earn a token, as the service would."""

    async def work() -> None:
        engine = make_engine(f"sqlite+aiosqlite:///{database}")
        command = EarnTokens(who, BONUS, 1, "test", "", key, None, False)
        await earn_tokens(command, uow=SqlUnitOfWork(engine), clock=SystemClock(), ids=SystemIds())
        await engine.dispose()

    asyncio.run(work())


def change(database: Path, *statements: str) -> None:
    """Do something to the file that nobody may, its triggers taken off."""
    with closing(sqlite3.connect(database)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount, statement
        connection.commit()


def rewrite(database: Path, who: AccountId) -> None:
    """Alter a wallet's first entry and hash all of its chain again, so that it fits itself."""
    change(
        database,
        f"UPDATE token_entries SET source_ref = 'forged' WHERE account_id = '{who}' AND sequence = 1",
    )

    async def texts() -> Any:
        engine = make_engine(f"sqlite+aiosqlite:///{database}")
        async with engine.connect() as connection:
            [glance] = await read_glances(connection, [who])
        await engine.dispose()
        return glance.entries

    head = bytes(32)
    with closing(sqlite3.connect(database)) as connection:
        for body, _, _ in asyncio.run(texts()):
            before, head = head, hashlib.sha256(head + body.encode()).digest()
            connection.execute(
                "UPDATE token_entries SET previous_hash = ?, hash = ? WHERE id = ?",
                [before, head, body[2:38]],
            )
        connection.execute("UPDATE token_wallets SET head = ? WHERE account_id = ?", [head, str(who)])
        connection.commit()


def wallets(said: str) -> int:
    """Return how many wallets were checked."""
    found = re.search(r"^Checked (\d+) wallets", said, re.MULTILINE)
    assert found is not None, said
    return int(found[1])


def test_a_clean_store_is_noted(past: Buddy, file: Path, noted_once: Path) -> None:
    """The file says where each wallet stands, a line each, and how many there are; the command says so."""
    result = past("verify", "--checkpoint", str(file))
    assert result.exit_code == 0
    count = wallets(result.stdout)
    lines = file.read_text().splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("buddy ledger checkpoint 1", f"end {count}", count + 2)
    assert all(re.fullmatch(r"[0-9a-f-]{36} \d+ [0-9a-f]{64}", line) for line in lines[1:-1])
    assert lines[1:-1] == sorted(lines[1:-1])
    assert result.stdout.splitlines()[-2:] == ["Clean.", f"Where {count} wallets stand is in {file}."]
    assert sorted(item.name for item in file.parent.glob("ledger*")) == ["ledger.txt"]
    assert file.read_bytes() == noted_once.read_bytes()


def test_since_then_nothing_has_moved(noted: Buddy, file: Path) -> None:
    """Right after, no wallet is read; the check is of the ledger alone and says so by its numbers."""
    result = noted("verify", "--since", str(file))
    assert (result.exit_code, result.stdout) == (0, "Checked 0 wallets, 0 entries.\nClean.\n")


def test_since_then_one_has_moved(noted: Buddy, database: Path, file: Path) -> None:
    """Who has earned meanwhile is read; who stands still is not, even where a row of theirs was altered."""
    earn(database, ONE, "more")
    change(
        database,
        f"UPDATE token_lots SET source = 'forged' WHERE account_id = '{OTHER}'",
    )
    result = noted("verify", "--since", str(file))
    assert (result.exit_code, wallets(result.stdout)) == (0, 1)
    assert noted("verify").exit_code == 1


def test_a_checkpoint_follows_another(noted: Buddy, database: Path, file: Path) -> None:
    """With both, what moved is checked and all is noted anew, whole, so that the next has nothing to do."""
    earn(database, ONE, "more")
    before = file.read_text().splitlines()
    result = noted("verify", "--since", str(file), "--checkpoint", str(file))
    assert (result.exit_code, wallets(result.stdout)) == (0, 1)
    after = file.read_text().splitlines()
    assert [line for line in after if line not in before] == [
        line for line in after if line.startswith(str(ONE))
    ]
    assert len(after) == len(before)
    assert wallets(noted("verify", "--since", str(file)).stdout) == 0


def test_a_history_that_was_rewritten_is_named(noted: Buddy, database: Path, file: Path) -> None:
    """The store fits itself, so that the whole check finds nothing; against the checkpoint it does not."""
    rewrite(database, ONE)
    assert "token_entries" not in noted("verify").stderr
    result = noted("verify", "--since", str(file))
    assert result.exit_code == 1
    row = rf"FAULT token_entries \(account {ONE}, sequence \d+\): is not the one of the checkpoint"
    assert re.search(row, result.stderr)
    assert "Clean." not in result.output


def test_a_wallet_that_is_gone_is_named(noted: Buddy, database: Path, file: Path) -> None:
    """Nothing of it is left in the ledger; the checkpoint knows of it."""
    tables = ("token_lots", "token_lot_balances", "token_entries", "token_wallets")
    change(database, *(f"DELETE FROM {table} WHERE account_id = '{ONE}'" for table in tables))
    result = noted("verify", "--since", str(file))
    assert result.exit_code == 1
    assert f"FAULT token_wallets {ONE}: missing" in result.stderr


def test_a_store_with_a_fault_is_not_noted(noted: Buddy, database: Path, file: Path) -> None:
    """The file stays as it was, and a new one is not made: what is wrong would be taken for right later."""
    before = file.read_bytes()
    change(database, f"UPDATE token_lots SET source = 'forged' WHERE account_id = '{ONE}'")
    other = file.with_name("other.txt")
    for where in (file, other):
        assert noted("verify", "--checkpoint", str(where)).exit_code == 1
    assert file.read_bytes() == before
    assert not other.exists()


BROKEN = {
    "empty": lambda text: "",
    "cut short": lambda text: text[: len(text) // 2],
    "without its end": lambda text: text.rsplit("end ", 1)[0],
    "another format": lambda text: text.replace("checkpoint 1", "checkpoint 2"),
    "a hash that is none": lambda text: text.replace(text.splitlines()[1][-8:], "zzzzzzzz"),
    "an account that is none": lambda text: text.replace(str(ONE), "somebody"),
    "a line too many": lambda text: text + "and more\n",
    "something else": lambda text: '{"marks": []}\n',
    "no text": lambda text: "\udcff\udcfe",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_checkpoint_is_refused(noted: Buddy, file: Path, broken: Any) -> None:
    """One line that names the file, before anything is read, and no traceback."""
    file.write_text(broken(file.read_text()), errors="surrogateescape")
    result = noted("verify", "--since", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {file}")
    assert "checkpoint" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_checkpoint_that_is_not_there_is_refused(noted: Buddy, tmp_path: Path) -> None:
    """A file that does not exist, or a folder, is a wrong way to call the command."""
    for words in (
        ("--since", str(tmp_path / "none.txt")),
        ("--since", str(tmp_path)),
        ("--checkpoint", str(tmp_path)),
    ):
        result = noted("verify", *words)
        assert result.exit_code == 2
        assert words[0] in result.stderr


def test_a_checkpoint_that_cannot_be_written_is_one_line(noted: Buddy, tmp_path: Path) -> None:
    """There is no such folder: that is said, and no half of a file is left."""
    where = tmp_path / "no folder" / "ledger.txt"
    result = noted("verify", "--checkpoint", str(where))
    assert result.exit_code != 0
    assert str(where) in result.stderr
    assert not where.parent.exists()


def test_a_checkpoint_of_another_store_is_named_as_such(
    noted: Buddy, database: Path, file: Path, store_with_a_past: Path
) -> None:
    """Every wallet of it is missing here, and none that is here was known."""
    text = file.read_text()
    file.write_text(re.sub(r"^0", "f", text, flags=re.MULTILINE))
    shutil.copy(store_with_a_past, database)
    result = noted("verify", "--since", str(file))
    assert result.exit_code == 1
    count = wallets(result.stdout)
    assert len(re.findall(r"^FAULT token_wallets \S+: missing$", result.stderr, re.MULTILINE)) == count
