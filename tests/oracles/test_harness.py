"""The oracle harness refuses what would make a green run mean nothing; tried in pytest runs of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.reading import Asked, UnreadKeys, check_read

HERE = Path(__file__).parent


def run_on(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the cases of a folder in a fresh pytest, as `BUDDY_ORACLES=folder nox -s oracles` does."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rA",
            "-p",
            "no:cacheprovider",
            str(HERE / "test_oracles.py"),
        ],
        env={**os.environ, "BUDDY_ORACLES": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def write(folder: Path, topic: str, *cases: dict[str, Any]) -> None:
    """Write one topic's file in the form of the oracle cases."""
    rows = [{"id": f"case-{number}", "source": "here", **case} for number, case in enumerate(cases)]
    (folder / f"{topic}.json").write_text(json.dumps({"schema": {}, "cases": rows}))


def test_wrong_answers_and_unknown_names_fail(tmp_path: Path) -> None:
    """A wrong figure or type, a key unanswered, an unknown rule, topic or group: each fails."""
    write(
        tmp_path,
        "currency",
        {"inputs": {"code": "INR"}, "expected": {"exponent": 2}},
        {"inputs": {"code": "INR"}, "expected": {"exponent": 3}},
        {"inputs": {"code": "INR"}, "expected": {"exponent": 2, "symbol": "₹"}},
        {"inputs": {"code": "INR"}, "expected": {"exponent": "2"}},
        {"inputs": {"code": "INR"}, "expected": {"exponent": 2.0}},
        {"inputs": {"code": "INR"}, "expected": {"error": True}},
    )
    write(
        tmp_path,
        "allocation",
        {"inputs": {"value": "1", "rounding": "by dice"}, "expected": {"error": True}},
        {"inputs": {"total_minor": 5, "weights": ["1"], "method": "by dice"}, "expected": {"error": True}},
        {
            "inputs": {"total_minor": 5, "weights": ["3"], "method": "first_come", "weights_are": "odds"},
            "expected": {"error": True},
        },
    )
    write(tmp_path, "astrology", {"inputs": {}, "expected": {"lucky": True}})
    write(
        tmp_path, "provider_vectors", {"group": "carrier_pigeon", "inputs": {}, "expected": {"valid": True}}
    )
    result = run_on(tmp_path)
    failed = {line.split("::")[1].split(" ")[0] for line in result.stdout.splitlines() if "FAILED" in line}
    assert result.returncode == 1
    assert failed == {
        "test_case[currency/case-1]",
        "test_case[currency/case-2]",
        "test_case[currency/case-3]",
        "test_case[currency/case-4]",
        "test_case[currency/case-5]",
        "test_case[allocation/case-0]",
        "test_case[allocation/case-1]",
        "test_case[allocation/case-2]",
        "test_case[provider_vectors/case-0]",
        "test_topic_is_built_or_listed[astrology]",
        "test_groups_are_built_or_listed[provider_vectors]",
    }


def test_other_cases_of_the_same_shape_run(tmp_path: Path) -> None:
    """Lists of cases, refusals, figures never seen here and a key beside them are answered, and counted."""
    write(
        tmp_path,
        "currency",
        {"inputs": {"cases": [{"code": "JPY"}, {"code": "KWD"}]}, "expected": {"exponent": [0, 3]}},
        {"inputs": {"code": "RUPEES"}, "expected": {"error": True}},
        {"inputs": {"code": "INR", "as_of": "1999-01-01"}, "expected": {"exponent": 2}},
    )
    write(
        tmp_path,
        "allocation",
        {
            "inputs": {
                "total_minor": 100,
                "weights": ["1", "1/2", "1.5"],
                "method": "last_come",
                "step_minor": 5,
            },
            "expected": {"shares_minor": [30, 15, 55]},
        },
        {"inputs": {"value": "one", "rounding": "half_up"}, "expected": {"error": True}},
    )
    write(tmp_path, "invoice_numbering", {"inputs": {}, "expected": {"number": 1}})
    result = run_on(tmp_path)
    table = [line.split() for line in result.stdout.partition("oracle cases")[2].splitlines()]
    assert result.returncode == 0, result.stdout
    assert ["allocation", "2", "2", "0"] in table
    assert ["currency", "3", "3", "0"] in table
    assert ["invoice_numbering", "1", "0", "1"] in table


def test_what_an_adapter_does_not_read_is_named() -> None:
    """Each key that is neither taken nor said to change nothing is named by its path, at any depth."""
    inputs = Asked(
        {"a": 1, "b": [{"c": 2, "d": 3}, {"c": 4}], "e": {"f": {"g": None}}, "h": 5, "i": {"j": 6}}
    )
    assert inputs["a"] == 1
    assert [row.get("c") for row in inputs["b"]] == [2, 4]
    assert ("h" in inputs, dict(inputs["e"]["f"])) == (True, {"g": None})
    assert [path for path, _ in inputs.unread()] == ["b[0].d", "h", "i"]
    with pytest.raises(UnreadKeys, match=r"of pools does not read b\[0\]\.d, i: let it"):
        check_read("pools", inputs, frozenset({"h"}), frozenset())
    check_read("pools", inputs, frozenset({"h"}), frozenset({"d", "i"}))


def test_an_empty_folder_fails(tmp_path: Path) -> None:
    """A folder without cases is a mistake, not a success."""
    result = run_on(tmp_path)
    assert result.returncode != 0
    assert "no oracle cases" in result.stdout + result.stderr
