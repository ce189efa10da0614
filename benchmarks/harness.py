"""Times a line and its yardstick in turns, prints the table and writes `bench.json`.

The rounds alternate, line then yardstick and the other way round the next time,
so that a machine that warms up, slows down or is shared treats both alike. The
value is the median of the rounds. Rates are per second of wall time.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Literal

from attrs import asdict, field, frozen

Run = Callable[[], float] | Callable[[], Awaitable[float]]
"""Does some of the work once, for a part of a second, and answers how many units it did."""

Better = Literal["higher", "lower"]


@frozen
class Contest:
    """What a bench line is made of; a line's function builds it, so that setting up is not timed.

    `run` and `against` may be plain or async; async ones share one event loop with
    `close`, which is called at the end and may be either as well.
    """

    run: Run
    against: Run
    close: Callable[[], Any] | None = None


@frozen
class Line:
    """A bench line: its name, unit, yardstick and the ratio to it that is asked for."""

    name: str
    unit: str
    yardstick: str
    goal: float
    build: Callable[[], Contest | Awaitable[Contest]] = field(repr=False)
    better: Better = "higher"
    rounds: int = 7


@frozen
class Result:
    """What was measured. `ratio` is value to yardstick; the goal is at least, or at most for times."""

    name: str
    value: float
    unit: str
    yardstick: str
    yardstick_value: float
    ratio: float
    goal: float
    met: bool


LINES: dict[str, Line] = {}


def line(
    name: str, *, unit: str, yardstick: str, goal: float, better: Better = "higher", rounds: int = 7
) -> Callable[[Callable[[], Contest | Awaitable[Contest]]], Callable[[], Contest | Awaitable[Contest]]]:
    """Register the decorated function as the bench line `name`.

    With `better="higher"` units per second are shown and the ratio must be at
    least `goal`; with "lower" milliseconds a unit, and the ratio must be at most `goal`.
    """

    def register(
        build: Callable[[], Contest | Awaitable[Contest]],
    ) -> Callable[[], Contest | Awaitable[Contest]]:
        if name in LINES:
            raise ValueError(f"two bench lines are named {name}")
        LINES[name] = Line(name, unit, yardstick, goal, build, better, rounds)
        return build

    return register


def chosen(prefixes: Sequence[str]) -> list[Line]:
    """Return the lines whose name begins with one of the prefixes, or all of them, by name."""
    begins = tuple(prefixes) or ("",)
    return [entry for name, entry in sorted(LINES.items()) if name.startswith(begins)]


def measure(entry: Line) -> Result:
    """Run one line in turns with its yardstick and return the medians."""
    with asyncio.Runner() as runner:
        return runner.run(_measure(entry))


async def _measure(entry: Line) -> Result:
    contest: Contest = await _settled(entry.build())
    try:
        await _rate(contest.run)
        await _rate(contest.against)
        ours: list[float] = []
        theirs: list[float] = []
        for turn in range(entry.rounds):
            sides = [(ours, contest.run), (theirs, contest.against)]
            for rates, run in sides if turn % 2 == 0 else reversed(sides):
                rates.append(await _rate(run))
    finally:
        if contest.close is not None:
            await _settled(contest.close())
    return judge(entry, median(ours), median(theirs))


def judge(entry: Line, rate: float, yardstick_rate: float) -> Result:
    """Turn two rates into the values that are shown, and say whether the goal is met."""
    if entry.better == "higher":
        value, against = rate, yardstick_rate
        met = value / against >= entry.goal
    else:
        value, against = 1000 / rate, 1000 / yardstick_rate
        met = value / against <= entry.goal
    return Result(
        name=entry.name,
        value=round(value, 3),
        unit=entry.unit,
        yardstick=entry.yardstick,
        yardstick_value=round(against, 3),
        ratio=round(value / against, 3),
        goal=entry.goal,
        met=met,
    )


async def _rate(run: Run) -> float:
    """Return units per second of one round; the collector runs before it and not in it."""
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        done = await _settled(run())
        return float(done / (perf_counter() - start))
    finally:
        gc.enable()


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def machine() -> str:
    """Name the processor, its cores and the Python in one line."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for row in info.read_text().splitlines():
            if row.startswith("model name"):
                return row.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def table(results: Sequence[Result], lines: dict[str, Line]) -> str:
    """Return the results as a Markdown table with aligned columns."""
    rows: list[tuple[str, ...]] = [
        ("line", "value", "unit", "yardstick", "its value", "ratio", "goal", "met")
    ]
    for result in results:
        sign = ">=" if lines[result.name].better == "higher" else "<="
        rows.append(
            (
                result.name,
                f"{result.value:,.1f}",
                result.unit,
                result.yardstick,
                f"{result.yardstick_value:,.1f}",
                f"{result.ratio:.2f}",
                f"{sign} {result.goal:g}",
                "yes" if result.met else "NO",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    )


def main(arguments: Sequence[str], output: Path = Path("bench.json")) -> int:
    """Measure the lines whose names begin with the arguments, or all.

    Answers the exit code: 0 when every goal is met, 1 when one is not, 2 when no line begins so.
    """
    entries = chosen(arguments)
    if not entries:
        print(f"No bench line begins so. There are: {', '.join(sorted(LINES))}", file=sys.stderr)
        return 2
    print(machine(), flush=True)
    results = []
    for entry in entries:
        print(f"measuring {entry.name} ...", file=sys.stderr, flush=True)
        results.append(measure(entry))
    print(table(results, LINES))
    output.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    return 0 if all(result.met for result in results) else 1
