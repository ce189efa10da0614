"""Where a request comes from: the client's address and country, believed only from trusted proxies."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from typing import Protocol

from attrs import frozen
from flask import Request

from buddy_web.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

DEMO_COUNTRY_COOKIE = "buddy_country"
_NO_COUNTRY = frozenset({"XX", "ZZ", "T1"})
"""What networks write when they do not know: unknown, unknown, and Tor."""
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+", re.ASCII)


class _Named(Protocol):
    """Headers or cookies: texts by name."""

    def get(self, name: str, default: str, /) -> str: ...


@frozen
class Origins:
    """Tells where requests come from.

    A header is believed only if the peer that brought it is one of `trusted_proxies`:
    what a client writes itself changes nothing.
    """

    trusted_proxies: tuple[Network, ...] = ()
    trust_unix_socket: bool = False
    country_header: str = ""
    demo_country: str | None = None
    """The country of demo visitors who have not chosen one; None outside of the demo."""

    def client_ip(self, request: Request) -> Address | None:
        """Return the client's address; None if the peer has none and names none."""
        return self._client(request.remote_addr, request.headers.get("X-Forwarded-For", ""))

    def country(self, request: Request) -> str | None:
        """Return the client's country (ISO 3166-1, two letters); None if it is not known.

        In the demo a visitor may choose it by a cookie, which is ignored elsewhere.
        """
        if self.demo_country is not None:
            return _country(request.cookies, DEMO_COUNTRY_COOKIE) or self.demo_country
        if not self.country_header or not self._trusted_peer(request.remote_addr):
            return None
        return _country(request.headers, self.country_header)

    def _client(self, peer: str | None, forwarded_for: str) -> Address | None:
        """Walk from the peer backwards through X-Forwarded-For to the first that is not trusted.

        Each proxy appends whom it heard from, so the list is true from its right end
        as far as trusted proxies wrote it. An entry that is no address ends the walk.
        """
        client = parse_address(peer or "")
        if not self._trusted_peer(peer):
            return client
        for entry in reversed([part.strip() for part in forwarded_for.split(",")]):
            named = parse_address(entry)
            if named is None:
                break
            client = named
            if not self._is_trusted(named):
                break
        return client

    def _trusted_peer(self, peer: str | None) -> bool:
        address = parse_address(peer or "")
        # A peer without an address came by a unix socket.
        return self._is_trusted(address) if address is not None else self.trust_unix_socket and not peer

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self.trusted_proxies)


def parse_address(text: str) -> Address | None:
    """Read an IP address, with or without a port; None if it is none.

    An IPv4 address in IPv6 dress (`::ffff:192.0.2.1`) is the IPv4 address.
    """
    with_port = _WITH_PORT.fullmatch(text)
    if with_port is not None:
        text = with_port[1] or with_port[2]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def client_prefix(ip: Address) -> str:
    """Return the network that a client stays in while it moves a little: /24 for IPv4, /56 for IPv6."""
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 56), strict=False))


def ip_key(ip: Address, secret: bytes) -> str:
    """Return a keyed hash that counts by address without the address being stored.

    HMAC-SHA256, 32 hex digits. An IPv6 address counts by its /64, for a single
    subscriber holds all of those.
    """
    counted = ip if ip.version == 4 else ipaddress.ip_network((ip, 64), strict=False).network_address
    return hmac.new(secret, counted.packed, hashlib.sha256).hexdigest()[:32]


def _country(source: _Named, name: str) -> str | None:
    value = source.get(name, "").strip().upper()
    return value if _COUNTRY.fullmatch(value) and value not in _NO_COUNTRY else None
