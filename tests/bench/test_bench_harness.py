"""The bench harness measures in turns, judges by ratio and writes what it found."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path

import pytest

from benchmarks import harness, load
from benchmarks.harness import Contest, Line, judge, line, main, measure


@pytest.fixture(autouse=True)
def little_garbage() -> None:
    """Keep what other tests left out of the harness's collections, which come before every round."""
    gc.freeze()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Line]:
    """Replace the registry by an empty one."""
    lines: dict[str, Line] = {}
    monkeypatch.setattr(harness, "LINES", lines)
    return lines


def test_rounds_alternate(registry: dict[str, Line]) -> None:
    """Each side is warmed up once; then the two take turns, and change who begins."""
    calls: list[str] = []

    @line("a.b", unit="x/s", yardstick="y", goal=0, rounds=3)
    def build() -> Contest:
        return Contest(lambda: calls.append("o") or 1, lambda: calls.append("y") or 1)

    measure(registry["a.b"])
    assert "".join(calls) == "oy" + "oy" + "yo" + "oy"


def test_async_lines_share_one_loop(registry: dict[str, Line]) -> None:
    """Builder, sides and close may be async, and the line is closed at the end."""
    loops = set()

    async def run() -> int:
        loops.add(id(asyncio.get_running_loop()))
        await asyncio.sleep(0)
        return 5

    async def close() -> None:
        loops.add("closed")

    @line("a.async", unit="x/s", yardstick="y", goal=0, rounds=1)
    async def build() -> Contest:
        loops.add(id(asyncio.get_running_loop()))
        return Contest(run, run, close)

    assert measure(registry["a.async"]).met
    assert len(loops) == 2
    assert "closed" in loops


def test_goal_of_rates_and_of_times() -> None:
    """A rate must reach the goal times its yardstick; a time must not exceed it."""
    rate = Line("r", "x/s", "y", 2, Contest)  # type: ignore[arg-type]
    assert judge(rate, 200, 100).met
    assert not judge(rate, 199, 100).met
    time = Line("t", "ms", "y", 2, Contest, better="lower")  # type: ignore[arg-type]
    assert judge(time, 50, 100).value == 20
    assert judge(time, 50, 100).met
    assert not judge(time, 49, 100).met


def test_names_are_prefixes(
    registry: dict[str, Line], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines are chosen by the beginning of their names, printed, and written with all their facts."""
    for name in ("one.a", "one.b", "two"):
        line(name, unit="x/s", yardstick="y", goal=0, rounds=1)(lambda: Contest(lambda: 1, lambda: 1))
    output = tmp_path / "bench.json"
    assert main(["one"], output) == 0
    written = json.loads(output.read_text())
    assert [entry["name"] for entry in written] == ["one.a", "one.b"]
    assert set(written[0]) == {
        *("name", "value", "unit", "yardstick", "yardstick_value", "ratio", "goal", "met"),
    }
    assert "| one.a" in capsys.readouterr().out
    assert main(["three"], output) == 2


def test_missed_goal_fails(registry: dict[str, Line], tmp_path: Path) -> None:
    """A goal that is not met gives exit code 1."""
    line("x", unit="x/s", yardstick="y", goal=10, rounds=1)(lambda: Contest(lambda: 1, lambda: 10**9))
    assert main([], tmp_path / "bench.json") == 1


def test_two_lines_of_one_name(registry: dict[str, Line]) -> None:
    """A name is given once."""
    register = line("x", unit="x/s", yardstick="y", goal=1)
    register(lambda: Contest(lambda: 1, lambda: 1))
    with pytest.raises(ValueError, match="two bench lines"):
        register(lambda: Contest(lambda: 1, lambda: 1))


def test_lines_of_the_folder() -> None:
    """Loading the folder registers its lines."""
    load()
    assert {"shortids.generate", "shortids.generate_vs_sqids", "imports.buddy_core"} <= set(harness.LINES)
