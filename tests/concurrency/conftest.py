"""The stores of the races are those of the contracts."""

from tests.contracts.conftest import anyio_backend, database_url, sqlite_template, uow

__all__ = ["anyio_backend", "database_url", "sqlite_template", "uow"]
