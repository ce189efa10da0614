"""What `benchmarks/watching.py` measures answers as it should, and waits for no server that is not there."""

from __future__ import annotations

import json

import anyio
import pytest

from benchmarks import watching
from benchmarks.stores import Folder
from buddy_core.kernel.ids import SessionId


def test_both_sides_of_each_line_answer() -> None:
    """A known viewer with four grants is allowed by what they bought, at every route that is measured."""
    folder = Folder()
    url = folder.sqlite("watching.db")
    site = watching.Site(folder, url, anyio.run(watching.fill, url))
    try:
        shown = [json.loads(site.get(watching.DISPLAY)) for _ in range(2)]
        assert [(found["allowed"], found["via"]) for found in shown] == [(True, "est")] * 2
        for path in (watching.TRIVIAL, watching.SELECT, watching.CHECK):
            assert json.loads(site.get(path)) == {"ok": True}
        assert site.get(site.key) == bytes(16)
        with pytest.raises(RuntimeError, match="404"):
            site.get("/v1/titles/film/zzzz/availability")
    finally:
        site.close()


def test_a_server_that_does_not_come_up_is_told_of() -> None:
    """One that ends before it listens is an error at once, and nothing is left running."""
    with pytest.raises(RuntimeError, match="did not come up"):
        watching.Site(Folder(), "no database", SessionId("ses_none"))
