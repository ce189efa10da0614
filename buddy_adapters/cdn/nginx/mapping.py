"""nginx's `secure_link` scheme as pure functions: hash, sign and check by nginx's own expression.

The scheme is that of ngx_http_secure_link_module with `secure_link` and
`secure_link_md5`: the hash is the base64url text, without padding, of the MD5 of an
expression in which nginx's variables are replaced by their values. MD5 is nginx's
choice, not ours; the secret stands in the expression, so keep that out of logs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from urllib.parse import quote, unquote_to_bytes

from attrs import field, frozen

from buddy_adapters.cdn.errors import LinkExpired, LinkRefused, LinkSettingsWrong
from buddy_core.kernel.clock import utc

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))", re.ASCII)
_ARGUMENT_NAME = re.compile(r"[A-Za-z0-9_]+")
_HASH = re.compile(rb"[A-Za-z0-9_-]{22}")
_ORIGIN = re.compile(r"^https?://[^/?#]*", re.IGNORECASE)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAX_HASH_CHARACTERS = 24
_MAX_EXPIRES_DIGITS = 12


class LinkState(Enum):
    """What nginx's variable `$secure_link` says of a link."""

    WRONG = ""
    EXPIRED = "0"
    GOOD = "1"


@frozen
class NginxSecureLink:
    """One `secure_link` configuration: the expression, and the names of the two arguments.

    `expression` is the value of `secure_link_md5` exactly as it stands in nginx's file,
    without the quotes around it; `$name` and `${name}` are variables. `expires_argument`
    is None for a location whose links never expire (`secure_link $arg_md5;`).

    Raises:
        LinkSettingsWrong: the expression is empty, or leaves the expiry out of the hash,
            so that anybody could prolong a link.
    """

    expression: str = field(repr=False)
    hash_argument: str = "md5"
    expires_argument: str | None = "expires"

    def __attrs_post_init__(self) -> None:
        if not self.expression:
            raise LinkSettingsWrong("the expression is empty")
        for name in (self.hash_argument, self.expires_argument):
            if name is not None and not _ARGUMENT_NAME.fullmatch(name):
                raise LinkSettingsWrong(f"{name!r} is not a name that nginx can read as $arg_...")
        if self.expires_argument is None:
            return
        if self.expires_argument.lower() == self.hash_argument.lower():
            raise LinkSettingsWrong("hash and expiry need two different arguments")
        if self.variables.isdisjoint({"secure_link_expires", f"arg_{self.expires_argument.lower()}"}):
            raise LinkSettingsWrong("the expression leaves the expiry out, so anybody could prolong a link")

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables in the expression, in lower case as nginx keeps them."""
        return frozenset(_name(match) for match in _VARIABLE.finditer(self.expression))

    def hash(
        self,
        uri: str,
        expires: int | None = None,
        remote_addr: str | None = None,
        **others: str,
    ) -> str:
        """Return the hash of one link.

        `uri` is the path as nginx's `$uri` has it: percent-decoded, without the query.
        `expires` is in seconds since 1970. `others` are any further variables by name
        (`arg_user`, `remote_prefix`); those the expression does not use change nothing.

        Raises:
            LinkSettingsWrong: the expression uses a variable that was not given.
        """
        values = {**others, "uri": uri}
        if remote_addr is not None:
            values["remote_addr"] = remote_addr
        if expires is not None:
            values |= self._expires_values(str(expires))
        missing = sorted(self.variables - values.keys())
        if missing:
            raise LinkSettingsWrong("the expression needs a value for " + ", ".join(f"${m}" for m in missing))
        return _encoded(self._digest(values))

    def sign(
        self,
        uri: str,
        expires: int | None = None,
        remote_addr: str | None = None,
        **others: str,
    ) -> str:
        """Return path and query of the signed link: the path percent-encoded, then hash and expiry.

        A variable `arg_x` of the expression is added to the query as `x`.

        Raises:
            LinkSettingsWrong: a variable is missing, an expiry is missing or not wanted,
                or nginx would see another path than the one signed.
        """
        if (expires is None) is not (self.expires_argument is None):
            raise LinkSettingsWrong("an expiry must be given exactly when an argument is configured for it")
        if expires is not None and expires <= 0:
            raise LinkSettingsWrong(f"nginx takes no expiry of {expires}; give seconds since 1970")
        path = quote(uri, safe="/-._~!$'()*,;:@", errors="surrogateescape")
        if _nginx_uri(path) != uri:
            raise LinkSettingsWrong(f"nginx would not read the path {uri!r} as it stands; give it normalised")
        query = {self.hash_argument: self.hash(uri, expires, remote_addr, **others)}
        if self.expires_argument is not None:
            query[self.expires_argument] = str(expires)
        for variable in sorted(self.variables & others.keys()):
            if variable.startswith("arg_"):
                query.setdefault(variable.removeprefix("arg_"), _plain_argument(variable, others[variable]))
        return path + "?" + "&".join(f"{name}={value}" for name, value in query.items())

    def state(
        self, url: str, at: datetime, remote_addr: str | None = None, **others: str
    ) -> tuple[LinkState, int | None]:
        """Say what nginx would say of this link at an instant, and the expiry it carries.

        `url` is the request's target as it came over the wire, with or without scheme and
        host. As in nginx, the first of repeated arguments counts, their values are not
        decoded, and a variable without a value is empty.
        """
        path, _, query = _ORIGIN.sub("", url).partition("#")[0].partition("?")
        arguments = _arguments(query)
        uri = _nginx_uri(path)
        expires = None
        values = {f"arg_{name}": value for name, value in arguments.items()} | others
        if self.expires_argument is not None:
            text = arguments.get(self.expires_argument.lower(), "")
            expires = _expires(text)
            if expires is None:
                return LinkState.WRONG, None
            values |= self._expires_values(text)
        given = _decoded(arguments.get(self.hash_argument.lower(), ""))
        if uri is None or given is None:
            return LinkState.WRONG, expires
        values |= {"uri": uri, "remote_addr": remote_addr or ""}
        return self._judged(given, values, expires, at), expires

    def state_of(
        self,
        uri: str,
        given_hash: str,
        at: datetime,
        expires: int | None = None,
        remote_addr: str | None = None,
        **others: str,
    ) -> LinkState:
        """Say what nginx would say of a link that is already taken apart: `state` without a URL.

        `uri`, `expires` and `others` are as `hash` takes them, `given_hash` as it stands in
        the link. As in nginx a variable without a value is empty, and a link that should
        expire and has no expiry above zero is wrong.
        """
        given = _decoded(given_hash)
        counts = self.expires_argument is not None
        if given is None or (counts and (expires is None or expires <= 0)):
            return LinkState.WRONG
        values = {**others, "uri": uri, "remote_addr": remote_addr or ""}
        if counts:
            values |= self._expires_values(str(expires))
        return self._judged(given, values, expires if counts else None, at)

    def check(self, url: str, at: datetime, remote_addr: str | None = None, **others: str) -> None:
        """Return when nginx would serve this link at the instant `at`.

        Raises:
            LinkRefused: the hash is missing, malformed or wrong (nginx: "").
            LinkExpired: the hash is right but the expiry lies before `at` (nginx: "0");
                the second of the expiry itself is still good.
        """
        state, expires = self.state(url, at, remote_addr, **others)
        if state is LinkState.WRONG:
            raise LinkRefused("its hash does not belong to this address, expiry and viewer")
        if state is LinkState.EXPIRED and expires is not None:
            raise LinkExpired(datetime.fromtimestamp(expires, UTC))

    def _judged(
        self, given: bytes, values: Mapping[str, str], expires: int | None, at: datetime
    ) -> LinkState:
        if not hmac.compare_digest(given, self._digest(values)):
            return LinkState.WRONG
        if expires is not None and expires < int(utc(at).timestamp()):
            return LinkState.EXPIRED
        return LinkState.GOOD

    def _expires_values(self, text: str) -> dict[str, str]:
        if self.expires_argument is None:
            return {}
        return {"secure_link_expires": text, f"arg_{self.expires_argument.lower()}": text}

    def _digest(self, values: Mapping[str, str]) -> bytes:
        text = _VARIABLE.sub(lambda match: values.get(_name(match), ""), self.expression)
        # surrogateescape gives back the very bytes of a path that is not UTF-8.
        return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()


def remote_prefix(address: str) -> str:
    """Return the network an address is bound to: IPv4 `a.b.c.0/24`, IPv6 `/48`.

    Phones change their address within a network; a link bound to the network outlives
    that. The value equals `$remote_prefix` of the nginx map in docs/providers.md, which
    binds an IPv6 address to its whole self where `::` falls into the first three groups.

    Raises:
        LinkSettingsWrong: `address` is no IP address.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError as error:
        raise LinkSettingsWrong(f"{address!r} is not an IP address") from error
    text = str(parsed)
    if parsed.version == 4:
        return text.rpartition(".")[0] + ".0/24"
    head = re.match(r"[0-9a-f]+:[0-9a-f]+:[0-9a-f]+:", text)
    return f"{head.group()}:/48" if head else text


def _name(match: re.Match[str]) -> str:
    return (match["braced"] or match["plain"]).lower()


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _decoded(text: str) -> bytes | None:
    """Decode a hash as nginx does: at most 24 characters, whatever follows a `=` ignored."""
    if len(text) > _MAX_HASH_CHARACTERS:
        return None
    kept = text.partition("=")[0].encode("utf-8", "surrogateescape")
    return base64.urlsafe_b64decode(kept + b"==") if _HASH.fullmatch(kept) else None


def _expires(text: str) -> int | None:
    """Read an expiry as nginx does: digits alone, above zero."""
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_EXPIRES_DIGITS:
        return None
    return int(text) or None


def _arguments(query: str) -> dict[str, str]:
    """Return the raw arguments by lower-case name; nginx takes the first of each, in any case."""
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.lower(), value)
    return found


def _plain_argument(variable: str, value: str) -> str:
    """Return a value that stands in a query as it is, as `$arg_...` is not decoded by nginx."""
    if quote(value, safe="-._~") != value:
        raise LinkSettingsWrong(f"${variable} is read undecoded; give it letters, digits and -._~ alone")
    return value


def _nginx_uri(path: str) -> str | None:
    """Return nginx's `$uri` of a raw path: decoded, slashes merged, dots resolved; None where it says 400."""
    if not path.startswith("/") or _BAD_PERCENT.search(path):
        return None
    decoded = unquote_to_bytes(path).decode("utf-8", "surrogateescape")
    if "\0" in decoded:
        return None
    segments: list[str] = []
    parts = decoded.split("/")[1:]
    for part in parts:
        if part == "..":
            if not segments:
                return None
            segments.pop()
        elif part not in ("", "."):
            segments.append(part)
    tail = "/" if segments and parts[-1] in ("", ".", "..") else ""
    return "/" + "/".join(segments) + tail
