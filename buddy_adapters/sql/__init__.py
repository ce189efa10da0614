"""The storage ports on SQLAlchemy Core: SQLite through aiosqlite, PostgreSQL through asyncpg."""
