"""Origins: which proxies are believed, and what a client can write itself."""

from __future__ import annotations

import ipaddress

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from buddy_web.network import Origins, client_prefix, ip_key, parse_address
from buddy_web.settings import Mode, Settings
from tests.web.toy_app import SECRET, Container, make_app

PROXIES = Origins(
    trusted_proxies=(ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")),
    country_header="CF-IPCountry",
)


def came(peer: str | None, cookie: str = "", **headers: str) -> Request:
    """Return a request from `peer` with these headers, `_` standing for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if cookie:
        named["Cookie"] = cookie
    environ = EnvironBuilder(headers=named).get_environ()
    environ["REMOTE_ADDR"] = peer
    return Request(environ)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "1.1.1.1, rubbish, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.1:5555", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:5555", "2001:db8::1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", None),
        (None, "198.51.100.1", None),
    ],
)
def test_client_is_the_rightmost_untrusted(peer: str | None, forwarded_for: str, client: str | None) -> None:
    """The client is the first address from the right that no trusted proxy stands for."""
    found = PROXIES.client_ip(came(peer, X_Forwarded_For=forwarded_for))
    assert (None if found is None else str(found)) == client


def test_unix_socket_is_trusted_when_declared() -> None:
    """A proxy on a unix socket has no address; it is believed only if the settings say so."""
    origins = Origins(trust_unix_socket=True)
    assert str(origins.client_ip(came("", X_Forwarded_For="198.51.100.1"))) == "198.51.100.1"
    assert str(origins.client_ip(came("203.0.113.9", X_Forwarded_For="1.1.1.1"))) == "203.0.113.9"


@given(st.ip_addresses(v=4), st.text(alphabet="0123456789abcdef:., []", max_size=40))
def test_what_a_client_writes_changes_nothing(peer: ipaddress.IPv4Address, written: str) -> None:
    """Without a trusted proxy no header moves the address."""
    assert Origins().client_ip(came(str(peer), X_Forwarded_For=written)) == peer


@given(
    st.ip_addresses(v=4).filter(lambda ip: ip not in ipaddress.ip_network("10.0.0.0/8")),
    st.text("0123456789., "),
)
def test_a_client_cannot_hide_behind_the_proxy(client: ipaddress.IPv4Address, written: str) -> None:
    """Whatever the client wrote before, the proxy's own entry at the end decides."""
    forwarded_for = f"{written}, {client}"
    assert PROXIES.client_ip(came("10.0.0.1", X_Forwarded_For=forwarded_for)) == client


@pytest.mark.parametrize(
    ("peer", "said", "country"),
    [
        ("10.0.0.1", "IN", "IN"),
        ("10.0.0.1", "de", "DE"),
        ("203.0.113.9", "IN", None),
        ("10.0.0.1", "XX", None),
        ("10.0.0.1", "T1", None),
        ("10.0.0.1", "India", None),
        ("10.0.0.1", "", None),
    ],
)
def test_country_comes_from_trusted_proxies(peer: str, said: str, country: str | None) -> None:
    """The country header counts only from a trusted proxy, and only as two letters."""
    assert PROXIES.country(came(peer, CF_IPCountry=said)) == country


def test_country_cookie_counts_in_the_demo_alone(container: Container) -> None:
    """A demo visitor may choose a country and is in India otherwise; in production the cookie is nothing."""
    demo = make_app(Settings(secret_key=SECRET), container).test_client()
    real = make_app(Settings(mode=Mode.PRODUCTION, secret_key=SECRET), container).test_client()
    assert demo.get("/me").get_json()["country"] == "IN"
    for browser, country in ((demo, "AE"), (real, None)):
        browser.set_cookie("buddy_country", "AE")
        assert browser.get("/me").get_json()["country"] == country


@pytest.mark.parametrize(
    ("ip", "prefix"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:22ff:aaaa::1", "2001:db8:1:2200::/56"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
    ],
)
def test_client_prefix(ip: str, prefix: str) -> None:
    """An address stands for its /24 or /56."""
    address = parse_address(ip)
    assert address is not None
    assert client_prefix(address) == prefix


def test_ip_key_counts_without_the_address() -> None:
    """The key tells addresses apart, depends on the secret, and takes an IPv6 subscriber as one."""
    first, second = ipaddress.ip_address("203.0.113.7"), ipaddress.ip_address("203.0.113.8")
    assert ip_key(first, b"s") == ip_key(first, b"s")
    assert len({ip_key(first, b"s"), ip_key(second, b"s"), ip_key(first, b"t")}) == 3
    one, other = ipaddress.ip_address("2001:db8::1"), ipaddress.ip_address("2001:db8::ffff:2")
    assert ip_key(one, b"s") == ip_key(other, b"s")


def test_views_see_key_and_prefix(container: Container) -> None:
    """A view gets the client's key and network, and never needs the address."""
    client = make_app(Settings(secret_key=SECRET), container).test_client()
    seen = client.get("/me", environ_overrides={"REMOTE_ADDR": "203.0.113.77"}).get_json()
    assert seen["prefix"] == "203.0.113.0/24"
    assert len(seen["ip_key"]) == 32
