"""Reading what browsers send: each field is in its form, or is said to be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_web.errors import InvalidRequest
from buddy_web.forms import MAX_NUMBER, opaque_id, submission_key, text, texts, whole_number

ID = "rwd_" + "0a" * 16


@given(st.text())
def test_a_text_is_whole_or_refused(value: str) -> None:
    """What comes back is what was sent, and every encoding and database takes it."""
    try:
        found = text({"a": value}, "a")
    except InvalidRequest:
        return
    assert found == value
    assert "\0" not in found.encode("utf-8").decode("utf-8")


@pytest.mark.parametrize("value", ["\0", "a\nb", "\x7f", "\ud800", "x" * 501])
def test_what_nobody_types_is_refused(value: str) -> None:
    """Control characters, halves of a surrogate pair and overlong texts name their field."""
    with pytest.raises(InvalidRequest) as refused:
        text({"owner": value}, "owner")
    assert refused.value.fields[0]["field"] == "owner"
    with pytest.raises(InvalidRequest):
        texts({"a": "fine", "b": value})


@given(st.integers(min_value=0, max_value=MAX_NUMBER))
def test_a_whole_number_is_read(number: int) -> None:
    """Every number that a database can store is read as it stands."""
    assert whole_number({"n": f" {number} "}, "n") == number


@pytest.mark.parametrize("value", ["", "-1", "1.5", "1e3", "9" * 4000, str(MAX_NUMBER + 1), "\u0663", "1_0"])
def test_what_is_no_number_is_none(value: str) -> None:
    """Signs, fractions, other digits and numbers that are too large are no number."""
    assert whole_number({"n": value}, "n") is None
    assert whole_number({}, "n") is None


def test_ids_and_keys_keep_to_their_form() -> None:
    """An opaque id is a prefix and 32 hex digits; a form's key is 1 to 100 printable characters."""
    assert opaque_id({"a": ID}, "a") == ID
    assert [opaque_id({"a": wrong}, "a") for wrong in ("", ID + "0", ID.upper(), "../x")] == [None] * 4
    assert submission_key({"idempotency_key": "reg_1"}) == "reg_1"
    assert [submission_key({"idempotency_key": wrong}) for wrong in ("", "a b", "x" * 101)] == [None] * 3
