"""Settings: defaults of the demo, what production needs, and that all are documented."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from buddy_web.settings import InvalidSettings, Mode, Settings, all_settings, load_settings

KEY = "k" * 40
PRODUCTION = {
    "BUDDY_MODE": "production",
    "BUDDY_SECRET_KEY": KEY,
    "BUDDY_PUBLIC_URL": "https://watch.example.com/",
}


def test_demo_makes_its_secret_once(tmp_path: Path) -> None:
    """With nothing set the demo makes a private key file, and the next start uses the same key."""
    path = tmp_path / "var" / "secret.key"
    first = load_settings({"BUDDY_SECRET_FILE": str(path)})
    second = load_settings({"BUDDY_SECRET_FILE": str(path)})
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_demo_defaults() -> None:
    """The demo is plain http on SQLite in India, and trusts no proxy."""
    settings = load_settings({"BUDDY_SECRET_KEY": KEY, "BUDDY_LOG_LEVEL": ""})
    assert settings.demo
    assert not settings.secure
    assert settings.database_url == "sqlite+aiosqlite:///var/buddy.db"
    assert (settings.demo_country, settings.trusted_proxies, settings.log_level) == ("IN", (), "INFO")


def test_production_reads_all() -> None:
    """Production with its needs met starts, secure, with its keys in order."""
    settings = load_settings(
        {**PRODUCTION, "BUDDY_OLD_SECRET_KEYS": "o" * 40, "BUDDY_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}
    )
    assert settings.mode is Mode.PRODUCTION
    assert settings.secure
    assert settings.public_url == "https://watch.example.com"
    assert settings.secrets == (KEY, "o" * 40)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"BUDDY_SECRET_KEY": ""}, "BUDDY_SECRET_KEY is missing"),
        ({"BUDDY_SECRET_KEY": "short"}, "at least 32"),
        ({"BUDDY_OLD_SECRET_KEYS": "short"}, "at least 32"),
        ({"BUDDY_PUBLIC_URL": "http://watch.example.com"}, "https"),
        ({"BUDDY_PUBLIC_URL": "watch.example.com"}, "BUDDY_PUBLIC_URL"),
        ({"BUDDY_MODE": "live"}, "BUDDY_MODE"),
        ({"BUDDY_TRUSTED_PROXIES": "10.0.0.1/8"}, "BUDDY_TRUSTED_PROXIES"),
        ({"BUDDY_COUNTRY_HEADER": "CF IPCountry"}, "BUDDY_COUNTRY_HEADER"),
        ({"BUDDY_DEMO_COUNTRY": "India"}, "BUDDY_DEMO_COUNTRY"),
        ({"BUDDY_LOG_LEVEL": "loud"}, "BUDDY_LOG_LEVEL"),
        ({"BUDDY_CALL_TIMEOUT_S": "0"}, "BUDDY_CALL_TIMEOUT_S"),
        ({"BUDDY_TRUST_UNIX_SOCKET": "true"}, "BUDDY_TRUST_UNIX_SOCKET"),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, str], named: str) -> None:
    """A wrong or missing setting stops the start and is named."""
    with pytest.raises(InvalidSettings) as caught:
        load_settings({**PRODUCTION, **change})
    assert named in caught.value.message()


def test_every_mistake_is_named_at_once() -> None:
    """Two mistakes are both in the message."""
    with pytest.raises(InvalidSettings) as caught:
        load_settings({**PRODUCTION, "BUDDY_MODE": "live", "BUDDY_LOG_LEVEL": "loud"})
    assert len(caught.value.problems) == 2


def test_secrets_are_not_shown() -> None:
    """The settings can be printed without showing keys or the database's password."""
    shown = repr(Settings(secret_key=KEY, old_secret_keys=("o" * 40,), database_url="postgresql://u:pw@h/d"))
    assert not any(secret in shown for secret in (KEY, "o" * 40, "pw"))


def test_every_setting_is_documented() -> None:
    """docs/settings.md names each setting, with its default, and no other."""
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip(" `") for line in text.splitlines() if line.startswith("| `BUDDY_")]
    assert rows == [setting.name for setting in all_settings()]
    for setting in all_settings():
        assert setting.description in text
        assert not setting.default or f"`{setting.default}`" in text
