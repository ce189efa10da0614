"""The tests' own PostgreSQL server."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.postgres import PostgresServer


async def _run(url: str, *statements: str) -> list[object]:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            return [await _scalar(connection, statement) for statement in statements]
    finally:
        await engine.dispose()


async def _scalar(connection: object, statement: str) -> object:
    result = await connection.execute(text(statement))  # type: ignore[attr-defined]
    return result.scalar() if result.returns_rows else None


@pytest.mark.postgres
@pytest.mark.anyio
async def test_a_new_database_is_empty_and_answers(postgres_url: str) -> None:
    """A test's database holds no table of anyone else and takes statements."""
    count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await _run(postgres_url, count, "CREATE TABLE t (id int)", count) == [0, None, 1]


@pytest.mark.postgres
@pytest.mark.anyio
async def test_databases_of_one_template_are_apart(postgres_server: PostgresServer) -> None:
    """Two copies of a template start alike, and a write to one is not seen in the other."""

    def prepare(url: str) -> None:
        postgres_server.portal.call(_run, url, "CREATE TABLE t AS SELECT 7 AS n")

    template = postgres_server.template("setup-test", prepare)
    first = postgres_server.create_database(template)
    second = postgres_server.create_database(template)
    await _run(first, "UPDATE t SET n = 8")
    assert await _run(first, "SELECT n FROM t") == [8]
    assert await _run(second, "SELECT n FROM t") == [7]
    for url in (first, second):
        postgres_server.drop_database(url)
