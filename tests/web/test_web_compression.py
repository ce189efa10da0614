"""Style sheet and scripts come compressed to those who can read that; nothing else does."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import buddy_web

SHEET = "/static/css/buddy.css"
PLAIN = Path(buddy_web.__file__).with_name("static") / "css" / "buddy.css"


def test_the_style_sheet_comes_compressed(client: FlaskClient) -> None:
    """With gzip accepted the answer is small, says so, and holds the same bytes."""
    answer = client.get(SHEET, buffered=True, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(answer.data) == int(answer.headers["Content-Length"]) < 20_000
    assert gzip.decompress(answer.data) == PLAIN.read_bytes()


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0"])
def test_who_does_not_take_gzip_gets_the_file(client: FlaskClient, accepted: str) -> None:
    """Without gzip the file comes as it lies there."""
    answer = client.get(SHEET, buffered=True, headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.data == PLAIN.read_bytes()


def test_a_compressed_file_is_not_sent_twice(client: FlaskClient) -> None:
    """Asked again by its weak tag, the answer is 304 without a body."""
    first = client.get(SHEET, buffered=True, headers={"Accept-Encoding": "gzip"})
    tag = first.headers["ETag"]
    assert tag.startswith("W/")
    again = client.get(SHEET, buffered=True, headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_a_part_is_a_part_of_the_file(client: FlaskClient) -> None:
    """A range is answered from the file itself, never from its compressed form."""
    part = client.get(SHEET, buffered=True, headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
    assert part.status_code == 206
    assert part.data == PLAIN.read_bytes()[:10]


def test_pages_and_answers_with_secrets_stay_plain(client: FlaskClient) -> None:
    """What is not a file of the package is never compressed here."""
    answer = client.get("/health", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
