"""Settings: everything that differs between two installations, read once from the environment."""

# The settings are declared by calls that return attrs fields, which the rule cannot see.
# ruff: noqa: RUF009

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
from attrs import field, frozen
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from buddy_core.kernel.errors import Invalid

PREFIX = "BUDDY_"
MIN_SECRET_LENGTH = 32
_MAKE_A_KEY = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ORIGIN = re.compile(
    rf"(https?)://(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:]+\])(?::([1-9][0-9]{{0,4}}))?", re.ASCII
)
_OWN_PORTS = {"http": "80", "https": "443"}
"""Browsers leave a scheme's own port out of an origin."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@attrs.define
class InvalidSettings(Invalid):
    """One or more settings are missing or wrong; the process does not start."""

    code = "web.invalid_settings"

    problems: tuple[str, ...]

    def message(self) -> str:
        return "; ".join(self.problems)


class Mode(Enum):
    """What the installation is for: `demo` shows, `production` serves."""

    DEMO = "demo"
    PRODUCTION = "production"


@frozen
class SettingInfo:
    """What the documentation and `.env.example` say of one setting."""

    name: str
    """The environment variable, such as `BUDDY_MODE`."""
    description: str
    default: str
    secret: bool


def _setting(
    description: str, *, default: str, read: Callable[[str], Any] = str, secret: bool = False
) -> Any:
    """Declare a setting: `default` is written as it would stand in the environment."""
    metadata = {"description": description, "default": default, "read": read, "secret": secret}
    return field(factory=lambda: read(default), repr=not secret, metadata=metadata)


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in _words(text))


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://watch.example.com")
    return text.rstrip("/")


def _origins(text: str) -> tuple[str, ...]:
    return tuple(_origin(word) for word in _words(text))


def _origin(text: str) -> str:
    found = _ORIGIN.fullmatch(text)
    if found is None or found[2] == _OWN_PORTS[found[1]] or int(found[2] or 0) > 65_535:
        raise ValueError(
            "must be origins such as https://app.example.com, exactly as browsers send them: "
            "small letters, no path and no `*`"
        )
    return text


def _database(text: str) -> str:
    try:
        driver = make_url(text).drivername
    except ArgumentError:
        driver = ""
    # The address itself is not repeated: it may hold a password.
    if driver not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise ValueError(
            "must be an address such as sqlite+aiosqlite:///var/buddy.db or "
            "postgresql+asyncpg://user:password@host/name"
        )
    return text


def _country(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise ValueError("must be two capital letters (ISO 3166-1), such as IN")
    return text


def _level(text: str) -> str:
    if text not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,11}", text):
        raise ValueError("must be a whole number above zero")
    return int(text)


def _yes_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("must be yes or no")
    return text == "yes"


def _counter(text: str) -> str:
    if text not in ("", "memory", "database", "off") and not re.match(r"(valkey|redis)s?://", text):
        raise ValueError("must be memory, database, off, or an address such as redis://127.0.0.1:6379/0")
    return text


def _ad_unit(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9/_~.-]{1,100}", text):
        raise ValueError("must be the id of an ad unit, such as 1234567890")
    return text


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]*", text):
        raise ValueError("must be the name of one header, such as CF-IPCountry")
    return text


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise ValueError("must be demo or production") from None


@frozen(kw_only=True)
class Settings:
    """The settings of one process; each field is the variable `BUDDY_` + its name in capitals."""

    mode: Mode = _setting(
        "What the installation is for: `demo` (plain http, movable clock, country switch) or `production`.",
        default="demo",
        read=_mode,
    )
    database_url: str = _setting(
        "The database, as a SQLAlchemy address for aiosqlite or asyncpg.",
        default="sqlite+aiosqlite:///var/buddy.db",
        read=_database,
        secret=True,
    )
    secret_key: str = _setting(
        "Signs cookies and form tokens, at least 32 characters. Production refuses to start without it; "
        "the demo makes one in the secret file.",
        default="",
        secret=True,
    )
    old_secret_keys: tuple[str, ...] = _setting(
        "Former secret keys, comma-separated: they still open old cookies and sign nothing new. "
        "Remove one 400 days after it was replaced.",
        default="",
        read=_words,
        secret=True,
    )
    secret_file: Path = _setting(
        "Where the demo keeps the secret key that it made for itself.", default="var/secret.key", read=Path
    )
    media_dir: Path = _setting(
        "The folder that holds encoded video, pictures and captions.", default="var/media", read=Path
    )
    public_url: str = _setting(
        "The address under which the public reaches the service; links in mail and documents begin with it. "
        "Production needs https.",
        default="http://127.0.0.1:8000",
        read=_url,
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "Addresses or networks of the proxies in front, comma-separated. Only what they say about a "
        "client (X-Forwarded-For, the country header) is believed.",
        default="",
        read=_networks,
    )
    trust_unix_socket: bool = _setting(
        "`yes` if the proxy in front reaches the server by a unix socket, which has no address; else `no`.",
        default="no",
        read=_yes_no,
    )
    country_header: str = _setting(
        "The header in which a trusted proxy names the client's country, such as CF-IPCountry. Empty: none.",
        default="",
        read=_header,
    )
    demo_country: str = _setting(
        "The country of a demo visitor who has not switched to another.", default="IN", read=_country
    )
    cors_origins: tuple[str, ...] = _setting(
        "Origins of other sites whose pages may use the API from a browser, comma-separated, each exactly as "
        "browsers send it, such as https://app.example.com. Empty: none. Production takes https alone.",
        default="",
        read=_origins,
    )
    rate_limits: str = _setting(
        "Where requests are counted: `memory` (right for one process), `database`, a Valkey or Redis server "
        "such as redis://127.0.0.1:6379/0, or `off`. Empty: memory in the demo, else database.",
        default="",
        read=_counter,
        secret=True,
    )
    rate_limits_file: Path | None = _setting(
        "A JSON file with other limits than those of docs/edge.md. Empty: none.",
        default="",
        read=lambda text: Path(text) if text else None,
    )
    ad_unit: str = _setting(
        "The rewarded ad unit that pays tokens, as the ad network's callback names it.",
        default="sandbox-rewarded",
        read=_ad_unit,
    )
    bind_links_to_network: bool = _setting(
        "`yes` if media links work only from the network they were made for; the CDN must then check "
        "$remote_prefix too. A phone that changes networks gets new links when it loads a playlist again.",
        default="no",
        read=_yes_no,
    )
    log_level: str = _setting(
        "The least important log lines to write: DEBUG, INFO, WARNING or ERROR.",
        default="INFO",
        read=_level,
    )
    call_timeout_s: int = _setting(
        "Seconds that a request may wait for the core before it is answered with 503.",
        default="5",
        read=_count,
    )
    long_call_timeout_s: int = _setting(
        "Seconds that bringing in facts, and stating or closing a month, may take before they are answered "
        "with 503.",
        default="120",
        read=_count,
    )
    max_body_bytes: int = _setting(
        "The largest request body that is read, in bytes; routes for uploads declare their own.",
        default="1048576",
        read=_count,
    )

    @property
    def demo(self) -> bool:
        """Return whether demo-only conveniences are allowed."""
        return self.mode is Mode.DEMO

    @property
    def secure(self) -> bool:
        """Return whether the public comes by https: cookies are then `Secure` and HSTS is sent."""
        return not self.demo or self.public_url.startswith("https://")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return all secret keys, the one that signs first."""
        return (self.secret_key, *self.old_secret_keys)


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; the demo makes its secret key once and keeps it in the secret file.

    Raises:
        InvalidSettings: something is missing or wrong; every problem is named at once.
    """
    environment = os.environ if environment is None else environment
    problems: list[str] = []
    values: dict[str, Any] = {}
    for attribute in attrs.fields(Settings):
        name = PREFIX + attribute.name.upper()
        if not environment.get(name, "").strip():
            continue
        try:
            values[attribute.name] = attribute.metadata["read"](environment[name].strip())
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise InvalidSettings(tuple(problems))
    settings = Settings(**values)
    if settings.demo and not settings.secret_key:
        settings = attrs.evolve(settings, secret_key=_kept_secret(settings.secret_file))
    problems = _contradictions(settings)
    if problems:
        raise InvalidSettings(tuple(problems))
    return settings


def all_settings() -> tuple[SettingInfo, ...]:
    """Return every setting with its description, in the order of the documentation."""
    return tuple(
        SettingInfo(
            PREFIX + attribute.name.upper(),
            attribute.metadata["description"],
            attribute.metadata["default"],
            attribute.metadata["secret"],
        )
        for attribute in attrs.fields(Settings)
    )


def _contradictions(settings: Settings) -> list[str]:
    problems = []
    if not settings.secret_key:
        problems.append(
            f"BUDDY_SECRET_KEY is missing: production needs its own. Make one with: {_MAKE_A_KEY}"
        )
    elif any(len(key) < MIN_SECRET_LENGTH for key in settings.secrets):
        problems.append(
            f"BUDDY_SECRET_KEY and BUDDY_OLD_SECRET_KEYS: each key needs at least {MIN_SECRET_LENGTH} "
            f"characters. Make one with: {_MAKE_A_KEY}"
        )
    if not settings.demo and not settings.public_url.startswith("https://"):
        problems.append("BUDDY_PUBLIC_URL must begin with https:// in production")
    if not settings.demo and any(not origin.startswith("https://") for origin in settings.cors_origins):
        # Whoever sits on the line could put their own page in the place of a plain http one.
        problems.append("BUDDY_CORS_ORIGINS: each origin must begin with https:// in production")
    return problems


def _kept_secret(path: Path) -> str:
    """Return the key in `path`, made there at the first start and readable by its owner alone.

    The key is written aside and linked into place, so that of two processes that
    start together both read the same whole key.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes files that only their owner can read.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="ascii") as aside:
            aside.write(secrets.token_urlsafe(48))
        try:
            os.link(name, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(name)
    return path.read_text(encoding="ascii").strip()
