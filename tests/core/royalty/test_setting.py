"""The terms of one licence, account, plan or title: read by themselves, and refused by their keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty import BadInput, Document, InputKind, read_terms_of
from buddy_core.royalty.rules.files.setting import check_terms_of

TIERS = {"bands": [{"over": 0, "up_to": 5, "rate": "40%"}, {"over": 5, "up_to": None, "rate": "1/2"}]}
STEPS = [{"name": "fee", "takes": "percent_of_gross", "rate": "10%", "taker": "platform"}]
ACCOUNT = {"holder": "asha", "currency": "INR", "advance": 5, "reserve": {"part": "10%", "periods": 3}}
RIGHT: list[tuple[InputKind, str, dict[str, Any]]] = [
    (InputKind.LICENCE, "L-1", {"preset": "film", "fee": "1/3", "account": "a"}),
    (InputKind.LICENCE, "L-1", {"rates": {"rental": TIERS, "est": "40%"}, "ads_by": "impressions"}),
    (InputKind.LICENCE, "L-1", {"expense_cap": 5}),
    (InputKind.LICENCE, "L-1", {}),
    (InputKind.ACCOUNT, "a", ACCOUNT),
    (InputKind.POOL, "gold", {"method": "user_centric", "excluded_titles": ["film/ab"]}),
    (InputKind.POOL, "gold", {}),
    (InputKind.WATERFALL, "film/ab", {"currency": "INR", "steps": STEPS}),
]


def file(value: Any) -> Document:
    """Return a file of JSON, or of the text that is given."""
    return Document("t.json", (value if isinstance(value, str) else json.dumps(value)).encode())


@pytest.mark.parametrize(("kind", "key", "given"), RIGHT)
def test_what_is_right_is_given_back_plainly(kind: InputKind, key: str, given: dict[str, Any]) -> None:
    """Without its schema and without whose it is, as lists and objects of JSON."""
    named = {InputKind.ACCOUNT: ("id",), InputKind.POOL: ("plan",), InputKind.WATERFALL: ("id", "title")}
    whole = {"$schema": "x", **given, **dict.fromkeys(named.get(kind, ()), key)}
    for written in (given, whole):
        found = read_terms_of(kind, key, file(written), "Asia/Kolkata")
        assert found == given
        assert json.loads(json.dumps(found)) == found
        check_terms_of(kind, key, given, "Asia/Kolkata", "terms")


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (InputKind.LICENCE, [], ["t.json: is a list [ ]; write an object in braces: { ... }"]),
        (
            InputKind.LICENCE,
            "{",
            [
                "t.json: is no JSON at line 1, column 2 (Expecting property name enclosed in double quotes); "
                "look there and just before it for a missing comma, quotation mark or bracket"
            ],
        ),
        (
            InputKind.LICENCE,
            {"zzz": "50%", "prezet": "film", "fee": "2"},
            [
                't.json, fee: is \'2\'; write "2%" if you mean per cent',
                't.json, prezet: is not known here; did you mean "preset"?',
                "t.json, zzz: is not known here; leave it out; there are preset, rates, fee, expense_cap, "
                "ads_by, account",
            ],
        ),
        (
            InputKind.LICENCE,
            '{"fee": "0", "fee": "0"}',
            ["t.json, fee: is there twice; leave one of them out"],
        ),
        (
            InputKind.ACCOUNT,
            {**ACCOUNT, "id": "b"},
            ["t.json, id: is 'b', and these are the terms of k; leave it out, or set those"],
        ),
        (
            InputKind.ACCOUNT,
            {**ACCOUNT, "withholding": [{"rate": "5%", "key": "k", "starts_at": "x"}]},
            [
                "t.json, withholding[0].starts_at: is 'x'; write a date such as "
                '"2026-10-05", or an instant such as "2026-10-05T18:30:00+05:30"'
            ],
        ),
        (
            InputKind.POOL,
            {"plan": 5, "silent": "ours"},
            [
                "t.json, plan: is 5, and these are the terms of k; leave it out, or set those",
                "t.json, silent: is 'ours'; write one of pool, platform, carry",
            ],
        ),
        (
            InputKind.WATERFALL,
            {"id": "x", "title": "y", "currency": "INR", "steps": []},
            [
                "t.json, id: is 'x', and these are the terms of k; leave it out, or set those",
                "t.json, title: is 'y', and these are the terms of k; leave it out, or set those",
            ],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_key(kind: InputKind, given: Any, said: list[str]) -> None:
    """All of it, in the order of the keys."""
    with pytest.raises(BadInput) as refused:
        read_terms_of(kind, "k", file(given), "Asia/Kolkata")
    assert [problem.text() for problem in refused.value.problems] == said
    assert refused.value.count == len(said)


def test_more_than_is_noted_is_counted() -> None:
    """Of ten thousand wrong steps the first are told, and all are counted."""
    steps = [{"name": f"s{number}"} for number in range(10_000)]
    with pytest.raises(BadInput) as refused:
        read_terms_of(InputKind.WATERFALL, "k", file({"currency": "INR", "steps": steps}), "UTC")
    assert len(refused.value.problems) < refused.value.count == 20_000


def test_half_a_character_is_refused() -> None:
    """What no file could hold is told before it is written."""
    with pytest.raises(InvalidValue) as refused:
        check_terms_of(InputKind.POOL, "gold", {"excluded_titles": ["\ud800"]}, "UTC", "terms")
    assert refused.value.field == "terms"


def test_plain_dates_are_of_the_seller_s_zone() -> None:
    """The first moment of a day there: what is no such day anywhere else is one here."""
    given = {
        **ACCOUNT,
        "guarantees": [{"minimum": 5, "starts_at": "2026-10-01", "ends_at": "2026-10-01T00:00Z"}],
    }
    read_terms_of(InputKind.ACCOUNT, "a", file(given), "Asia/Kolkata")
    with pytest.raises(BadInput, match="guarantees"):
        read_terms_of(InputKind.ACCOUNT, "a", file(given), "America/New_York")
