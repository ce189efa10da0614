"""`buddy prices show|set`: what it prints can be changed and set; what cannot be is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from buddy_web.reference import PRICES
from tests.web.test_cli import Buddy, buddy, database, past, settings, store_with_a_past

__all__ = ["buddy", "database", "past", "settings", "store_with_a_past"]

EXAMPLES = Path(__file__).parents[2] / "examples/prices"


def test_prices_are_shown_and_set_at_the_command_line(past: Buddy, tmp_path: Path) -> None:
    """What is shown can be changed and set; its effect is said, and the same again changes nothing."""
    file = tmp_path / "prices.json"
    document = json.loads(past("prices", "show").stdout)
    [rule] = [rule for rule in document["rules"] if rule["id"] == "rental-film-in"]
    rule["amount_minor"] = 5900
    file.write_text(json.dumps(document), "utf-8")
    shown = past("prices", "set", "--file", str(file), "--preview").stdout
    assert "rental-film-in (rental, 48 h, film, in IN): 49.00 INR -> 59.00 INR" in shown
    assert "version" not in shown
    assert "Prices are at version 2" in past("prices", "set", "--file", str(file)).stdout
    assert "nothing would change" in past("prices", "set", "--file", str(file), "--preview").stdout
    added = past("prices", "set", "--add", "--file", str(EXAMPLES / "free_tier.json"))
    assert "pricing.same_rank" in added.stderr
    whole = past("prices", "set", "--file", str(EXAMPLES / "india.json"))
    assert "rental-film-in (rental, 48 h, film, in IN): 59.00 INR -> 49.00 INR" in whole.stdout
    assert "* pays in: USD -> nothing" in whole.stdout
    assert json.loads(past("prices", "show", "--version", "1").stdout)["currencies"] == PRICES.currencies


def test_the_example_of_the_docs_is_added_to_a_new_installation(past: Buddy, tmp_path: Path) -> None:
    """Its rules have the ids of the prices that are there, so that they take their place; dearer counts."""
    example = EXAMPLES / "india.json"
    same = past("prices", "set", "--file", str(example), "--add")
    assert (same.exit_code, same.stderr) == (0, "")
    document = json.loads(example.read_text("utf-8"))
    for rule in document["rules"]:
        rule["amount_minor"] += 100
    file = tmp_path / "dearer.json"
    file.write_text(json.dumps(document), "utf-8")
    shown = past("prices", "set", "--file", str(file), "--add", "--preview").stdout
    assert shown.count(" INR -> ") == len(document["rules"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[]", "must hold"),
        ('{"rules": 5}', "must be a list"),
        ('{"prices": []}', "must hold"),
        ('{"rules": [{"id": "a"}]}', "pricing.bad_price_rule"),
        ('{"rules": [5]}', "rules[0]"),
        ('{"rules": [], "currencies": {"IN": 5}}', "pricing.bad_currency"),
        ("[" * 100_000, "no JSON"),
        (" " * 5_000_001, "longer than 5 MB"),
        ("\udcff", "no JSON"),
    ],
)
def test_a_file_that_is_no_price_list_is_refused(past: Buddy, tmp_path: Path, text: str, said: str) -> None:
    """It is said what is wrong, and where."""
    file = tmp_path / "prices.json"
    file.write_text(text, "utf-8", errors="surrogateescape")
    found = past("prices", "set", "--file", str(file))
    assert found.exit_code == 1
    assert said in found.stderr
