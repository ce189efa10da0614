"""Reads the oracle cases, gives each to its topic's adapter, and prints how many were found and run."""

from __future__ import annotations

import importlib.util
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from attrs import frozen

from tests.oracles.reading import Asked, UnreadKeys, check_read, named

HERE = Path(__file__).parent
ADAPTERS = HERE / "adapters"
RUN_PROPERTY = "oracle_topic"


@frozen
class OracleCase:
    """One case of one topic; the adapter sees its inputs and group, never its id or what is expected.

    Each key of the inputs must be read, or stand in the adapter's `UNASKED`. Cases from elsewhere
    may say more than ours do: what of them was not read is printed, and the answer decides.
    """

    topic: str
    id: str
    group: str | None
    inputs: dict[str, Any]
    expected: dict[str, Any]

    def answer(self) -> dict[str, Any]:
        """Ask the topic's adapter: once, or once for each element of a `cases` list.

        Raises:
            UnreadKeys: the adapter passes over a key of one of our cases.
        """
        path = ADAPTERS / f"{self.topic}.py"
        adapter = load(path)
        elements = self.inputs.get("cases")
        if not isinstance(elements, list):
            return self._answer(path, adapter, self.inputs)
        common = {name: value for name, value in self.inputs.items() if name != "cases"}
        answers = [self._answer(path, adapter, {**common, **element}) for element in elements]
        names = {name for answer in answers for name in answer}
        return {name: [answer.get(name) for answer in answers] for name in names}

    def _answer(self, path: Path, adapter: ModuleType, inputs: Mapping[str, Any]) -> dict[str, Any]:
        given = Asked(inputs)
        answer = dict(adapter.answer(given, self.group))
        known = named(path) if answer.get("error") else frozenset[str]()
        try:
            check_read(self.topic, given, getattr(adapter, "UNASKED", frozenset()), known)
        except UnreadKeys as error:
            if "BUDDY_ORACLES" not in os.environ:
                raise
            print(error)
        return answer


@frozen
class Topic:
    """One file of cases, and which of them are run."""

    name: str
    cases: list[OracleCase]

    @property
    def has_adapter(self) -> bool:
        return (ADAPTERS / f"{self.name}.py").is_file()

    @property
    def is_listed(self) -> bool:
        return self.name in load(HERE / "not_yet.py").TOPICS

    @property
    def groups_built(self) -> frozenset[str]:
        """The groups that the adapter has functions for; none where the topic has no groups."""
        if not self.has_adapter:
            return frozenset()
        return frozenset(getattr(load(ADAPTERS / f"{self.name}.py"), "GROUPS", ()))

    @property
    def groups_listed(self) -> frozenset[str]:
        groups: frozenset[str] = load(HERE / "not_yet.py").GROUPS.get(self.name, frozenset())
        return groups

    def to_run(self) -> list[OracleCase]:
        """The cases whose topic is built, less those whose group is listed as not built."""
        if not self.has_adapter:
            return []
        return [case for case in self.cases if case.group not in self.groups_listed]


def load(path: Path) -> ModuleType:
    """Load a module by its file, so that the file's name alone chooses the adapter."""
    spec = importlib.util.spec_from_file_location(f"oracles_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def topics() -> list[Topic]:
    """Read every file of the folder that BUDDY_ORACLES names, or of our own copies."""
    folder = Path(os.environ.get("BUDDY_ORACLES") or HERE / "cases")
    files = sorted(folder.glob("*.json"))
    if not files:
        raise pytest.UsageError(f"no oracle cases: {folder} holds no *.json (BUDDY_ORACLES names the folder)")
    return [Topic(path.stem, _cases(path)) for path in files]


def _cases(path: Path) -> list[OracleCase]:
    rows = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return [
        OracleCase(path.stem, row["id"], row.get("group"), row["inputs"], row["expected"]) for row in rows
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each case to run, and one of each topic found."""
    if "oracle_case" in metafunc.fixturenames:
        cases = [case for topic in topics() for case in topic.to_run()]
        metafunc.parametrize("oracle_case", cases, ids=[f"{case.topic}/{case.id}" for case in cases])
    if "oracle_topic" in metafunc.fixturenames:
        found = topics()
        metafunc.parametrize("oracle_topic", found, ids=[topic.name for topic in found])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print, a topic a line, the cases found, run and not yet built."""
    run: Counter[str] = Counter()
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        run.update(value for name, value in report.user_properties if name == RUN_PROPERTY)
    if not run:
        return
    terminalreporter.section("oracle cases")
    terminalreporter.write_line(f"{'topic':<20}{'found':>8}{'run':>8}{'not yet':>9}")
    for topic in topics():
        found, later = len(topic.cases), len(topic.cases) - len(topic.to_run())
        balance = "" if run[topic.name] + later == found else "   NOT ALL WERE RUN"
        terminalreporter.write_line(f"{topic.name:<20}{found:>8}{run[topic.name]:>8}{later:>9}{balance}")
