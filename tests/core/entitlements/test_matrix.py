"""The page of the matrix is the table that the decision is held to."""

from __future__ import annotations

import pytest

from buddy_core.entitlements import Allowed, Channel, explain
from tests.entitlements_matrix import (
    AT,
    GRANTS,
    LICENSED,
    PAGE,
    PLANS,
    PROFILES,
    SHOWS,
    STATES,
    Matrix,
    Row,
    page,
    parse,
    parts,
    rows,
)


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    """What the page says."""
    return parse(PAGE.read_text("utf-8"))


def test_every_row_is_answered_as_the_page_says(matrix: Matrix) -> None:
    """Over the full product of the page's words no answer is another than the page's."""
    count, wrong = 0, []
    for row in rows():
        count += 1
        told, said = parts(row.decide()), matrix.expected(row)
        if told != said:
            wrong.append((row, told, said))
    expected = len(SHOWS) * len(STATES) * len(LICENSED) * len(GRANTS) * len(PLANS)
    assert count == expected * len(PROFILES) * len(Channel)
    assert count > 400_000
    assert (len(wrong), wrong[:3]) == (0, [])


def test_the_page_has_every_case_once(matrix: Matrix) -> None:
    """Every window, state and licence stands in one table, and every grant and plan in each table."""
    assert len(matrix.cells) == len(SHOWS) * len(STATES) * len(LICENSED)
    assert {len(table) for table in matrix.cells.values()} == {len(GRANTS) * len(PLANS)}


def test_the_page_is_what_the_rules_give_now() -> None:
    """The page is the same to the byte when it is made again; if not: python -m tests.entitlements_matrix."""
    assert page() == PAGE.read_text("utf-8"), "run: python -m tests.entitlements_matrix"
    assert PAGE.stat().st_size < 200_000


def test_a_corrected_cell_is_noticed(matrix: Matrix) -> None:
    """A product manager who changes one cell, row or window on the page changes what is expected."""
    text = PAGE.read_text("utf-8")
    changed = parse(text.replace("yes by rental until hour 36", "yes by rental until hour 24"))
    row = Row("tvod", "open", "licensed", "rental, playing", "no plan", "fits", Channel.WEB)
    assert parts(row.decide()) == matrix.expected(row) != changed.expected(row)
    with pytest.raises(ValueError, match="is none of"):
        parse(text.replace("| rental, playing |", "| rental, played |"))


def test_the_rows_are_explained_as_they_are_decided() -> None:
    """For each cell of the tables the trace ends in the decision."""
    for row in rows(profiles=["fits"], channels=[Channel.WEB]):
        if row.plan in ("no plan", "past due, in grace", "basic"):
            answer = row.decide()
            trace = explain(row.viewer, row.title, row.context, AT)
            assert trace.decision == answer
            assert (trace.decided_by is None) is isinstance(answer, Allowed)
