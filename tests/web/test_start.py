"""What is said when the service starts: what it lacks, and whether it is ready."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_web.health import NotMigrated, Readiness
from buddy_web.settings import Mode, Settings
from buddy_web.start import lacks
from buddy_web.vendor import MANIFEST
from tests.web.service import SECRET

PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)


def production(**settings: object) -> Settings:
    return Settings(mode=Mode.PRODUCTION, secret_key=SECRET, public_url="https://a.example", **settings)


def named(settings: Settings) -> set[str]:
    """Return the variables that are named as lacking."""
    words = " ".join(lacks(settings)).split()
    return {word for word in words if word.startswith("BUDDY_")}


def test_production_without_a_country_is_warned() -> None:
    """Without header or proxies nothing can be sold: both are named, each while it is missing."""
    both = {"BUDDY_COUNTRY_HEADER", "BUDDY_TRUSTED_PROXIES"}
    assert named(production()) == both
    assert named(production(country_header="CF-IPCountry")) == {"BUDDY_TRUSTED_PROXIES"}
    assert named(production(trusted_proxies=PROXIES)) == {"BUDDY_COUNTRY_HEADER"}
    assert named(production(trust_unix_socket=True, country_header="CF-IPCountry")) == set()
    assert named(Settings(secret_key=SECRET)) == set()


def test_missing_front_end_files_are_warned(tmp_path: Path) -> None:
    """The command that fetches them is named while the folder is not what the manifest pins."""
    said = lacks(Settings(secret_key=SECRET), manifest=MANIFEST, folder=tmp_path)
    assert len(said) == 1
    assert "python -m buddy_web.vendor" in said[0]


@pytest.mark.anyio
async def test_a_database_without_tables_is_not_ready(tmp_path: Path) -> None:
    """The service is ready once the schema is the newest, and not before."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'buddy.db'}")
    try:
        readiness = Readiness(engine)
        with pytest.raises(NotMigrated, match="buddy migrate"):
            await readiness.check()
        await migrate(engine)
        await readiness.check()
        await readiness.check()
    finally:
        await engine.dispose()
