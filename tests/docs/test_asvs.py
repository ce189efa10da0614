"""The page of the security standard tells of every requirement, and of tests that there are."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "asvs.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)
NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")

# How many requirements each section has at level 2, and which of them the standard has withdrawn.
SECTIONS = {
    "2.1": 12, "2.2": 3, "2.3": 3, "2.4": 5, "2.5": 7, "2.8": 7,
    "3.1": 1, "3.2": 4, "3.3": 4, "3.4": 5, "3.5": 3, "3.7": 1,
    "4.1": 5, "4.2": 2, "4.3": 3,
    "7.1": 4, "7.2": 2, "7.3": 4, "7.4": 3,
    "13.1": 5, "13.2": 6, "13.3": 2, "13.4": 2,
}  # fmt: skip
WITHDRAWN = {"4.1.4", "7.3.2", "13.1.2", "13.2.4"}


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of a file's tests; none if there is no such file."""
    file = ROOT / path
    if not file.exists():
        return frozenset()
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_requirement_is_told_once_and_in_order() -> None:
    """Each number of the chapters stands on the page once, in order, and no other."""
    wanted = [
        f"{section}.{number}"
        for section, count in SECTIONS.items()
        for number in range(1, count + 1)
        if f"{section}.{number}" not in WITHDRAWN
    ]
    assert [number for number, *_ in ROWS] == wanted


def test_every_named_test_exists() -> None:
    """A test that the page names can be run."""
    named = NAMED.findall(TEXT)
    assert len(named) > 50
    assert [f"{path}::{name}" for path, name in named if name not in names_in(path)] == []


def test_what_is_shown_names_what_shows_it() -> None:
    """A requirement that is shown names a test; one that is not says what is missing or why."""
    known = {"shown", "partly", "gap", "absent", "n/a"}
    assert [number for number, _, status, _ in ROWS if status not in known] == []
    assert [number for number, _, status, why in ROWS if status == "shown" and not NAMED.search(why)] == []
    assert [
        number for number, *_, why in ROWS if len(NAMED.sub("", why).strip()) < 8 and "`" not in why
    ] == []


def test_the_sum_is_right() -> None:
    """The last paragraph counts what the tables say."""
    counts = Counter(status for *_, status, _ in ROWS)
    said = re.search(
        r"Of (\d+) requirements (\d+) are shown, (\d+) partly, (\d+) are gaps, (\d+) are met by absence "
        r"and (\d+) do not apply",
        " ".join(TEXT.split()),
    )
    assert said is not None
    names = ("shown", "partly", "gap", "absent", "n/a")
    assert [int(number) for number in said.groups()] == [len(ROWS), *(counts[name] for name in names)]
