"""nginx's secure_link: our links are the ones nginx makes, and are refused when nginx refuses."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from buddy_adapters.cdn.errors import LinkExpired, LinkRefused, LinkSettingsWrong
from buddy_adapters.cdn.nginx import LinkState, NginxSecureLink, NginxUrlSigner, remote_prefix

# The example of nginx's own documentation of ngx_http_secure_link_module.
DOCUMENTED = NginxSecureLink("$secure_link_expires$uri$remote_addr secret")
DOCUMENTED_URL = "/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647"
NO_EXPIRY = NginxSecureLink("secret$uri", expires_argument=None)
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
SOON = int(NOW.timestamp()) + 60

paths = st.lists(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1), min_size=1
).map(lambda parts: "/" + "/".join(part if part.strip(".") else "dots" for part in parts))


def test_the_documented_link_is_made() -> None:
    """The link of nginx's documentation comes out to the last character."""
    assert DOCUMENTED.sign("/s/link", 2147483647, "127.0.0.1") == DOCUMENTED_URL


def test_the_documented_link_is_good() -> None:
    """The link of nginx's documentation is good for the address it was made for."""
    DOCUMENTED.check(DOCUMENTED_URL, NOW, "127.0.0.1")


@pytest.mark.parametrize(
    ("suffix", "good"), [("", True), ("=", True), ("==", True), ("Q", False), ("QQ", False), ("===", False)]
)
def test_padding_is_taken_as_nginx_takes_it(suffix: str, good: bool) -> None:
    """Padding up to 24 characters is ignored; anything else behind the hash is refused."""
    state, _ = NO_EXPIRY.state("/test.html?md5=q-5vpkjBkRXXtkUMXiJVHA" + suffix, NOW)
    assert state is (LinkState.GOOD if good else LinkState.WRONG)


@given(paths, st.integers(1, 2**33), st.ip_addresses().map(str))
def test_what_is_signed_is_good(path: str, expires: int, address: str) -> None:
    """Every link is good for its own path, expiry and address, however odd the path's characters."""
    url = DOCUMENTED.sign(path, expires, address)
    DOCUMENTED.check(url, datetime.fromtimestamp(expires, UTC), address)


@given(st.data())
def test_any_changed_character_is_refused(data: st.DataObject) -> None:
    """A link with any one character changed is not served, but for what nginx itself does not read."""
    url = DOCUMENTED.sign("/film/1080p/segment-4.ts", SOON, "127.0.0.1")
    query, expires = url.index("?"), url.index("&expires=")
    # The last character of a hash carries four bits that nginx does not look at.
    place = data.draw(st.sampled_from([i for i in range(len(url)) if i != expires - 1]))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != url[place]))
    # The names of arguments count in any case.
    in_a_name = query < place < query + 4 or expires < place < expires + 8
    assume(not in_a_name or other.lower() != url[place])
    with pytest.raises(LinkRefused):
        DOCUMENTED.check(url[:place] + other + url[place + 1 :], NOW, "127.0.0.1")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("/s/link", "127.0.0.1"),
        ("/s/link?md5=&expires=2147483647", "127.0.0.1"),
        ("/s/link?md5=_e4Nc3iduzkWRm01TBBNYw", "127.0.0.1"),
        ("/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=", "127.0.0.1"),
        ("/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=0", "127.0.0.1"),
        ("/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=-1", "127.0.0.1"),
        ("/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483648", "127.0.0.1"),
        ("/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647", "127.0.0.2"),
        ("/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647", None),
        ("/s/other?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647", "127.0.0.1"),
        ("/s/link?md5=wrong&md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647", "127.0.0.1"),
        ("/s/link%2?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647", "127.0.0.1"),
        ("/../s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647", "127.0.0.1"),
        ("s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647", "127.0.0.1"),
        ("/s/link?md5=é&expires=2147483647", "127.0.0.1"),
    ],
)
def test_a_wrong_link_is_refused(url: str, address: str | None) -> None:
    """A missing, wrong, repeated or borrowed hash, a bad expiry or path: all are refused alike."""
    with pytest.raises(LinkRefused):
        DOCUMENTED.check(url, NOW, address)


@pytest.mark.parametrize(
    "url",
    [
        "/s//link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647",
        "/s/./x/../link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647",
        "/%73/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647",
        "/s/link?MD5=_e4Nc3iduzkWRm01TBBNYw&Expires=2147483647",
        "/s/link?x=1&expires=2147483647&md5=_e4Nc3iduzkWRm01TBBNYw&md5=ignored",
        "https://cdn.example/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647",
    ],
)
def test_other_spellings_that_nginx_reads_the_same_are_good(url: str) -> None:
    """Merged slashes, resolved dots, decoded percent codes and argument case are read as nginx reads them."""
    DOCUMENTED.check(url, NOW, "127.0.0.1")


def test_a_link_expires_after_its_second() -> None:
    """The second of the expiry is still good; the next is refused and names the expiry."""
    url = DOCUMENTED.sign("/a.ts", SOON, "::1")
    DOCUMENTED.check(url, NOW + timedelta(seconds=60, microseconds=999_999), "::1")
    with pytest.raises(LinkExpired) as caught:
        DOCUMENTED.check(url, NOW + timedelta(seconds=61), "::1")
    assert caught.value.expired_at == NOW + timedelta(seconds=60)
    assert DOCUMENTED.state(url, NOW + timedelta(seconds=61), "::1")[0] is LinkState.EXPIRED


@given(paths, st.integers(1, 2**33), st.ip_addresses().map(str), st.integers(-2, 2))
def test_a_link_taken_apart_is_judged_as_the_whole(path: str, expires: int, address: str, late: int) -> None:
    """Path, hash and expiry alone have the state of the link made of them, good, expired or wrong."""
    at = datetime.fromtimestamp(expires + late, UTC)
    given_hash = DOCUMENTED.hash(path, expires, address)
    state, _ = DOCUMENTED.state(DOCUMENTED.sign(path, expires, address), at, address)
    assert DOCUMENTED.state_of(path, given_hash, at, expires, address) is state
    assert state is (LinkState.EXPIRED if late > 0 else LinkState.GOOD)
    assert DOCUMENTED.state_of(path, given_hash, at, expires + 1, address) is LinkState.WRONG


@pytest.mark.parametrize(
    ("suffix", "good"), [("", True), ("=", True), ("==", True), ("Q", False), ("QQ", False), ("===", False)]
)
def test_a_link_without_expiry_is_judged_by_its_parts(suffix: str, good: bool) -> None:
    """Where no argument is set for the expiry, path and hash count alone, padded as nginx takes it."""
    state = NO_EXPIRY.state_of("/test.html", "q-5vpkjBkRXXtkUMXiJVHA" + suffix, NOW, SOON)
    assert state is (LinkState.GOOD if good else LinkState.WRONG)


@pytest.mark.parametrize("expires", [None, 0, -1])
def test_a_link_that_should_expire_and_does_not_is_wrong(expires: int | None) -> None:
    """As in nginx, no expiry and one of 0 are no link."""
    given_hash = DOCUMENTED.hash("/a.ts", SOON, "::1")
    assert DOCUMENTED.state_of("/a.ts", given_hash, NOW, expires, "::1") is LinkState.WRONG


def test_a_wrong_hash_is_wrong_even_when_expired() -> None:
    """nginx looks at the hash first, so an expired forgery learns nothing."""
    with pytest.raises(LinkRefused):
        DOCUMENTED.check("/a.ts?md5=_e4Nc3iduzkWRm01TBBNYw&expires=1", NOW, "127.0.0.1")


def test_arguments_and_braces_in_the_expression() -> None:
    """`$arg_...`, `${...}` and own argument names work, and the argument is part of what is protected."""
    link = NginxSecureLink("${arg_e}|$uri|$arg_user|s3cret", hash_argument="h", expires_argument="e")
    url = link.sign("/a b.ts", SOON, arg_user="u1")
    assert url.startswith("/a%20b.ts?h=")
    assert url.endswith(f"&e={SOON}&user=u1")
    link.check(url, NOW)
    with pytest.raises(LinkRefused):
        link.check(url.replace("user=u1", "user=u2"), NOW)


@pytest.mark.parametrize(
    "make",
    [
        lambda: NginxSecureLink(""),
        lambda: NginxSecureLink("secret$uri"),
        lambda: NginxSecureLink("$secure_link_expires$uri s", hash_argument="a-b"),
        lambda: NginxSecureLink("$secure_link_expires$uri s", hash_argument="expires"),
        lambda: DOCUMENTED.sign("/a", SOON),
        lambda: DOCUMENTED.sign("/a", None, "::1"),
        lambda: DOCUMENTED.sign("/a", 0, "::1"),
        lambda: DOCUMENTED.sign("/a/../b", SOON, "::1"),
        lambda: DOCUMENTED.sign("/a//b", SOON, "::1"),
        lambda: DOCUMENTED.sign("a", SOON, "::1"),
        lambda: NO_EXPIRY.sign("/a", SOON),
        lambda: NginxSecureLink("$arg_u$uri s", expires_argument=None).sign("/a", arg_u="a&b"),
        lambda: NginxUrlSigner(NO_EXPIRY),
        lambda: remote_prefix("phone"),
    ],
)
def test_settings_that_protect_nothing_are_refused(make: object) -> None:
    """An expression without the expiry, a variable without a value, or a path nginx rewrites: refused."""
    assert callable(make)
    with pytest.raises(LinkSettingsWrong):
        make()


def test_the_secret_is_not_printed() -> None:
    """The expression holds the secret, so no representation shows it."""
    assert "secret" not in repr(NginxUrlSigner(DOCUMENTED)).replace("NginxSecureLink", "")


class TestUrlSigner:
    """The two ports of playback, on nginx's scheme."""

    bound = NginxUrlSigner(NginxSecureLink("$secure_link_expires$uri$remote_prefix s"), "https://cdn.example")
    free = NginxUrlSigner(NginxSecureLink("$secure_link_expires$uri s"))

    def test_round_trip(self) -> None:
        """A signed link is absolute and good up to its expiry, for its network."""
        expires_at = NOW + timedelta(minutes=5)
        url = self.bound.sign("/f/1.ts", expires_at=expires_at, client_prefix="203.0.113.0/24")
        assert url.startswith("https://cdn.example/f/1.ts?md5=")
        self.bound.check(url, at=expires_at, client_prefix="203.0.113.0/24")
        with pytest.raises(LinkRefused):
            self.bound.check(url, at=NOW, client_prefix="203.0.114.0/24")
        with pytest.raises(LinkExpired):
            self.bound.check(url, at=expires_at + timedelta(seconds=1), client_prefix="203.0.113.0/24")

    def test_without_a_network(self) -> None:
        """Binding is a choice: without the variable in the expression any network may use the link."""
        url = self.free.sign("/f/1.ts", expires_at=NOW, client_prefix=None)
        self.free.check(url, at=NOW, client_prefix=None)

    def test_binding_is_never_silently_lost(self) -> None:
        """A prefix that the expression ignores, or lacks, is refused."""
        with pytest.raises(LinkSettingsWrong):
            self.free.sign("/f/1.ts", expires_at=NOW, client_prefix="203.0.113.0/24")
        with pytest.raises(LinkSettingsWrong):
            self.bound.sign("/f/1.ts", expires_at=NOW, client_prefix=None)


def test_the_documented_settings_belong_together() -> None:
    """The page's Python block runs, and its expression is the one of its nginx block."""
    page = (Path(__file__).parents[3] / "docs" / "providers.md").read_text(encoding="utf-8")
    python = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    expression = re.findall(r'secure_link_md5 "(.*)";', page)[0]
    assert f'NginxSecureLink("{expression}")' in python
    exec(python, {})


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:a:b::1", "2001:db8:a::/48"),
        ("2001:0DB8:000a::1", "2001:db8:a::/48"),
        ("2001:db8::1", "2001:db8::1"),
        ("::1", "::1"),
    ],
)
def test_remote_prefix(address: str, prefix: str) -> None:
    """The network is the /24 or the /48 where the text shows it, else the whole address."""
    assert remote_prefix(address) == prefix
